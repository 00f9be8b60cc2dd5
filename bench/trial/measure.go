package trial

import (
	"context"
	"fmt"
	"math"
	"runtime"
	"time"

	"github.com/clipdb/clipdb/bench/dataset"
	"github.com/clipdb/clipdb/bench/report"
	"github.com/clipdb/clipdb/bench/timing"
	"github.com/clipdb/clipdb/bench/truth"
)

// Plan is what is asked of each index.
type Plan struct {
	K       int
	Threads []int         // numbers of goroutines; empty is one
	Rounds  int           // interleaved rounds; 0 is 5
	MinTime time.Duration // of a round of one setting, at least
	MaxTime time.Duration // of a round of one setting; 0 sets no limit
	Budget  time.Duration // no further round of a setting that took longer in all; 0 sets no limit
	Dir     string        // for the file of pages; empty takes the system's
}

// setting is one line of the outcome while it is measured.
type setting struct {
	built *Built
	ask   Ask
	row   report.Row
	spent time.Duration

	qps, cpu, p50, p99, p999 []float64
}

// Measure asks the queries of every index, a round of each setting after the
// other, and gives a row for each setting with the medians of its rounds.
// progress, if any, is called after each round of a setting.
func Measure(ctx context.Context, set *dataset.Set, q dataset.Queries, t *truth.Truth, built []*Built, p Plan, progress func(done, total int)) ([]report.Row, error) {
	if p.K < 1 || t.K < min(p.K, set.Base.Rows) || t.Queries() != q.Rows {
		return nil, fmt.Errorf("trial: the truth holds %d neighbours of %d queries, wanted %d of %d", t.K, t.Queries(), p.K, q.Rows)
	}
	var settings []*setting
	for _, b := range built {
		o, err := b.Open(ctx, p.Dir, q.Row(0))
		if err != nil {
			return nil, err
		}
		if len(b.Config.Recall) > 0 {
			if err := Calibrate(ctx, b.Index, q.Side, q.Row, q.Rows); err != nil {
				return nil, err
			}
		}
		for _, threads := range append([]int(nil), orOne(p.Threads)...) {
			for _, ef := range b.Config.Beams() {
				settings = append(settings, newSetting(b, o, set, q, p.K, threads, ef, p))
			}
			for _, recall := range b.Config.Recall {
				s := newSetting(b, o, set, q, p.K, threads, 0, p)
				s.ask.Recall, s.row.Asked, s.row.Ef = recall, asked(recall), 0
				settings = append(settings, s)
			}
		}
	}
	rounds := p.Rounds
	if rounds == 0 {
		rounds = 5
	}
	for n := range rounds {
		for i, s := range settings {
			if n > 0 && p.Budget > 0 && s.spent > p.Budget {
				continue
			}
			runtime.GC() // not in the middle of the round, for what went before
			r, err := Run(ctx, s.built.Index, q.Matrix, s.ask)
			if err != nil {
				return nil, fmt.Errorf("%v, ef %d: %w", s.built.Config, s.ask.Ef, err)
			}
			s.add(r, n == 0, set, q, t)
			if progress != nil {
				progress(n*len(settings)+i+1, rounds*len(settings))
			}
		}
	}
	rows := make([]report.Row, len(settings))
	for i, s := range settings {
		rows[i] = s.result()
	}
	return rows, nil
}

func orOne(threads []int) []int {
	if len(threads) == 0 {
		return []int{1}
	}
	return threads
}

func newSetting(b *Built, o Opening, set *dataset.Set, q dataset.Queries, k, threads, ef int, p Plan) *setting {
	c := b.Config
	s := &setting{built: b, ask: Ask{Side: q.Side, K: k, Ef: ef, Threads: threads, MinTime: p.MinTime, MaxTime: p.MaxTime}}
	s.row = report.Row{
		Index: c.Kind, Quant: c.QuantName(), Ef: ef, BuildS: b.Took.Seconds(), BuildCPUS: b.CPU.Seconds(), BytesPerVector: b.Stats.BytesPerVector,
		OpenS: o.Warm.Seconds(), OpenColdS: o.Cold.Seconds(), Set: set.Name, Side: dataset.SideName(q.Side),
		Vectors: set.Base.Rows, Dim: set.Base.Cols, Queries: q.Rows, K: k, Threads: threads,
	}
	if c.Kind != "flat" && c.Kind != "scan" {
		if p, err := c.params(set.Base).WithDefaults(); err == nil {
			s.row.M, s.row.EfConstruction = p.M, p.EfConstruction
			if ef == 0 {
				s.row.Ef = p.EfSearch
			}
		}
	}
	return s
}

func (s *setting) add(r *timing.Round, first bool, set *dataset.Set, q dataset.Queries, t *truth.Truth) {
	if first {
		s.row.Recall = t.Recall(set.Base, q.Matrix, r.Answers)
	}
	s.spent += r.Wall
	s.row.Rounds++
	micros := func(p float64) float64 { return float64(timing.Percentile(r.Latencies, p)) / 1e3 }
	s.qps, s.cpu = append(s.qps, r.QPS()), append(s.cpu, r.CPUQPS())
	s.p50, s.p99, s.p999 = append(s.p50, micros(0.5)), append(s.p99, micros(0.99)), append(s.p999, micros(0.999))
}

func (s *setting) result() report.Row {
	r := s.row
	r.QPS, r.QPSCPU = timing.Median(s.qps), timing.Median(s.cpu)
	r.P50, r.P99, r.P999 = timing.Median(s.p50), timing.Median(s.p99), timing.Median(s.p999)
	return r
}

// asked is a recall as it was written: 0.95, not 0.949999988.
func asked(r float32) float64 {
	return math.Round(float64(r)*1e6) / 1e6
}
