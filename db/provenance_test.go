package db_test

import (
	"bytes"
	"errors"
	"fmt"
	"maps"
	"math/rand/v2"
	"os"
	"slices"
	"testing"
	"time"

	"github.com/clipdb/clipdb/db"
	"github.com/clipdb/clipdb/db/engine"
)

func TestProvenance(t *testing.T) {
	until := time.Date(2030, 1, 2, 3, 4, 5, 0, time.UTC)
	p := db.Provenance{Source: "https://example.org/1", Licence: "CC-BY-4.0", Author: "Ada", Consent: db.ConsentGiven, ConsentUntil: until, RetentionUntil: until.AddDate(1, 0, 0)}
	given := db.Attrs{"year": engine.Int(2024), "source": engine.String("old")}
	attrs := p.Attrs(given)
	if len(given) != 2 || attrs["year"] != engine.Int(2024) || len(attrs) != 7 {
		t.Errorf("attributes %v from %v", attrs, given)
	}
	if got, err := db.ProvenanceOf(attrs); err != nil || got != p {
		t.Errorf("got %+v, %v", got, err)
	}
	if got := (db.Provenance{}).Attrs(nil); len(got) != 0 {
		t.Errorf("nothing became %v", got)
	}
	if got := (db.Provenance{Author: "Ada"}).Attrs(given); got["source"] != engine.String("old") {
		t.Errorf("an empty field took the source away: %v", got)
	}

	d := open(t, newPath(t), nil)
	v := []float32{1, 0}
	if _, err := d.Insert(ctx, db.Item{ID: "a", Vector: v, Attrs: attrs}); err != nil {
		t.Fatal(err)
	}
	matches, err := d.Search(ctx, db.Vector(v), &db.SearchOptions{K: 3, Filter: engine.Eq(db.AttrLicence, engine.String("CC-BY-4.0"))})
	if err != nil || len(matches) != 1 {
		t.Errorf("by licence: %v, %v", matches, err)
	}
	// What Expire would never see is refused, and stores nothing.
	for name, v2 := range map[string]db.Value{
		db.AttrConsentUntil: engine.String("2030-01-01"), db.AttrRetentionUntil: engine.Int(2030), db.AttrConsent: engine.Bool(true),
	} {
		_, err := d.Insert(ctx, db.Item{ID: "b", Vector: v, Attrs: db.Attrs{name: v2}})
		if !errors.Is(err, db.ErrProvenance) {
			t.Errorf("%s = %v: %v", name, v2, err)
		}
		if _, err := db.ProvenanceOf(db.Attrs{name: v2}); !errors.Is(err, db.ErrProvenance) {
			t.Errorf("reading %s = %v: %v", name, v2, err)
		}
	}
	if ok, err := d.Exists(ctx, "b"); err != nil || ok[0] {
		t.Errorf("a refused item is there: %v", err)
	}
}

// Expire deletes exactly what a plain loop over the attributes calls expired.
func TestExpire(t *testing.T) {
	path := newPath(t)
	d := open(t, path, nil)
	r := rand.New(rand.NewPCG(3, 7))
	now := time.Date(2026, 6, 1, 12, 0, 0, 0, time.UTC)
	want := map[string]string{}
	const n = 700 // more than two deletions take
	var items []db.Item
	for i := range n {
		it := db.Item{ID: fmt.Sprintf("i%03d", i), Vector: []float32{r.Float32() + 0.1, r.Float32()}, Caption: fmt.Sprintf("secret-of-%03d", i)}
		p := db.Provenance{}
		reason := ""
		at := func() time.Time { return now.Add(time.Duration(r.IntN(5)-2) * time.Hour) }
		if r.IntN(2) == 0 {
			if p.RetentionUntil = at(); !p.RetentionUntil.After(now) {
				reason = db.AttrRetentionUntil
			}
		}
		if r.IntN(2) == 0 {
			if p.ConsentUntil = at(); !p.ConsentUntil.After(now) {
				reason = db.AttrConsentUntil
			}
		}
		if p.Consent = []string{"", db.ConsentGiven, "withdrawn by letter", db.ConsentWithdrawn}[r.IntN(4)]; p.Consent == db.ConsentWithdrawn {
			reason = db.AttrConsent
		}
		if it.Attrs = p.Attrs(nil); reason != "" {
			want[it.ID] = reason
		}
		items = append(items, it)
	}
	if rep, err := d.InsertAll(ctx, slices.Values(items), nil); err != nil || rep.Added != n {
		t.Fatal(rep, err)
	}
	run := func(dry bool) (map[string]string, int) {
		got := map[string]string{}
		n, err := d.Expire(ctx, now, &db.ExpireOptions{DryRun: dry, Found: func(e db.Expired) {
			got[e.ID] = e.Reason
			if (e.Reason == db.AttrConsent) != e.Since.IsZero() || e.Since.After(now) {
				t.Errorf("expired %+v", e)
			}
		}})
		if err != nil {
			t.Fatal(err)
		}
		return got, n
	}
	for _, dry := range []bool{true, false} {
		if got, k := run(dry); !maps.Equal(got, want) || k != len(want) {
			t.Fatalf("dry run %v: %d expired, %d told, want %d", dry, k, len(got), len(want))
		}
		if st, err := d.Stats(ctx); err != nil || dry && st.Records != n || !dry && st.Records != n-len(want) {
			t.Fatalf("dry run %v left %d items, %v", dry, st.Records, err)
		}
	}
	if got, k := run(false); k != 0 || len(got) != 0 {
		t.Errorf("a second time: %v", got)
	}
	// After Compact no word of them is in the file.
	if err := d.Compact(ctx); err != nil {
		t.Fatal(err)
	}
	if err := d.Close(); err != nil {
		t.Fatal(err)
	}
	raw, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	for _, it := range items {
		if _, gone := want[it.ID]; gone && (bytes.Contains(raw, []byte(it.Caption)) || bytes.Contains(raw, []byte(it.ID))) {
			t.Errorf("%s has left a trace", it.ID)
		} else if !gone && !bytes.Contains(raw, []byte(it.Caption)) {
			t.Errorf("%s should be there", it.ID)
		}
	}
	if _, err := d.Expire(ctx, now, nil); !errors.Is(err, db.ErrClosed) {
		t.Errorf("on a closed database: %v", err)
	}
}
