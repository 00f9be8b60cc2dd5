package enginetest

import (
	"errors"
	"testing"

	"github.com/clipdb/clipdb/db/engine"
)

// testReembed gives every record a vector of another dimension beside the
// served one, with changes and a new opening in between, and switches.
func testReembed(t *testing.T, h Harness) {
	dir := folder(t)
	e, m := open(t, h, dir), model{}
	if !e.Caps().Reembed {
		t.Skip("the engine keeps one set of vectors")
	}
	const dim, other = 32, 48
	r := random(21)
	from := engine.Spec{Dim: dim, Model: "old", Fingerprint: "0000"}
	to := engine.Spec{Dim: other, Model: "new", Fingerprint: "1111"}
	if err := e.Bind(ctx, from); err != nil {
		t.Fatal(err)
	}
	records := people(r, 400, dim)
	for i := range records {
		records[i].Model = from.Fingerprint
	}
	m.put(t, e, engine.Create, records[:350]...)
	if _, err := e.BeginReembed(ctx, to); err != nil {
		t.Fatal(err)
	}
	next := map[string][]float32{}
	pass := func(most int) (n int) {
		t.Helper()
		var batch []engine.Reembedded
		for rec, err := range e.Pending(ctx) {
			if err != nil {
				t.Fatal(err)
			}
			if len(batch) == most {
				break
			}
			next[rec.ID] = unit(r, other)
			batch = append(batch, engine.Reembedded{ID: rec.ID, Vector: next[rec.ID]})
		}
		n, err := e.PutReembedded(ctx, batch)
		if err != nil || n != len(batch) {
			t.Fatalf("PutReembedded: %d of %d, %v", n, len(batch), err)
		}
		return n
	}
	pass(200)
	m.delete(t, e, records[0].ID, records[349].ID) // with and without a vector beside
	records[1].Vector = unit(r, dim)               // a replacement has to be done again
	m.put(t, e, engine.Replace, records[1])        //
	m.put(t, e, engine.Create, records[350:]...)   // and so have new ones
	if n, err := e.PutReembedded(ctx, []engine.Reembedded{{ID: records[0].ID, Vector: unit(r, other)}, {ID: records[2].ID, Image: [32]byte{1}, Vector: unit(r, other)}}); n != 0 || err != nil {
		t.Errorf("vectors of a deleted item and of another picture: %d, %v", n, err)
	}
	if err := e.FinishReembed(ctx, nil); !errors.Is(err, engine.ErrPending) {
		t.Errorf("FinishReembed too early: %v", err)
	}
	m.check(t, e)
	e = reopen(t, h, e, dir)
	st, err := e.BeginReembed(ctx, to)
	if err != nil || st.Done != 198 || st.Total != 398 {
		t.Errorf("after opening again: %+v, %v", st, err)
	}
	m.check(t, e)
	if n := pass(199); n != 199 {
		t.Errorf("%d were pending", n)
	}
	var left []engine.Version
	for rec, err := range e.Pending(ctx) {
		if err != nil {
			t.Fatal(err)
		}
		left = append(left, engine.Version{ID: rec.ID, Updated: rec.Updated})
	}
	if len(left) != 1 {
		t.Fatalf("pending: %v", left)
	}
	// What was written since is not dropped.
	stale := engine.Version{ID: left[0].ID, Updated: left[0].Updated.Add(-1)}
	if err := e.FinishReembed(ctx, []engine.Version{stale}); !errors.Is(err, engine.ErrPending) {
		t.Errorf("FinishReembed with a record that changed: %v", err)
	}
	kept, err := e.Get(ctx, records[5].ID, engine.Fetch{})
	if err != nil {
		t.Fatal(err)
	}
	// What is to be dropped goes with the switch; what has a vector stays.
	if err := e.FinishReembed(ctx, append(left, engine.Version{ID: records[5].ID, Updated: kept.Updated})); err != nil {
		t.Fatal(err)
	}
	delete(m, left[0].ID)
	for id, rec := range m {
		rec.Vector, rec.Model = next[id], to.Fingerprint
		m[id] = rec
	}
	for range 2 {
		if e.Spec() != to {
			t.Errorf("after the switch: %v", e.Spec())
		}
		m.check(t, e)
		q := unit(r, other)
		hits, err := e.Search(ctx, engine.Query{Vector: q, K: 10, Exact: true, Spec: to})
		if err != nil || recall(hits, m.nearest(q, nil), 10) < 1 {
			t.Errorf("search after the switch: %d hits, %v", len(hits), err)
		}
		m.checkHits(t, hits, m.nearest(q, nil))
		if _, err := e.Search(ctx, engine.Query{Vector: unit(r, dim), K: 1, Spec: from}); !errors.Is(err, engine.ErrModelMismatch) {
			t.Errorf("a query of the old model: %v", err)
		}
		verify(t, h, e)
		if e.Caps().Compact {
			if err := e.Compact(ctx); err != nil {
				t.Fatal(err)
			}
		}
		e = reopen(t, h, e, dir)
	}
	if st, err := e.Reembedding(ctx); err != nil || st.Spec.Bound() || st.Done != 0 {
		t.Errorf("after the end: %+v, %v", st, err)
	}
}
