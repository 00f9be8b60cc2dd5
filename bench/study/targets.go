package main

import (
	"context"
	"fmt"

	"github.com/clipdb/clipdb/bench/dataset"
	"github.com/clipdb/clipdb/index"
)

// targets asks for recall with queries that the index has not seen: at first,
// when it has measured itself with stored vectors, and when it has seen 400
// others.
func targets(ctx context.Context, o options) error {
	const k = 10
	w, err := newWorld(ctx, o)
	if err != nil {
		return err
	}
	want := []float32{0.90, 0.95, 0.99}
	head("side", "asked", "found at first", "us", "measured with stored vectors", "us", "with real queries", "us")
	for _, side := range []index.Side{index.SideImage, index.SideText} {
		all := w.ask(side, 400+max(o.queries, 500))
		seen, held := all[:400], all[400:]
		truth := truths(w.base, held, k)
		cells := make([][]any, len(want))
		for stage := range 3 {
			switch stage {
			case 0:
				// As it is before it has measured: a fresh copy.
				if w, err = newWorld(ctx, o); err != nil {
					return err
				}
			case 1:
				err = w.graph.Calibrate(ctx, side)
			case 2:
				for _, q := range seen {
					if _, err = w.graph.Search(ctx, index.Query{Vector: q, K: k, Recall: 0.95, Side: side}); err != nil {
						return err
					}
				}
				for range 7 { // one query in eight is remembered
					for _, q := range seen {
						if _, err = w.graph.Search(ctx, index.Query{Vector: q, K: k, Recall: 0.9, Side: side}); err != nil {
							return err
						}
					}
				}
				err = w.graph.Calibrate(ctx, side)
			}
			if err != nil {
				return err
			}
			for i, r := range want {
				got, err := measure(ctx, w.graph, w.base, held, truth, o.rounds, func(int) index.Query { return index.Query{K: k, Recall: r, Side: side} })
				if err != nil {
					return err
				}
				cells[i] = append(cells[i], share(got.recall), micros(got.took))
			}
		}
		for i, r := range want {
			row(append([]any{dataset.SideName(side), r}, cells[i]...)...)
		}
	}
	fmt.Printf("\n%d x %d, %d queries of each side, none of which the index has seen\n", o.n, o.dim, max(o.queries, 500))
	return nil
}
