package trial

import (
	"context"
	"errors"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/clipdb/clipdb/bench/machine"
	"github.com/clipdb/clipdb/bench/npy"
	"github.com/clipdb/clipdb/index"
)

// Ask is how queries are put to an index.
type Ask struct {
	Side    index.Side
	K       int
	Ef      int // 0 takes the index's default
	Threads int // goroutines that search; 0 is 1

	MinTime time.Duration // the queries are asked again until this has passed
	MaxTime time.Duration // no query is begun after it; 0 sets no limit
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

// appender is an index that answers without allocating.
type appender interface {
	AppendSearch(ctx context.Context, dst []index.Candidate, q index.Query) ([]index.Candidate, error)
}

// Run puts all queries to x and times each answer.
func Run(ctx context.Context, x index.Index, queries npy.Matrix, a Ask) (*Round, error) {
	if queries.Rows == 0 {
		return nil, errors.New("no queries")
	}
	r := &Round{Answers: make([][]uint32, queries.Rows)}
	threads := max(1, a.Threads)
	var (
		next   atomic.Int64
		failed atomic.Pointer[error]
		mu     sync.Mutex
		wg     sync.WaitGroup
	)
	cpu, began := machine.CPUTime(), time.Now()
	search := func() {
		var got []index.Candidate
		var err error
		took := make([]time.Duration, 0, 4096)
		last := began
		for {
			i := int(next.Add(1)) - 1
			again := i >= queries.Rows
			passed := last.Sub(began)
			if again && passed >= a.MinTime || i > 0 && a.MaxTime > 0 && passed >= a.MaxTime || failed.Load() != nil {
				break
			}
			i %= queries.Rows
			q := index.Query{Vector: queries.Row(i), K: a.K, Ef: a.Ef, Side: a.Side}
			start := time.Now()
			if ap, ok := x.(appender); ok {
				got, err = ap.AppendSearch(ctx, got[:0], q)
			} else {
				got, err = x.Search(ctx, q)
			}
			last = time.Now()
			took = append(took, last.Sub(start))
			if err != nil {
				failed.CompareAndSwap(nil, &err)
				break
			}
			if !again {
				slots := make([]uint32, len(got))
				for j, c := range got {
					slots[j] = c.Slot
				}
				r.Answers[i] = slots
			}
		}
		mu.Lock()
		defer mu.Unlock()
		r.Latencies = append(r.Latencies, took...)
	}
	for range threads {
		wg.Go(search)
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
