package hnsw

import (
	"context"
	"slices"
	"testing"

	"github.com/clipdb/clipdb/index"
	"github.com/clipdb/clipdb/index/indextest/cliplike"
)

// What is settled is left out of the work, never out of the outcome: a graph
// that forgets it before every batch has the same links.
func TestSettledChangesNothing(t *testing.T) {
	const dim, n = 64, 3000
	for name, latent := range map[string]int{"few directions, lists that thin out": 4, "many directions, lists that stay full": 48} {
		vectors := cliplike.New(cliplike.Config{N: n, Dim: dim, Latent: latent, Seed: 5}).Images()
		var graphs [2]*Graph
		settled := 0
		for i := range graphs {
			g, err := New(index.Params{Dim: dim, M: 8, EfConstruction: 40})
			if err != nil {
				t.Fatal(err)
			}
			defer g.Close()
			for at := 0; at < n; at += 100 {
				slots := make([]index.Slot, 100)
				for j := range slots {
					slots[j] = index.Slot(at + j)
				}
				if err := g.Add(context.Background(), slots, vectors[at:at+100]); err != nil {
					t.Fatal(err)
				}
				if i == 1 {
					clear(g.settled)
				}
			}
			graphs[i] = g
		}
		for _, n := range graphs[0].settled {
			settled += int(n)
		}
		if settled < n {
			t.Errorf("%s: %d links are settled: the test tries nothing", name, settled)
		}
		a, b := graphs[0].view.Load(), graphs[1].view.Load()
		if !slices.Equal(a.links, b.links) || !slices.Equal(a.blocks, b.blocks) {
			t.Errorf("%s: the links are others", name)
		}
	}
}
