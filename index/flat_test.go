package index_test

import (
	"cmp"
	"context"
	"math"
	"slices"
	"testing"

	"github.com/clipdb/clipdb/index"
	"github.com/clipdb/clipdb/index/indextest"
	"github.com/clipdb/clipdb/index/indextest/cliplike"
)

func TestFlat(t *testing.T) {
	indextest.Run(t, func(p index.Params) (index.Index, error) { return index.NewFlat(p) }, indextest.Options{Recall: 1})
}

func FuzzRestore(f *testing.F) {
	indextest.FuzzRestore(f, func(p index.Params) (index.Index, error) { return index.NewFlat(p) })
}

// Flat itself is checked against plain arithmetic in float64.
func TestFlatAgainstArithmetic(t *testing.T) {
	data := cliplike.New(cliplike.Config{N: 1500, Dim: 100, Latent: 32, Seed: 2})
	f, err := index.NewFlat(index.Params{Dim: 100})
	if err != nil {
		t.Fatal(err)
	}
	slots := make([]index.Slot, 1500)
	for i := range slots {
		slots[i] = index.Slot(i * 3)
	}
	if err := f.Add(context.Background(), slots, data.Images()); err != nil {
		t.Fatal(err)
	}
	for _, q := range append(data.ImageQueries(20), data.TextQueries(20)...) {
		got, err := f.Search(context.Background(), index.Query{Vector: q, K: 30})
		if err != nil {
			t.Fatal(err)
		}
		type scored struct {
			slot  index.Slot
			score float64
		}
		var all []scored
		for i, v := range data.Images() {
			var s float64
			for j := range v {
				s += float64(v[j]) * float64(q[j])
			}
			all = append(all, scored{slots[i], s})
		}
		slices.SortFunc(all, func(a, b scored) int { return cmp.Compare(b.score, a.score) })
		for i, c := range got {
			// The order may differ where float32 cannot tell.
			if math.Abs(float64(c.Score)-all[i].score) > 1e-6 {
				t.Fatalf("answer %d is %v, want %v", i, c, all[i])
			}
			at := slices.IndexFunc(all, func(s scored) bool { return s.slot == c.Slot })
			if math.Abs(all[at].score-float64(c.Score)) > 1e-6 {
				t.Fatalf("slot %d has score %v, not %v", c.Slot, all[at].score, c.Score)
			}
		}
	}
}
