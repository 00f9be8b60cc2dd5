package scan

import (
	"context"
	"fmt"
	"math"

	"github.com/clipdb/clipdb/index"
	"github.com/clipdb/clipdb/index/internal/best"
	"github.com/clipdb/clipdb/index/quant"
	"github.com/clipdb/clipdb/internal/simd"
)

// searcher is the memory of one search. Searchers are pooled, so that a search
// allocates nothing but its result.
type searcher struct {
	unit   []float32
	row    []float32 // an exact vector
	query  quant.BinaryQuery
	scan   quant.Scan
	rows   []uint32
	heap   best.Heap
	filter *index.Bitmap
	allow  func(row uint32) bool // looks into filter; made once
}

// defaultRecall is aimed at where nobody says otherwise.
const defaultRecall = 0.99

// maxZ bounds the standard deviations of the estimate's error that are covered:
// beyond it a recall of 0.9999 is passed.
const maxZ = 3.7

// zOf is how many standard deviations of the estimate's error must be covered
// to find that share of the k nearest: a normal variable's quantile (the
// paper's section 3.2.2).
func zOf(recall float32) float32 {
	return float32(max(0, min(math.Sqrt2*math.Erfinv(2*float64(recall)-1), maxZ)))
}

// least is how many are ranked in any case for k answers: enough to know the
// score of the k-th well, from which the bound goes on.
func least(k int) int { return 4*k + 24 }

// rowsPerExact is how many codes are scanned in about the time that ranking one
// vector takes: 3.5 ns each against 250, read in no order.
const rowsPerExact = 64

// checkStride is how many vectors are ranked between two looks at the context.
const checkStride = 256

// Search implements index.Index.
func (x *Index) Search(ctx context.Context, q index.Query) ([]index.Candidate, error) {
	return x.AppendSearch(ctx, nil, q)
}

// AppendSearch is Search that appends its answer to dst, so that a caller who
// keeps dst allocates nothing.
func (x *Index) AppendSearch(ctx context.Context, dst []index.Candidate, q index.Query) ([]index.Candidate, error) {
	switch {
	case q.K < 1:
		return dst, fmt.Errorf("scan: k is %d, want at least 1", q.K)
	case q.Ef < 0 || q.Ef > index.MaxEf:
		return dst, fmt.Errorf("scan: ef is %d, want 0 to %d", q.Ef, index.MaxEf)
	case !index.ValidRecall(q.Recall):
		return dst, fmt.Errorf("scan: recall is %v, want from 0 to below 1", q.Recall)
	}
	s := x.scratch.Get().(*searcher)
	defer x.scratch.Put(s)
	var err error
	if s.unit, err = index.Normalize(s.unit, q.Vector, x.params.Dim); err != nil {
		return dst, err
	}
	x.mu.RLock()
	defer x.mu.RUnlock()
	if x.closed {
		return dst, index.ErrClosed
	}
	if err := ctx.Err(); err != nil {
		return dst, err
	}
	if err := x.find(ctx, s, q); err != nil {
		return dst, err
	}
	found := s.heap.Sorted()
	if dst == nil {
		dst = make([]index.Candidate, 0, len(found))
	}
	for _, e := range found {
		dst = append(dst, index.Candidate{Slot: e.Slot, Score: e.Score})
	}
	return dst, nil
}

// find leaves the answer to q in the heap.
func (x *Index) find(ctx context.Context, s *searcher, q index.Query) error {
	pass := x.live.Len()
	if q.Allow != nil {
		pass = min(pass, q.Allow.Len())
	}
	k := min(q.K, pass)
	s.heap.Reset(k)
	if k == 0 {
		return nil
	}
	keep := least(k)
	if q.Ef > 0 {
		keep = max(q.Ef, keep)
	}
	few := pass <= keep+x.live.Len()/rowsPerExact
	if q.Exact || pass <= keep || few && !x.codesOnly {
		return x.scanExact(ctx, s, q.Allow)
	}
	x.codec.EncodeQuery(&s.query, s.unit)
	s.scan.Run(x.codes, &s.query, s.admit(q.Allow))
	if err := ctx.Err(); err != nil {
		return err
	}
	s.rows = s.scan.Best(keep, s.rows[:0])
	if err := x.rank(ctx, s); err != nil {
		return err
	}
	if q.Ef == 0 && s.heap.Full() {
		s.rows = s.scan.Above(s.heap.Worst().Score, x.z(q), s.rows[:0])
		if err := x.rank(ctx, s); err != nil {
			return err
		}
	}
	if s.heap.Full() {
		return nil
	}
	// The filter names slots that are not live, or vectors cannot be read.
	s.heap.Reset(k)
	return x.scanExact(ctx, s, q.Allow)
}

func (x *Index) z(q index.Query) float32 {
	switch {
	case q.Recall > 0:
		return zOf(q.Recall)
	case x.params.Recall > 0:
		return zOf(x.params.Recall)
	}
	return zOf(defaultRecall)
}

func (s *searcher) admit(filter *index.Bitmap) func(uint32) bool {
	if s.filter = filter; filter == nil {
		return nil
	}
	if s.allow == nil {
		s.allow = func(row uint32) bool { return s.filter.Has(row) }
	}
	return s.allow
}

// rank scores s.rows exactly into the heap.
func (x *Index) rank(ctx context.Context, s *searcher) error {
	for i, slot := range s.rows {
		if i%checkStride == checkStride-1 {
			if err := ctx.Err(); err != nil {
				return err
			}
		}
		if v, ok := x.exact(slot, &s.row); ok {
			s.heap.Push(slot, simd.DotF32(v, s.unit))
		}
	}
	return nil
}

// scanExact leaves the k best of all that may be answers in the heap.
func (x *Index) scanExact(ctx context.Context, s *searcher, allow *index.Bitmap) error {
	n := 0
	for slot := range x.live.And(allow) {
		if n++; n%checkStride == 0 {
			if err := ctx.Err(); err != nil {
				return err
			}
		}
		if v, ok := x.exact(slot, &s.row); ok {
			s.heap.Push(slot, simd.DotF32(v, s.unit))
		}
	}
	return ctx.Err()
}
