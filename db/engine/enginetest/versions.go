package enginetest

import (
	"errors"
	"slices"
	"testing"

	"github.com/clipdb/clipdb/db/engine"
)

// testVersions holds changes that are meant for a record as it was read
// against records that were changed or deleted since.
func testVersions(t *testing.T, h Harness) {
	e := open(t, h, folder(t))
	bind(t, e, 2)
	m := model{}
	m.put(t, e, engine.Create,
		engine.Record{ID: "a", Vector: []float32{1, 0}, Caption: "as it was"},
		engine.Record{ID: "b", Vector: []float32{1, 0}, Caption: "as it was"},
		engine.Record{ID: "c", Vector: []float32{1, 0}, Caption: "as it was"})
	read := func(id string) engine.Record {
		t.Helper()
		r, err := e.Get(ctx, id, engine.Fetch{Vector: true})
		if err != nil {
			t.Fatal(err)
		}
		return *r
	}
	a, b, c := read("a"), read("b"), read("c")
	m.put(t, e, engine.Replace, engine.Record{ID: "b", Vector: []float32{0, 1}, Caption: "changed"})
	m.delete(t, e, "c")
	if now := read("b"); !now.Updated.After(b.Updated) {
		t.Errorf("a replacement right away has the time %v, what it replaced %v", now.Updated, b.Updated)
	}
	renewed := []engine.Record{a, b, c}
	for i := range renewed {
		renewed[i].Caption = "renewed"
	}
	results, err := e.Put(ctx, renewed, engine.Renew)
	if err != nil {
		t.Fatal(err)
	}
	if results[0].Status != engine.Replaced || results[0].Err != nil {
		t.Errorf("an unchanged record: %+v", results[0])
	}
	for _, r := range results[1:] {
		if r.Status != engine.Refused || !errors.Is(r.Err, engine.ErrChanged) {
			t.Errorf("a changed or deleted record: %+v", r)
		}
	}
	fresh := read("a")
	if fresh.Caption != "renewed" || !fresh.Updated.After(a.Updated) || !fresh.Created.Equal(a.Created) {
		t.Errorf("renewed: %+v, before %+v", fresh, a)
	}
	if got := read("b").Caption; got != "changed" {
		t.Errorf("the change that came between was overwritten: %q", got)
	}
	version := func(r engine.Record) engine.Version { return engine.Version{ID: r.ID, Updated: r.Updated} }
	gone, err := e.DeleteUnchanged(ctx, []engine.Version{version(a), version(b), version(c), {ID: "never"}})
	if err != nil || len(gone) > 0 {
		t.Errorf("old versions deleted %q, %v", gone, err)
	}
	gone, err = e.DeleteUnchanged(ctx, []engine.Version{version(fresh), version(b)})
	if err != nil || !slices.Equal(gone, []string{"a"}) {
		t.Errorf("the present version deleted %q, %v", gone, err)
	}
	delete(m, "a")
	m.check(t, e)
}
