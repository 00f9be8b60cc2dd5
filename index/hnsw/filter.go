package hnsw

import (
	"context"
	"math/bits"
	"slices"
	"sync/atomic"

	"github.com/clipdb/clipdb/internal/simd"
)

// scanBlock is how many slots are scored between two looks at the context.
const scanBlock = 256

// sortedPool is the size up to which a scan keeps its best in order; above, it
// keeps all and sorts once.
const sortedPool = 2048

// scanCodes leaves the best of all admitted slots in the pool, as many as are
// wanted.
func (g *Graph) scanCodes(ctx context.Context, s *searcher, v *view, a admission, want int) error {
	s.pool.reset(want)
	s.scores = sized(s.scores, scanBlock)
	flush := func() {
		s.score(v, s.ids)
		for i, id := range s.ids {
			switch key := keyOf(s.scores[i], id); {
			case want > sortedPool:
				s.pool.keys = append(s.pool.keys, key)
			case key < s.pool.bound:
				s.pool.insert(key)
			}
		}
		s.ids = s.ids[:0]
	}
	s.ids = s.ids[:0]
	for w := range min(len(a.live), int(v.size+63)/64) {
		if w%256 == 255 {
			if err := ctx.Err(); err != nil {
				return err
			}
		}
		for word := a.word(w); word != 0; word &= word - 1 {
			s.ids = append(s.ids, uint32(w<<6|bits.TrailingZeros64(word)))
			if len(s.ids) == scanBlock {
				flush()
			}
		}
	}
	flush()
	if want > sortedPool {
		slices.Sort(s.pool.keys)
		s.pool.admitted = len(s.pool.keys)
	}
	return ctx.Err()
}

// scanExact leaves the k best of all admitted slots in the heap, by exact
// score.
func (g *Graph) scanExact(ctx context.Context, s *searcher, a admission, k int) error {
	s.heap.Reset(k)
	for w := range a.live {
		if w%16 == 15 {
			if err := ctx.Err(); err != nil {
				return err
			}
		}
		for word := a.word(w); word != 0; word &= word - 1 {
			slot := uint32(w<<6 | bits.TrailingZeros64(word))
			if row, ok := g.exact(s, slot); ok {
				s.heap.Push(slot, simd.DotF32(row, s.unit))
			}
		}
	}
	return ctx.Err()
}

// word returns 64 slots' admission.
func (a *admission) word(w int) uint64 {
	word := atomic.LoadUint64(&a.live[w])
	if !a.all {
		if w >= len(a.allow) {
			return 0
		}
		word &= a.allow[w]
	}
	return word
}
