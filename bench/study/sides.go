package main

import (
	"context"
	"errors"
	"fmt"
	"math"
	"time"

	"github.com/clipdb/clipdb/bench/dataset"
	"github.com/clipdb/clipdb/index"
	"github.com/clipdb/clipdb/index/scan"
)

// sides times the ways of serving each side, by the size of the collection: the
// beam, the plane of 1-bit codes beside the graph, the index of 1-bit codes
// alone, and an exact scan.
func sides(ctx context.Context, o options) error {
	const k = 10
	head("vectors", "side", "beam at 0.95, us", "at 0.99", "plane at 0.95, us", "at 0.99", "scan at 0.95, us", "at 0.99", "exact, us", "the index's own choice at 0.95, us", "recall")
	for _, n := range o.sizes {
		o.n = n
		w, err := newWorld(ctx, o)
		if err != nil {
			return err
		}
		bits, err := scan.New(index.Params{Dim: o.dim, Vectors: w.base})
		if err != nil {
			return err
		}
		if err := bits.Add(ctx, slotsOf(0, n), w.base); err != nil {
			return err
		}
		for _, side := range []index.Side{index.SideImage, index.SideText} {
			all := w.ask(side, 400+o.queries)
			queries := all[400:]
			truth := truths(w.base, queries, k)
			var beam, plane, alone curve
			for _, ef := range []int{10, 16, 24, 40, 64, 100, 160, 250, 400, 640, 1000, 1600} {
				got, err := measure(ctx, w.graph, w.base, queries, truth, o.rounds, func(int) index.Query { return index.Query{K: k, Ef: ef, Side: side} })
				if err != nil {
					return err
				}
				beam = append(beam, got)
				if got.recall > 0.995 {
					break
				}
			}
			for _, r := range []float32{0.6, 0.8, 0.9, 0.95, 0.98, 0.99, 0.999} {
				// A copy that knows nothing of beams serves what it takes for
				// texts by the plane, as long as it has seen few.
				fresh, err := w.copied(ctx)
				if err != nil {
					return err
				}
				got, err := measure(ctx, fresh, w.base, queries[:min(len(queries), 150)], truth, o.rounds, func(int) index.Query { return index.Query{K: k, Recall: r, Side: index.SideText} })
				if err := errors.Join(err, fresh.Close()); err != nil {
					return err
				}
				plane = append(plane, got)
				if got, err = measure(ctx, bits, w.base, queries, truth, o.rounds, func(int) index.Query { return index.Query{K: k, Recall: r, Side: side} }); err != nil {
					return err
				}
				alone = append(alone, got)
			}
			exact, err := measure(ctx, w.graph, w.base, queries[:10], truth[:10], 1, func(int) index.Query { return index.Query{K: k, Exact: true} })
			if err != nil {
				return err
			}
			own, err := w.own(ctx, side, all[:400], queries, truth)
			if err != nil {
				return err
			}
			row(n, dataset.SideName(side), beam.at(0.95), beam.at(0.99), plane.at(0.95), plane.at(0.99), alone.at(0.95), alone.at(0.99),
				micros(exact.took), micros(own.took), share(own.recall))
		}
		if err := bits.Close(); err != nil {
			return err
		}
	}
	return nil
}

// own is what a copy of the index does by itself once it has seen queries of
// the side.
func (w *world) own(ctx context.Context, side index.Side, seen, queries [][]float32, truth []map[index.Slot]bool) (a asked, err error) {
	again, err := w.copied(ctx)
	if err != nil {
		return a, err
	}
	defer again.Close()
	for range 8 {
		for _, q := range seen {
			if _, err := again.Search(ctx, index.Query{Vector: q, K: 10, Recall: 0.95, Side: side}); err != nil {
				return a, err
			}
		}
	}
	if err := again.Calibrate(ctx, side); err != nil {
		return a, err
	}
	return measure(ctx, again, w.base, queries, truth, w.o.rounds, func(int) index.Query { return index.Query{K: 10, Recall: 0.95, Side: side} })
}

// curve is what rising efforts find and take.
type curve []asked

// at is the time of a recall, between the efforts beside it: the logarithm of
// the time over that of what is missed.
func (c curve) at(recall float64) string {
	for i, a := range c {
		if a.recall < recall {
			continue
		}
		if i == 0 {
			return "<= " + micros(a.took)
		}
		b := c[i-1]
		miss := func(a asked) float64 { return math.Log(max(1-a.recall, 1e-5)) }
		x := (math.Log(1-recall) - miss(b)) / (miss(a) - miss(b))
		return micros(time.Duration(math.Exp(math.Log(float64(b.took)) + x*(math.Log(float64(a.took))-math.Log(float64(b.took))))))
	}
	return fmt.Sprintf("> %s", micros(c[len(c)-1].took))
}
