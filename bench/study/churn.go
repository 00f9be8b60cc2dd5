package main

import (
	"context"
	"fmt"
	"math/rand/v2"
	"time"

	"github.com/clipdb/clipdb/index"
	"github.com/clipdb/clipdb/index/hnsw"
	"github.com/clipdb/clipdb/index/indextest/cliplike"
)

// churn deletes half of the collection and inserts as many again, ten times,
// and asks after each beside an index that was built afresh from what is there.
func churn(ctx context.Context, o options) error {
	const k, turns = 10, 10
	data := cliplike.New(cliplike.Config{N: o.n, Dim: o.dim, Seed: seed})
	queries := data.ImageQueries(max(o.queries, 1000))
	base := make(vectors, 3*o.n)
	copy(base, data.Images())
	g, err := hnsw.New(index.Params{Dim: o.dim, Vectors: base})
	if err != nil {
		return err
	}
	defer g.Close()
	if err := g.Add(ctx, slotsOf(0, o.n), base[:o.n]); err != nil {
		return err
	}
	rng := rand.New(rand.NewPCG(seed, 2))
	end := index.Slot(o.n)
	var waiting []index.Slot // deleted, not yet to be used again
	head("round", "recall@10, ef 64", "fresh", "recall@10, ef 128", "fresh", "ghosts", "delete, ms", "insert, us a vector", "slots", "tombstones")
	for turn := range turns + 1 {
		var deleting, inserting time.Duration
		if turn > 0 {
			var gone []index.Slot
			var back [][]float32
			for slot := range end {
				if base[slot] != nil && rng.IntN(2) == 0 {
					gone, back = append(gone, slot), append(back, base[slot])
				}
			}
			began := time.Now()
			g.Delete(gone...)
			deleting = time.Since(began)
			for _, slot := range gone {
				base[slot] = nil
			}
			waiting = append(waiting, gone...)
			if o.again {
				back = cliplike.New(cliplike.Config{N: len(back), Dim: o.dim, Seed: uint64(seed + turn)}).Images()
			}
			rng.Shuffle(len(back), func(i, j int) { back[i], back[j] = back[j], back[i] })
			began = time.Now()
			for len(back) > 0 {
				part := back[:min(1000, len(back))]
				back = back[len(part):]
				var slots []index.Slot
				slots, waiting, end = take(g, len(part), waiting, end)
				for i, slot := range slots {
					base[slot] = part[i]
				}
				if err := g.Add(ctx, slots, part); err != nil {
					return err
				}
			}
			inserting = time.Since(began) / time.Duration(max(1, len(gone)))
		}
		fresh, err := hnsw.New(index.Params{Dim: o.dim, Vectors: base})
		if err != nil {
			return err
		}
		var slots []index.Slot
		var rows [][]float32
		for slot := range end {
			if base[slot] != nil {
				slots, rows = append(slots, slot), append(rows, base[slot])
			}
		}
		if err := fresh.Add(ctx, slots, rows); err != nil {
			return err
		}
		truth := truths(base, queries, k)
		cells := []any{turn}
		ghosts := 0
		for _, ef := range []int{64, 128} {
			for _, x := range []index.Index{g, fresh} {
				got, err := measure(ctx, x, base, queries, truth, 1, func(int) index.Query { return index.Query{K: k, Ef: ef} })
				if err != nil {
					return err
				}
				ghosts += got.ghosts
				cells = append(cells, share(got.recall))
			}
		}
		row(append(cells, ghosts, deleting.Milliseconds(), micros(inserting), end, g.Stats().Tombstones)...)
		if err := fresh.Close(); err != nil {
			return err
		}
	}
	fmt.Printf("\n%d x %d, %d queries\n", o.n, o.dim, len(queries))
	return nil
}

// take hands out slots, those that are free again first.
func take(g *hnsw.Graph, n int, waiting []index.Slot, end index.Slot) (slots, left []index.Slot, _ index.Slot) {
	for _, slot := range waiting {
		if len(slots) < n && g.Reusable(slot) {
			slots = append(slots, slot)
		} else {
			left = append(left, slot)
		}
	}
	for len(slots) < n {
		slots, end = append(slots, end), end+1
	}
	return slots, left, end
}
