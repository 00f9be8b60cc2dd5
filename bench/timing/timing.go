package timing

import (
	"context"
	"errors"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/clipdb/clipdb/bench/machine"
)

// Load is how queries are put.
type Load struct {
	Queries int           // numbered from 0
	Threads int           // goroutines that search; 0 is 1
	MinTime time.Duration // the queries are asked again until this has passed
	MaxTime time.Duration // no query is begun after it, but for the first; 0 sets no limit
}

// Round is one run over the queries.
type Round struct {
	Done      int             // queries answered
	Wall, CPU time.Duration   // time passed, and CPU time of the process; CPU is 0 where unknown
	Latencies []time.Duration // of every answer, ascending
	Answers   [][]uint32      // slots found for each query, best first; nil for one not asked
}

// QPS is queries a second.
func (r *Round) QPS() float64 {
	if r.Wall <= 0 {
		return 0
	}
	return float64(r.Done) / r.Wall.Seconds()
}

// CPUQPS is queries a second of CPU time, which a busy machine spoils less.
func (r *Round) CPUQPS() float64 {
	if r.CPU <= 0 {
		return 0
	}
	return float64(r.Done) / r.CPU.Seconds()
}

// Run puts all queries to a search, which each goroutine makes for itself. A
// search answers query i with ids, best first, that are valid until its next
// call.
func Run(ctx context.Context, l Load, newSearch func() func(i int) ([]uint32, error)) (*Round, error) {
	if l.Queries < 1 {
		return nil, errors.New("no queries")
	}
	r := &Round{Answers: make([][]uint32, l.Queries)}
	var (
		next   atomic.Int64
		failed atomic.Pointer[error]
		mu     sync.Mutex
		wg     sync.WaitGroup
	)
	cpu, began := machine.CPUTime(), time.Now()
	worker := func() {
		search := newSearch()
		took := make([]time.Duration, 0, 4096)
		for last := began; failed.Load() == nil; {
			i := int(next.Add(1)) - 1
			again, passed := i >= l.Queries, last.Sub(began)
			if again && passed >= l.MinTime || i > 0 && l.MaxTime > 0 && passed >= l.MaxTime {
				break
			}
			i %= l.Queries
			start := time.Now()
			ids, err := search(i)
			last = time.Now()
			took = append(took, last.Sub(start))
			if err == nil {
				err = ctx.Err()
			}
			if err != nil {
				failed.CompareAndSwap(nil, &err)
				break
			}
			if !again {
				r.Answers[i] = append(make([]uint32, 0, len(ids)), ids...)
			}
		}
		mu.Lock()
		defer mu.Unlock()
		r.Latencies = append(r.Latencies, took...)
	}
	for range max(1, l.Threads) {
		wg.Go(worker)
	}
	wg.Wait()
	r.Wall, r.CPU = time.Since(began), machine.CPUTime()-cpu
	if err := failed.Load(); err != nil {
		return nil, *err
	}
	r.Done = len(r.Latencies)
	slices.Sort(r.Latencies)
	return r, nil
}

// Percentile is the smallest of sorted values that a share p of all values does
// not exceed (the nearest rank); 0 of none. p is from 0 to 1.
func Percentile[T any](sorted []T, p float64) (v T) {
	if len(sorted) == 0 {
		return v
	}
	// Slightly less, so that 0.99*100 is 99 and not 99.00000001.
	rank := int(p*float64(len(sorted)) - 1e-9)
	return sorted[min(max(rank, 0), len(sorted)-1)]
}

// Median is the middle of values, or the mean of the two in the middle.
func Median(values []float64) float64 {
	if len(values) == 0 {
		return 0
	}
	s := slices.Sorted(slices.Values(values))
	return (s[(len(s)-1)/2] + s[len(s)/2]) / 2
}
