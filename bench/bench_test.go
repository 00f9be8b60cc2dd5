package bench_test

import (
	"context"
	"sync"
	"testing"

	"github.com/clipdb/clipdb/bench/dataset"
	"github.com/clipdb/clipdb/bench/timing"
	"github.com/clipdb/clipdb/bench/trial"
	"github.com/clipdb/clipdb/bench/truth"
)

// The standard set is small enough for every day; clipdb bench and
// make bench-peers take the large ones.
const (
	standardVectors = 20_000
	standardDim     = 256
)

var standard = sync.OnceValue(func() *dataset.Set {
	return dataset.CLIPLike(standardVectors, standardDim, 500, 250, 1)
})

// BenchmarkSearch searches with each standard configuration and reports
// recall@10 and the 99th percentile beside the time.
func BenchmarkSearch(b *testing.B) {
	ctx, set := context.Background(), standard()
	for _, text := range []string{"hnsw:ef=20", "hnsw:ef=80", "hnsw:ef=320", "hnsw:quant=int8-only,ef=80", "flat"} {
		c, err := trial.ParseConfig(text)
		if err != nil {
			b.Fatal(err)
		}
		built := sync.OnceValues(func() (*trial.Built, error) { return trial.Build(ctx, c, set.Base) })
		for _, q := range set.Queries {
			b.Run(text+"/"+dataset.SideName(q.Side), func(b *testing.B) {
				x, err := built()
				if err != nil {
					b.Fatal(err)
				}
				t, err := truth.Find(ctx, set.Base, q.Matrix, 10)
				if err != nil {
					b.Fatal(err)
				}
				ask := trial.Ask{Side: q.Side, K: 10, Ef: c.Beams()[0]}
				first, err := trial.Run(ctx, x.Index, q.Matrix, ask)
				if err != nil {
					b.Fatal(err)
				}
				var last *timing.Round
				b.ResetTimer()
				for done := 0; done < b.N; {
					m := q.Matrix
					m.Rows = min(m.Rows, b.N-done)
					if last, err = trial.Run(ctx, x.Index, m, ask); err != nil {
						b.Fatal(err)
					}
					done += last.Done
				}
				b.StopTimer()
				b.ReportMetric(t.Recall(set.Base, q.Matrix, first.Answers), "recall@10")
				b.ReportMetric(float64(timing.Percentile(last.Latencies, 0.99))/1e3, "p99-µs")
			})
		}
		if x, err := built(); err == nil {
			x.Close()
		}
	}
}

// BenchmarkBuild builds each index once an iteration.
func BenchmarkBuild(b *testing.B) {
	ctx, set := context.Background(), standard()
	for _, text := range []string{"hnsw:workers=1", "hnsw:workers=2", "flat"} {
		c, err := trial.ParseConfig(text)
		if err != nil {
			b.Fatal(err)
		}
		b.Run(text, func(b *testing.B) {
			for range b.N {
				x, err := trial.Build(ctx, c, set.Base)
				if err != nil {
					b.Fatal(err)
				}
				b.ReportMetric(x.Stats.BytesPerVector, "bytes/vector")
				x.Close()
			}
			b.ReportMetric(float64(b.N*standardVectors)/b.Elapsed().Seconds(), "vectors/s")
		})
	}
}

// BenchmarkOpen restores an index from its pages, up to the first answer.
func BenchmarkOpen(b *testing.B) {
	ctx, set := context.Background(), standard()
	x, err := trial.Build(ctx, trial.Config{Kind: "hnsw"}, set.Base)
	if err != nil {
		b.Fatal(err)
	}
	defer x.Close()
	for range b.N {
		o, err := x.Open(ctx, b.TempDir(), set.Queries[0].Row(0))
		if err != nil {
			b.Fatal(err)
		}
		b.ReportMetric(o.Warm.Seconds()*1e3, "warm-ms")
		b.ReportMetric(o.Cold.Seconds()*1e3, "cold-ms")
		b.ReportMetric(float64(o.Bytes)/float64(standardVectors), "bytes/vector")
	}
}
