package main

import (
	"context"
	"fmt"
	"math/rand/v2"
	"time"

	"github.com/clipdb/clipdb/index"
	"github.com/clipdb/clipdb/internal/simd"
)

// efficiency compares the time of searches with what reading their codes alone
// would take: codes scored, times the bytes of a code, over the bandwidth of
// reading such rows in random order, measured here with the kernel that scores
// blocks of them, which fetches ahead.
func efficiency(ctx context.Context, o options) error {
	w, err := newWorld(ctx, o)
	if err != nil {
		return err
	}
	stride := (o.dim + 63) &^ 63
	perRow := randomRead(o.n, stride)
	fmt.Printf("%d x %d; a row of %d bytes in random order: %.1f ns, %.1f GB/s\n\n", o.n, o.dim, stride, perRow, float64(stride)/perRow)
	queries := w.ask(index.SideImage, max(o.queries, 500))
	truth := truths(w.base, queries, 10)
	head("ef", "recall@10", "codes", "exact vectors", "us", "reading alone, us", "share")
	for _, ef := range []int{20, 40, 80, 160, 320} {
		before := w.graph.Stats().Work
		got, err := measure(ctx, w.graph, w.base, queries, truth, o.rounds, func(int) index.Query { return index.Query{K: 10, Ef: ef} })
		if err != nil {
			return err
		}
		after := w.graph.Stats().Work
		searches := float64(after.Searches - before.Searches)
		codes, exact := float64(after.Codes-before.Codes)/searches, float64(after.Exact-before.Exact)/searches
		reading := time.Duration(codes * perRow)
		row(ef, share(got.recall), fmt.Sprintf("%.0f", codes), fmt.Sprintf("%.1f", exact), micros(got.took), micros(reading),
			fmt.Sprintf("%.0f %%", 100*float64(reading)/float64(got.took)))
	}
	return nil
}

// randomRead is how long a row takes, in nanoseconds: the least of five goes.
func randomRead(n, stride int) float64 {
	const block = 32
	rows := make([]uint8, n*stride)
	for i := range rows {
		rows[i] = uint8(i)
	}
	rng := rand.New(rand.NewPCG(seed, 3))
	ids := make([]uint32, 1<<18)
	for i := range ids {
		ids[i] = uint32(rng.IntN(n))
	}
	query, out := make([]int8, stride), make([]int32, block)
	best := time.Duration(1 << 62)
	for range 5 {
		began := time.Now()
		for at := 0; at < len(ids); at += block {
			simd.DotU8S8Batch(rows, stride, ids[at:at+block], query, out)
		}
		best = min(best, time.Since(began))
	}
	return float64(best.Nanoseconds()) / float64(len(ids))
}
