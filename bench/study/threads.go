package main

import (
	"context"
	"fmt"
	"runtime"
	"time"

	"github.com/clipdb/clipdb/bench/timing"
	"github.com/clipdb/clipdb/index"
	"github.com/clipdb/clipdb/index/hnsw"
	"github.com/clipdb/clipdb/index/indextest/cliplike"
)

// threads builds with one goroutine and with all cores, and searches so.
func threads(ctx context.Context, o options) error {
	data := cliplike.New(cliplike.Config{N: o.n, Dim: o.dim, Seed: seed})
	base := vectors(data.Images())
	queries := data.ImageQueries(1000)
	truth := truths(base, queries, 10)
	cores := runtime.GOMAXPROCS(0)
	head("goroutines", "build, s", "over one", "recall@10, ef 64", "QPS, ef 64", "over one")
	var alone time.Duration
	var slow float64
	for _, workers := range []int{1, cores} {
		g, err := hnsw.New(index.Params{Dim: o.dim, Vectors: base, Workers: workers})
		if err != nil {
			return err
		}
		began := time.Now()
		if err := g.Add(ctx, slotsOf(0, o.n), base); err != nil {
			return err
		}
		took := time.Since(began)
		got, err := measure(ctx, g, base, queries, truth, 1, func(int) index.Query { return index.Query{K: 10, Ef: 64} })
		if err != nil {
			return err
		}
		round, err := timing.Run(ctx, timing.Load{Queries: len(queries), Threads: workers, MinTime: 3 * time.Second}, func() func(i int) ([]uint32, error) {
			var found []index.Candidate
			return func(i int) (_ []uint32, err error) {
				found, err = g.AppendSearch(ctx, found[:0], index.Query{Vector: queries[i], K: 10, Ef: 64})
				return nil, err
			}
		})
		if err != nil {
			return err
		}
		if workers == 1 {
			alone, slow = took, round.QPS()
		}
		row(workers, fmt.Sprintf("%.1f", took.Seconds()), fmt.Sprintf("%.2f", alone.Seconds()/took.Seconds()), share(got.recall),
			fmt.Sprintf("%.0f", round.QPS()), fmt.Sprintf("%.2f", round.QPS()/slow))
		if err := g.Close(); err != nil {
			return err
		}
	}
	return nil
}
