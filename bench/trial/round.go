package trial

import (
	"context"
	"time"

	"github.com/clipdb/clipdb/bench/npy"
	"github.com/clipdb/clipdb/bench/timing"
	"github.com/clipdb/clipdb/index"
)

// Ask is how queries are put to an index.
type Ask struct {
	Side    index.Side
	K       int
	Ef      int     // 0 takes the index's default
	Recall  float32 // asked for in place of Ef
	Threads int     // goroutines that search; 0 is 1

	MinTime time.Duration // the queries are asked again until this has passed
	MaxTime time.Duration // no query is begun after it; 0 sets no limit
}

// appender is an index that answers without allocating.
type appender interface {
	AppendSearch(ctx context.Context, dst []index.Candidate, q index.Query) ([]index.Candidate, error)
}

// Run puts all queries to x and times each answer.
func Run(ctx context.Context, x index.Index, queries npy.Matrix, a Ask) (*timing.Round, error) {
	load := timing.Load{Queries: queries.Rows, Threads: a.Threads, MinTime: a.MinTime, MaxTime: a.MaxTime}
	return timing.Run(ctx, load, func() func(int) ([]uint32, error) {
		var got []index.Candidate
		var slots []uint32
		ap, appends := x.(appender)
		return func(i int) (_ []uint32, err error) {
			q := index.Query{Vector: queries.Row(i), K: a.K, Ef: a.Ef, Recall: a.Recall, Side: a.Side}
			if appends {
				got, err = ap.AppendSearch(ctx, got[:0], q)
			} else {
				got, err = x.Search(ctx, q)
			}
			slots = slots[:0]
			for _, c := range got {
				slots = append(slots, c.Slot)
			}
			return slots, err
		}
	})
}

// Calibrate lets an index that recall is asked of see queries of a side and
// measure itself, so that a round does not fall into its learning.
func Calibrate(ctx context.Context, x index.Index, side index.Side, queries func(i int) []float32, n int) error {
	c, ok := x.(index.Calibrated)
	if !ok {
		return nil
	}
	for turn := range 16 { // an index looks at few of them
		for i := range n {
			if _, err := x.Search(ctx, index.Query{Vector: queries((i + turn) % n), K: 10, Recall: 0.9, Side: side}); err != nil {
				return err
			}
		}
	}
	return c.Calibrate(ctx, side)
}
