package main

import (
	"context"
	"fmt"
	"math/rand/v2"

	"github.com/clipdb/clipdb/index"
)

// filters asks behind filters that pass 50 to 0.1 % of the rows: at random,
// those nearest to the query, and those farthest from it. The bitmaps are made
// outside the clock.
func filters(ctx context.Context, o options) error {
	const k, recall = 10, 0.98
	w, err := newWorld(ctx, o)
	if err != nil {
		return err
	}
	// The index learns from other queries than those that are asked.
	all := w.ask(o.side, 400+o.queries)
	for _, q := range all[:400] {
		if _, err := w.graph.Search(ctx, index.Query{Vector: q, K: k, Recall: recall, Side: o.side}); err != nil {
			return err
		}
	}
	if err := w.graph.Calibrate(ctx, o.side); err != nil {
		return err
	}
	queries := all[400:]
	orders := make([][]scored, len(queries))
	for i, q := range queries {
		orders[i] = order(w.base, q)
	}
	truth := truths(w.base, queries, k)
	ask := index.Query{K: k, Recall: recall, Side: o.side}
	fmt.Printf("%d x %d, %d queries, recall %.2f asked\n\n", o.n, o.dim, len(queries), recall)
	head("passing", "which", "recall@10", "worst", "short", "us", "plain search: recall@10", "us", "exact scan of the passing, us", "over the better of plain and exact scan", "over the exact scan")
	rng := rand.New(rand.NewPCG(seed, 1))
	for _, part := range []float64{0.5, 0.25, 0.1, 0.03, 0.01, 0.001} {
		pass := int(part * float64(o.n))
		for _, which := range []string{"random", "nearest", "farthest"} {
			allow := make([]*index.Bitmap, len(queries))
			passing := make([]map[index.Slot]bool, len(queries))
			for i := range queries {
				allow[i] = index.NewBitmap(o.n)
				rows := orders[i][:pass]
				switch which {
				case "random":
					rows = nil
					for _, s := range rng.Perm(o.n)[:pass] {
						allow[i].Set(index.Slot(s))
					}
				case "farthest":
					rows = orders[i][o.n-pass:]
				}
				for _, r := range rows {
					allow[i].Set(r.slot)
				}
				passing[i] = map[index.Slot]bool{}
				for _, r := range orders[i] {
					if len(passing[i]) == k {
						break
					}
					if allow[i].Has(r.slot) {
						passing[i][r.slot] = true
					}
				}
			}
			got, err := measure(ctx, w.graph, w.base, queries, passing, o.rounds, func(i int) index.Query { q := ask; q.Allow = allow[i]; return q })
			if err != nil {
				return err
			}
			exact, err := measure(ctx, w.graph, w.base, queries, passing, 1, func(i int) index.Query { return index.Query{K: k, Exact: true, Allow: allow[i]} })
			if err != nil {
				return err
			}
			// The index goes on measuring itself meanwhile: plain search is timed anew.
			plain, err := measure(ctx, w.graph, w.base, queries, truth, o.rounds, func(int) index.Query { return ask })
			if err != nil {
				return err
			}
			better := min(plain.took, exact.took)
			row(fmt.Sprintf("%g %%", 100*part), which, share(got.recall), got.worst, got.short, micros(got.took), share(plain.recall), micros(plain.took), micros(exact.took),
				fmt.Sprintf("%.2f", float64(got.took)/float64(better)), fmt.Sprintf("%.2f", float64(got.took)/float64(exact.took)))
		}
	}
	return nil
}
