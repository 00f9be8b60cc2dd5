package main

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"time"

	"github.com/clipdb/clipdb/bench/dataset"
	"github.com/clipdb/clipdb/bench/machine"
	"github.com/clipdb/clipdb/bench/npy"
	"github.com/clipdb/clipdb/bench/peer"
	"github.com/clipdb/clipdb/bench/report"
	"github.com/clipdb/clipdb/bench/timing"
	"github.com/clipdb/clipdb/bench/truth"
)

const (
	minS = 0.25 // of a run, at least
	maxS = 6    // no query is begun after so long
	slow = 60   // seconds in all after which a setting gets no further round
)

// trialRun is one setting of one contestant on one side.
type trialRun struct {
	c     *contestant
	side  int // of set.Queries
	ef    int
	row   report.Row
	spent float64
	over  bool

	qps, cpu, p50, p99, p999 []float64
}

func run(ctx context.Context, o options) error {
	set, err := loadSet(o.data)
	if err != nil {
		return err
	}
	doc := report.Document{Machine: machine.Read(), Command: fmt.Sprintf("compare --data %s --m %d --efc %d --threads %d --rounds %d", o.data, o.m, o.efc, o.threads, o.rounds)}
	// Indexes that were kept belong to these very vectors.
	key := truth.Key(set.Base, npy.Matrix{}, 0)[:12]
	work, err := filepath.Abs(filepath.Join(o.work, set.Name+"-"+key))
	if err != nil {
		return err
	}
	base, queries, err := writeSet(set, work)
	if err != nil {
		return err
	}
	cache := truth.Cache{Dir: work}
	truths := make([]*truth.Truth, len(set.Queries))
	for i, q := range set.Queries {
		if truths[i], _, err = cache.Find(ctx, set.Base, q.Matrix, o.k); err != nil {
			return err
		}
	}
	engines, all, err := o.contestants()
	if err != nil {
		return err
	}
	defer func() {
		for _, e := range engines {
			if e.process != nil {
				e.process.Close()
			}
		}
	}()
	for _, e := range engines {
		say("building %s (load %s)", e.name, machine.Load())
		if err := e.start(o, base, work); err != nil {
			say("%v; left out", err)
			all = slices.DeleteFunc(all, func(c *contestant) bool { return c.engine == e })
			continue
		}
		say("  %s: %.1f s (%.1f s of CPU time), %.0f bytes a vector, open %.3f s", e.built.Version, e.built.BuildS, e.built.BuildCPUS, e.built.Bytes, e.built.OpenS)
		if ctx.Err() != nil {
			return ctx.Err()
		}
	}
	var runs []*trialRun
	for side, q := range set.Queries {
		// The same effort of all contestants comes next to each other in time.
		for step := range 16 {
			for _, c := range all {
				if efs := c.beams(dataset.SideName(q.Side)); step < len(efs) && efs[step] <= max(o.k, set.Base.Rows) {
					runs = append(runs, newRun(c, o, set, side, efs[step]))
				}
			}
		}
	}
	for n := range o.rounds {
		say("round %d of %d (load %s)", n+1, o.rounds, machine.Load())
		for _, r := range runs {
			if ctx.Err() != nil {
				return ctx.Err()
			}
			r.round(o, n == 0, set, truths[r.side], queries[r.side])
		}
		// What there is so far, should the next round not come to its end.
		doc.Rows = doc.Rows[:0]
		for _, r := range runs {
			if len(r.qps) > 0 {
				doc.Rows = append(doc.Rows, r.result())
			}
		}
		doc.LoadEnd = machine.Load()
		if err := save(o.out, set.Name, &doc); err != nil {
			return err
		}
	}
	return nil
}

func newRun(c *contestant, o options, set *dataset.Set, side, ef int) *trialRun {
	b := c.engine.built
	r := &trialRun{c: c, side: side, ef: ef, row: report.Row{
		Index: c.library, Quant: c.quant, Ef: ef, BuildS: b.BuildS, BuildCPUS: b.BuildCPUS, BytesPerVector: b.Bytes, PeakBytes: b.PeakBytes,
		OpenS: b.OpenS, OpenColdS: b.OpenColdS, Set: set.Name, Side: dataset.SideName(set.Queries[side].Side),
		Vectors: set.Base.Rows, Dim: set.Base.Cols, Queries: set.Queries[side].Rows, K: o.k, Threads: o.threads,
	}}
	if c.graph {
		r.row.M, r.row.EfConstruction = o.m, o.efc
	}
	if c.variant == "refine" { // the exact vectors beside the codes
		r.row.BytesPerVector += 4 * float64(set.Base.Cols)
		r.row.PeakBytes += 4 * float64(set.Base.Cols)
	}
	if c.variant == variantRecall {
		r.row.Asked, r.row.Ef = float64(ef)/1000, 0
	}
	return r
}

func (r *trialRun) round(o options, first bool, set *dataset.Set, t *truth.Truth, queries string) {
	if r.over || r.spent > slow {
		return
	}
	// An index that recall is asked of learns during the first rounds: the last
	// one is how it answers.
	look := first || r.c.variant == variantRecall
	got, err := r.c.engine.process.Ask(peer.Request{
		Op: peer.OpSearch, Queries: queries, Side: r.row.Side, Variant: r.c.variant,
		K: o.k, Ef: r.ef, Threads: o.threads, MinS: minS, MaxS: maxS, IDs: look,
	})
	if err != nil || got.Done == 0 {
		say("%s, ef %d: %v; left out", r.row.Name(), r.ef, err)
		r.over = true
		return
	}
	if look {
		r.row.Recall = t.Recall(set.Base, set.Queries[r.side].Matrix, got.IDs)
	}
	r.spent += got.WallS
	r.row.Rounds++
	r.qps = append(r.qps, float64(got.Done)/got.WallS)
	if got.CPUS > 0 {
		r.cpu = append(r.cpu, float64(got.Done)/got.CPUS)
	}
	r.p50, r.p99, r.p999 = append(r.p50, got.P50), append(r.p99, got.P99), append(r.p999, got.P999)
}

func (r *trialRun) result() report.Row {
	row := r.row
	row.QPS, row.QPSCPU = timing.Median(r.qps), timing.Median(r.cpu)
	row.P50, row.P99, row.P999 = timing.Median(r.p50), timing.Median(r.p99), timing.Median(r.p999)
	return row
}

func say(format string, args ...any) {
	fmt.Fprintf(os.Stderr, time.Now().Format("15:04:05 ")+format+"\n", args...)
}

func writeMatrix(path string, m npy.Matrix) (err error) {
	f, err := os.Create(path)
	if err != nil {
		return err
	}
	if err := npy.Write(f, m); err != nil {
		f.Close()
		return err
	}
	return f.Close()
}
