package db_test

import (
	"bytes"
	"errors"
	"math"
	"slices"
	"testing"

	"github.com/clipdb/clipdb/db"
	"github.com/clipdb/clipdb/db/engine"
)

// The rating at insert, in a batch and of what is stored are the same, and
// agree with Classify.
func TestSensitive(t *testing.T) {
	o := db.SensitiveOptions{Threshold: 0.5, Labels: []string{"red", "purple"}, Neutral: []string{"green", "blue", "white"}, Templates: []string{"{}"}}
	enc := &palette{}
	plain := open(t, newPath(t), &db.Options{Encoder: enc})
	gallery(t, plain)
	for rec, err := range plain.All(ctx) {
		if err != nil {
			t.Fatal(err)
		}
		if _, rated := rec.Attrs[db.AttrSensitive]; rated {
			t.Fatalf("%s is rated though nobody asked", rec.ID)
		}
	}
	want := map[string]float64{}
	for rec, err := range plain.Scan(ctx, db.ScanOptions{Fetch: db.Fetch{Original: true}}) {
		if err != nil {
			t.Fatal(err)
		}
		scores, err := plain.Classify(ctx, bytes.NewReader(rec.Image.Original), slices.Concat(o.Labels, o.Neutral), &db.ClassifyOptions{Templates: []string{"{}"}})
		if err != nil {
			t.Fatal(err)
		}
		for _, s := range scores {
			if slices.Contains(o.Labels, s.Label) {
				want[rec.ID] += float64(s.Probability)
			}
		}
	}

	asked := open(t, newPath(t), &db.Options{Encoder: enc, Sensitive: &o})
	gallery(t, asked)
	again := open(t, newPath(t), &db.Options{Encoder: enc, Sensitive: &o})
	var items []db.Item
	for rec, err := range plain.Scan(ctx, db.ScanOptions{Fetch: db.Fetch{Original: true}}) {
		if err != nil {
			t.Fatal(err)
		}
		items = append(items, db.Item{ID: rec.ID, Image: bytes.NewReader(rec.Image.Original), Attrs: rec.Attrs})
	}
	if rep, err := again.InsertAll(ctx, slices.Values(items), nil); err != nil || rep.Added != len(items) {
		t.Fatal(rep, err)
	}
	told := 0
	if err := plain.RateSensitive(ctx, o, true, func(s db.SensitiveScore) error {
		told++
		if math.Abs(s.Score-want[s.ID]) > 1e-4 || s.Sensitive != (s.Score >= 0.5) {
			t.Errorf("%+v, want %v", s, want[s.ID])
		}
		return nil
	}); err != nil || told != len(want) || told == 0 {
		t.Fatalf("%d rated, want %d: %v", told, len(want), err)
	}
	flagged := map[*db.DB]int{}
	for _, d := range []*db.DB{asked, again, plain} {
		for rec, err := range d.Scan(ctx, db.ScanOptions{Fetch: db.Fetch{Original: true, Thumbnail: true}}) {
			if err != nil {
				t.Fatal(err)
			}
			s, ok := rec.Attrs[db.AttrSensitiveScore].AsFloat()
			if !ok || math.Abs(s-want[rec.ID]) > 1e-4 || rec.Image.Original == nil || rec.Image.Thumbnail == nil {
				t.Errorf("%s: score %v, want %v; picture kept: %v", rec.ID, s, want[rec.ID], rec.Image.Original != nil)
			}
		}
		for _, err := range d.Scan(ctx, db.ScanOptions{Filter: engine.Eq(db.AttrSensitive, engine.Bool(true))}) {
			if err != nil {
				t.Fatal(err)
			}
			flagged[d]++
		}
	}
	if n := flagged[asked]; n == 0 || n == len(want) || flagged[plain] != n || flagged[again] != n {
		t.Errorf("flagged %v of %d", flagged, len(want))
	}
}

func TestSensitiveRefusals(t *testing.T) {
	d := open(t, newPath(t), &db.Options{Encoder: &palette{}})
	for _, o := range []db.SensitiveOptions{
		{}, {Threshold: 1.5}, {Threshold: float32(math.NaN())}, {Threshold: 0.5, Labels: []string{" "}}, {Threshold: 0.5, Templates: []string{"x"}},
		{Threshold: 0.5, Labels: make([]string, db.MaxLabels+1)},
	} {
		if err := d.RateSensitive(ctx, o, false, nil); !errors.Is(err, db.ErrQuery) {
			t.Errorf("%.100v: %v", o, err)
		}
	}
	own := open(t, newPath(t), nil)
	if err := own.RateSensitive(ctx, db.SensitiveOptions{Threshold: 0.5}, false, nil); !errors.Is(err, db.ErrNoEncoder) {
		t.Errorf("without a model: %v", err)
	}
}
