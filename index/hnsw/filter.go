package hnsw

import (
	"context"
	"math"
	"math/bits"
	"sync/atomic"

	"github.com/clipdb/clipdb/internal/simd"
)

// scanBlock is how many slots are scored between two looks at the context.
const scanBlock = 256

// scanCodes scores the codes of all admitted slots and ranks the best.
func (g *Graph) scanCodes(ctx context.Context, s *searcher, v *view, a admission, k, limit int) error {
	s.gather.reset(k, limit, g.slack(s, v))
	flush := func() {
		s.addScored(v, s.ids)
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
	if err := ctx.Err(); err != nil {
		return err
	}
	g.rank(s, v, s.gather.sorted(), k, limit)
	if !s.heap.Full() && g.reranks() {
		// Vectors of the best cannot be read: others take their place.
		return g.scanExact(ctx, s, a, k)
	}
	return nil
}

// slack is how far, in steps of scores, a slot may lie behind the k-th best by
// codes and still be scored exactly: rank's margin for either of the two.
func (g *Graph) slack(s *searcher, v *view) int32 {
	if !g.reranks() || !(s.scale > 0) {
		return 0
	}
	return int32(min(2*errorSigmas*s.codeError(v)/s.scale, math.MaxInt32/2))
}

// addScored scores slots by their codes.
func (s *searcher) addScored(v *view, slots []uint32) {
	s.score(v, slots)
	for i, slot := range slots {
		s.gather.add(keyOf(s.scores[i], slot))
	}
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
				s.work.Exact++
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
