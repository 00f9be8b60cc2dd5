package hnsw

import (
	"context"
	"math"
	"sync/atomic"

	"github.com/clipdb/clipdb/index"
	"github.com/clipdb/clipdb/index/internal/best"
	"github.com/clipdb/clipdb/internal/simd"
)

func loadLink(w *uint32) uint32 { return atomic.LoadUint32(w) }

// Search implements index.Index.
func (g *Graph) Search(ctx context.Context, q index.Query) ([]index.Candidate, error) {
	return g.AppendSearch(ctx, nil, q)
}

// AppendSearch is Search that appends its answer to dst, so that a caller who
// keeps dst allocates nothing.
func (g *Graph) AppendSearch(ctx context.Context, dst []index.Candidate, q index.Query) ([]index.Candidate, error) {
	if err := checkQuery(q); err != nil {
		return dst, err
	}
	s := g.searcher()
	defer g.searchers.Put(s)
	var err error
	if s.unit, err = index.Normalize(s.unit, q.Vector, g.params.Dim); err != nil {
		return dst, err
	}
	g.readers.RLock()
	defer g.readers.RUnlock()
	if g.closed {
		return dst, index.ErrClosed
	}
	if err := ctx.Err(); err != nil {
		return dst, err
	}
	from := len(dst)
	s.work = index.Work{Searches: 1}
	defer g.worked.add(&s.work)
	for try := 0; ; try++ {
		if err := g.find(ctx, s, q); err != nil {
			return dst[:from], err
		}
		// What was deleted meanwhile is not answered; others take its place.
		var gone bool
		if dst, gone = g.appendLive(dst[:from], s.heap.Sorted()); !gone || try == 2 {
			return dst, nil
		}
	}
}

// find leaves the answer to q in the heap.
func (g *Graph) find(ctx context.Context, s *searcher, q index.Query) error {
	s.heap.Reset(0)
	// The entry point is read first: the view is then new enough to hold it.
	entry, top, ok := g.entryPoint()
	if !ok {
		return nil
	}
	v := g.view.Load()
	a := admit(g.live.load(), q.Allow)
	live := g.live.count()
	k := min(q.K, live)
	if q.Allow != nil {
		k = min(k, q.Allow.Len())
	}
	if k == 0 {
		return nil
	}
	few := q.Allow != nil && q.Allow.Len() <= exactRows && !g.neverScan
	if (q.Exact || few) && g.reranks() {
		return g.scanExact(ctx, s, a, k)
	}
	s.prepare(v, s.unit)
	p := plan{way: wayCodes}
	if !q.Exact {
		p = g.planFor(q, live, k)
		g.tuned.note(q, s.unit)
	}
	if p.way == wayBeam {
		// Fewer answers than wanted: the filter let too little through, or
		// what is left cannot be reached. A scan knows.
		from, ended := s.descend(v, entry, top, 0), true
		if q.Allow == nil {
			s.beam(v, from, 0, p.ef, a)
		} else {
			ended = g.walkFiltered(s, v, from, q, p, &a, live, k)
		}
		if ended && s.pool.admitted >= k {
			g.rank(s, v, s.pool.keys, k, maxRerank(k))
			return nil
		}
		p.way = p.otherwise
	}
	limit := maxRerank(k)
	if q.Allow != nil {
		limit = filteredRerank(k)
	}
	if p.way == wayPlane {
		if ok, err := g.scanPlane(ctx, s, v, a, k, limit, max(p.recall, textRecall)); ok || err != nil {
			return err
		}
	}
	return g.scanCodes(ctx, s, v, a, k, limit)
}

// exactRows is how many rows behind a filter are compared exactly right away:
// of as many codes, a good part would be ranked again.
const exactRows = 192

// maxRerank is how many candidates are scored exactly for k answers at most.
func maxRerank(k int) int { return 3*k + 64 }

// filteredRerank is the same for scans behind a filter: of the rows that it
// leaves, the nearest may all be about equally far, more of them than codes can
// tell apart.
func filteredRerank(k int) int { return 8*k + 2048 }

// errorSigmas is how many standard deviations of the code's error a candidate
// may lie behind the k-th best and still be scored exactly.
const errorSigmas = 3

// rank leaves the k best of keys, which are in order, in the heap, with exact
// scores where there are any. Candidates are scored exactly for as long as the error of
// their codes lets them hope to be among the k best: some fifteen for ten
// answers as a rule, more where many vectors are equally far from the query, up to
// the limit.
func (g *Graph) rank(s *searcher, v *view, keys []uint64, k, limit int) {
	s.heap.Reset(k)
	exact := g.reranks()
	left, margin := k, float32(0)
	if exact {
		left = limit
		margin = errorSigmas * s.codeError(v)
	}
	for _, key := range keys {
		if key&barred != 0 {
			continue
		}
		slot := slotOf(key)
		estimate := s.offset + s.scale*float32(scoreOf(key))
		if !exact {
			s.heap.Push(slot, estimate)
		} else if s.heap.Full() && estimate+margin < s.heap.Worst().Score {
			break
		} else if row, ok := g.exact(s, slot); ok {
			s.heap.Push(slot, simd.DotF32(row, s.unit))
			s.work.Exact++
		} else {
			continue
		}
		if left--; left == 0 {
			break
		}
	}
}

// codeError is the standard deviation of an estimated cosine: the roundings of
// code and query, each uniform over a step, against the other's length.
func (s *searcher) codeError(v *view) float32 {
	if v.floats {
		return 0
	}
	const uniform = 0.2887 // 1/sqrt(12)
	queryStep := s.scale / v.step
	return uniform * float32(math.Sqrt(float64(v.step*v.step+queryStep*queryStep*v.spread*v.spread)))
}

// exact returns the vector of slot, valid until the next call; false when the
// caller's store has none any more.
func (g *Graph) exact(s *searcher, slot uint32) ([]float32, bool) {
	if g.keepsFloats() {
		return g.view.Load().vector(slot), true
	}
	if g.copies != nil {
		row := g.copies.Row(slot)
		return row, row != nil
	}
	var ok bool
	s.row, ok = g.params.Vectors.Vector(slot, s.row)
	return s.row, ok && len(s.row) == g.params.Dim
}

// appendLive appends the entries that are live now, and reports whether any
// are not.
func (g *Graph) appendLive(dst []index.Candidate, entries []best.Entry) (_ []index.Candidate, gone bool) {
	live := g.live.load()
	if dst == nil {
		dst = make([]index.Candidate, 0, len(entries))
	}
	for _, e := range entries {
		if hasBit(live, e.Slot) {
			dst = append(dst, index.Candidate{Slot: e.Slot, Score: e.Score})
		} else {
			gone = true
		}
	}
	return dst, gone
}
