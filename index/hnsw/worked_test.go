package hnsw_test

import (
	"context"
	"testing"

	"github.com/clipdb/clipdb/index"
	"github.com/clipdb/clipdb/index/hnsw"
	"github.com/clipdb/clipdb/index/indextest/cliplike"
)

// Stats tell what searches cost, by what each way of serving reads.
func TestWorkIsCounted(t *testing.T) {
	const n, dim = 3000, 64
	g, err := hnsw.New(index.Params{Dim: dim})
	if err != nil {
		t.Fatal(err)
	}
	defer g.Close()
	data := cliplike.New(cliplike.Config{N: n, Dim: dim, Latent: 16, Seed: 2})
	slots := make([]index.Slot, n)
	for i := range slots {
		slots[i] = index.Slot(i)
	}
	if err := g.Add(context.Background(), slots, data.Images()); err != nil {
		t.Fatal(err)
	}
	if w := g.Stats().Work; w != (index.Work{}) {
		t.Errorf("building alone counts as %+v", w)
	}
	q := index.Query{Vector: data.ImageQueries(1)[0], K: 10}
	for _, step := range []struct {
		name string
		q    index.Query
		ok   func(w index.Work) bool
	}{
		{"beam", index.Query{Ef: 32}, func(w index.Work) bool { return w.Codes > 32 && w.Codes < n/2 && w.Bits == 0 && w.Exact >= 10 }},
		{"plane", index.Query{Side: index.SideText}, func(w index.Work) bool { return w.Bits == n && w.Codes >= 64 && w.Exact >= 10 }},
		{"exact", index.Query{Exact: true}, func(w index.Work) bool { return w.Codes == 0 && w.Bits == 0 && w.Exact == n }},
	} {
		before := g.Stats().Work
		step.q.Vector, step.q.K = q.Vector, q.K
		if _, err := g.Search(context.Background(), step.q); err != nil {
			t.Fatal(err)
		}
		w := g.Stats().Work
		w.Searches, w.Codes, w.Bits, w.Exact = w.Searches-before.Searches, w.Codes-before.Codes, w.Bits-before.Bits, w.Exact-before.Exact
		if w.Searches != 1 || !step.ok(w) {
			t.Errorf("%s: %+v", step.name, w)
		}
	}
}
