package truth

import (
	"context"
	"fmt"
	"runtime"
	"slices"
	"sync"
	"sync/atomic"

	"github.com/clipdb/clipdb/bench/npy"
	"github.com/clipdb/clipdb/index"
	"github.com/clipdb/clipdb/internal/simd"
)

// tie is how far below the k-th best score an answer still counts.
const tie = 1e-6

// Truth is the K best neighbours of each query, best first.
type Truth struct {
	K      int
	IDs    []uint32  // K for each query: rows of the base
	Scores []float32 // their cosines
}

// Queries is the number of queries answered.
func (t *Truth) Queries() int { return len(t.IDs) / max(1, t.K) }

// Neighbours are the rows nearest to query q, best first.
func (t *Truth) Neighbours(q int) []uint32 { return t.IDs[q*t.K : (q+1)*t.K] }

// block is how many rows are scored against every query while they are in the
// cache: 64 rows of 512 components are 128 KiB.
const block = 64

// Find scores every row of base against every row of queries, all of unit
// length, on all cores. k is cut to the number of rows.
func Find(ctx context.Context, base, queries npy.Matrix, k int) (*Truth, error) {
	if base.Cols != queries.Cols {
		return nil, fmt.Errorf("truth: base of %d components, queries of %d: %w", base.Cols, queries.Cols, index.ErrDimension)
	}
	if k < 1 {
		return nil, fmt.Errorf("truth: k is %d", k)
	}
	k = min(k, base.Rows)
	t := &Truth{K: k, IDs: make([]uint32, queries.Rows*k), Scores: make([]float32, queries.Rows*k)}
	// A goroutine takes a few queries through the whole base.
	workers := min(runtime.GOMAXPROCS(0), queries.Rows)
	share := 128
	if workers > 0 {
		share = min(share, (queries.Rows+workers-1)/workers)
	}
	var next atomic.Int64
	var wg sync.WaitGroup
	for range workers {
		wg.Go(func() {
			for ctx.Err() == nil {
				from := int(next.Add(int64(share))) - share
				if from >= queries.Rows {
					return
				}
				t.scan(ctx, base, queries, from, min(from+share, queries.Rows))
			}
		})
	}
	wg.Wait()
	return t, ctx.Err()
}

// scan fills in the queries from..to.
func (t *Truth) scan(ctx context.Context, base, queries npy.Matrix, from, to int) {
	best := make([][]index.Candidate, to-from)
	for i := range best {
		best[i] = make([]index.Candidate, 0, t.K+1)
	}
	for row := 0; row < base.Rows && ctx.Err() == nil; row += block {
		end := min(row+block, base.Rows)
		for i := range best {
			q, b := queries.Row(from+i), best[i]
			for r := row; r < end; r++ {
				c := index.Candidate{Slot: uint32(r), Score: simd.DotF32(base.Row(r), q)}
				if len(b) == t.K && c.Compare(b[t.K-1]) > 0 {
					continue
				}
				at, _ := slices.BinarySearchFunc(b, c, index.Candidate.Compare)
				if b = slices.Insert(b, at, c); len(b) > t.K {
					b = b[:t.K]
				}
			}
			best[i] = b
		}
	}
	for i, b := range best {
		for j, c := range b {
			t.IDs[(from+i)*t.K+j], t.Scores[(from+i)*t.K+j] = c.Slot, c.Score
		}
	}
}

// Hits counts the answers to query q that are among its K best, or as good as
// the last of these. No row counts twice, and no more than K count.
func (t *Truth) Hits(base npy.Matrix, query []float32, q int, answer []uint32) int {
	neighbours := t.Neighbours(q)
	last := t.Scores[(q+1)*t.K-1] - tie
	hits := 0
	for i, id := range answer {
		if int64(id) >= int64(base.Rows) || slices.Contains(answer[:i], id) {
			continue
		}
		if slices.Contains(neighbours, id) || simd.DotF32(base.Row(int(id)), query) >= last {
			hits++
		}
	}
	return min(hits, t.K)
}

// Recall is the share of the K best that the answers hold, the recall@K of the
// field. Queries without an answer (nil, or left out at the end) are not
// counted.
func (t *Truth) Recall(base, queries npy.Matrix, answers [][]uint32) float64 {
	hits, asked := 0, 0
	for q, a := range answers {
		if a != nil {
			hits += t.Hits(base, queries.Row(q), q, a)
			asked++
		}
	}
	if asked == 0 {
		return 0
	}
	return float64(hits) / float64(asked*t.K)
}
