package scan

import (
	"context"
	"testing"

	"github.com/clipdb/clipdb/index"
	"github.com/clipdb/clipdb/index/indextest/cliplike"
)

// TestRecallAsked holds the promise of the error bound: on average the share
// asked for is found, of either side's queries and also where a filter leaves
// only the half that is farthest from the query, all of it about equally far.
// One query alone may miss more: here one of 200 finds 8 of 10 when asked for 0.99.
func TestRecallAsked(t *testing.T) {
	const dim, n, k = 100, 3000, 10
	ctx := context.Background()
	data := cliplike.New(cliplike.Config{N: n, Dim: dim, Latent: 32, Seed: 11})
	x, err := New(index.Params{Dim: dim})
	if err != nil {
		t.Fatal(err)
	}
	defer x.Close()
	x.CodesOnly()
	exact, err := index.NewFlat(index.Params{Dim: dim})
	if err != nil {
		t.Fatal(err)
	}
	slots := make([]index.Slot, n)
	for i := range slots {
		slots[i] = index.Slot(i)
	}
	for _, y := range []index.Index{x, exact} {
		if err := y.Add(ctx, slots, data.Images()); err != nil {
			t.Fatal(err)
		}
		y.Delete(slots[:50]...)
	}
	search := func(y index.Index, q index.Query) []index.Candidate {
		got, err := y.Search(ctx, q)
		if err != nil {
			t.Fatal(err)
		}
		return got
	}
	for side, queries := range [][][]float32{data.ImageQueries(200), data.TextQueries(200)} {
		for _, far := range []bool{false, true} {
			filters := make([]*index.Bitmap, len(queries))
			for i, v := range queries {
				if far {
					filters[i] = index.NewBitmap(n)
					for _, c := range search(exact, index.Query{Vector: v, K: n})[n/2:] {
						filters[i].Set(c.Slot)
					}
				}
			}
			for _, asked := range []float32{0.9, 0.95, 0.99} {
				found := 0
				for i, v := range queries {
					q := index.Query{Vector: v, K: k, Recall: asked, Side: index.Side(side), Allow: filters[i]}
					truth := map[index.Slot]bool{}
					for _, c := range search(exact, q) {
						truth[c.Slot] = true
					}
					for _, c := range search(x, q) {
						if truth[c.Slot] {
							found++
						}
					}
				}
				got := float64(found) / float64(k*len(queries))
				t.Logf("side %d, the far half alone %v: asked %.2f, found %.4f", side, far, asked, got)
				if got < float64(asked)-0.01 {
					t.Errorf("side %d, the far half alone %v: asked %.2f, found %.4f", side, far, asked, got)
				}
			}
		}
	}
}
