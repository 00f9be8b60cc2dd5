package hnsw

import (
	"math"
	"unsafe"

	"github.com/clipdb/clipdb/index"
	"github.com/clipdb/clipdb/index/internal/best"
	"github.com/clipdb/clipdb/internal/simd"
)

// searcher is the memory of one search or one inserting goroutine. Searchers
// are pooled, so that a search allocates nothing but its result.
type searcher struct {
	unit          []float32 // the query at unit length
	probe         []int8    // the query in the form that codes are scored against
	floats        []float32 // the query where codes are vectors
	scale, offset float32   // cosine ≈ offset + scale*score
	base          []uint8   // while inserting: the code that distances are taken from
	pool          pool
	gather        gather
	seen          seen
	ids           []uint32
	scores        []int32
	row           []float32 // an exact vector
	heap          best.Heap
	plane         planeQuery
	hidden        uint32 // one above a slot that the beam passes over; 0 for none
	work          index.Work

	// For inserting.
	cands  []uint64 // see candidateOf
	alive  []uint64 // of cands, a block
	picks  []uint64 // of cands, what was picked
	chosen []uint32 // the slots of picks, and what fills up
	beyond []uint64 // candidates to add should all others be a crowd
}

func (g *Graph) searcher() *searcher { return g.searchers.Get().(*searcher) }

// prepare makes the probe of a unit vector: scores are then dot products.
func (s *searcher) prepare(v *view, unit []float32) {
	s.base = nil
	if v.floats {
		s.floats, s.scale, s.offset = unit, 1.0/(1<<cosineBits), 0
		return
	}
	s.probe = sized(s.probe, v.stride)
	s.scale, s.offset = v.codec.EncodeQuery(s.probe, unit)
}

func sized[T any](s []T, n int) []T {
	if cap(s) < n {
		return make([]T, n)
	}
	return s[:n]
}

// score scores ids into s.scores, against the probe or, when a base is set, by
// the distance from it, negated. Between codes distance is right where dot
// products are not: codes are of slightly different length, which matters in a
// crowd of near-duplicates.
func (s *searcher) score(v *view, ids []uint32) {
	s.scores = sized(s.scores, max(len(ids), 64))
	s.work.Codes += int64(len(ids))
	switch {
	case s.base == nil && v.floats:
		v.scoreFloats(s.floats, ids, s.scores)
		return
	case s.base == nil:
		simd.DotU8S8Batch(v.codes, v.stride, ids, s.probe, s.scores)
		return
	}
	v.distances(s.base, ids, s.scores)
	for i := range ids {
		s.scores[i] = -s.scores[i]
	}
}

// admission decides which slots may be answers.
type admission struct {
	live  []uint64
	allow []uint64
	all   bool // allow is not looked at
}

func admit(live []uint64, allow *index.Bitmap) admission {
	if allow == nil {
		return admission{live: live, all: true}
	}
	return admission{live: live, allow: allow.Words()}
}

func (a *admission) has(slot uint32) bool {
	if !hasBit(a.live, slot) {
		return false
	}
	if a.all {
		return true
	}
	w := int(slot >> 6)
	return w < len(a.allow) && a.allow[w]>>(slot&63)&1 != 0
}

// descend walks greedily from the entry point down to the layer above floor
// and returns the node reached. A node that was scored once, on whatever layer,
// is no better than the best and is not looked at again.
func (s *searcher) descend(v *view, slot uint32, top, floor int) uint32 {
	if top <= floor {
		return slot
	}
	s.seen.reset(v.size)
	s.seen.add(slot)
	s.ids = append(s.ids[:0], slot)
	s.score(v, s.ids)
	best := keyOf(s.scores[0], slot)
	for level := top; level > floor; level-- {
		for {
			at := slotOf(best)
			s.unseenLinks(v, at, level)
			s.score(v, s.ids)
			for i, id := range s.ids {
				best = min(best, keyOf(s.scores[i], id))
			}
			if slotOf(best) == at {
				break
			}
		}
	}
	return slotOf(best)
}

// unseenLinks lists in s.ids the neighbours of slot that were not seen before.
func (s *searcher) unseenLinks(v *view, slot uint32, level int) {
	s.ids = s.ids[:0]
	list := v.list(slot, level)
	for i := range list {
		w := loadLink(&list[i])
		if w == 0 {
			break
		}
		if s.seen.add(w - 1) {
			s.ids = append(s.ids, w-1)
		}
	}
}

// beam is the paper's algorithm 2 on one layer, from one entry point. The pool
// holds the outcome.
func (s *searcher) beam(v *view, from uint32, level, ef int, a admission) {
	s.enter(v, from, ef, &a)
	s.walk(v, level, &a, math.MaxInt)
}

// enter begins a beam at an entry point.
func (s *searcher) enter(v *view, from uint32, ef int, a *admission) {
	s.pool.reset(ef)
	s.seen.reset(v.size)
	s.seen.add(from)
	if s.hidden != 0 {
		s.seen.add(s.hidden - 1)
	}
	s.ids = append(s.ids[:0], from)
	s.score(v, s.ids)
	s.offer(a)
}

// walk goes on with a beam until there is nothing nearer, or until so many
// codes were scored: then it reports false and may be called again.
func (s *searcher) walk(v *view, level int, a *admission, budget int) bool {
	for budget > 0 {
		slot, ok := s.pool.next()
		if !ok {
			return true
		}
		s.unseenLinks(v, slot, level)
		if len(s.ids) == 0 {
			continue
		}
		budget -= len(s.ids)
		// The links of the best candidate so far come while codes are scored.
		if ahead, ok := s.pool.peek(); ok {
			l := v.list(ahead, level)
			simd.Prefetch(unsafe.Pointer(&l[0]))
			simd.Prefetch(unsafe.Pointer(&l[len(l)-1]))
		}
		s.score(v, s.ids)
		s.offer(a)
	}
	return false
}

// offer puts the scored ids into the pool as far as they are good enough.
func (s *searcher) offer(a *admission) {
	scores := s.scores[:len(s.ids)]
	for i, id := range s.ids {
		key := keyOf(scores[i], id)
		if key >= s.pool.bound {
			continue
		}
		if !a.has(id) {
			key |= barred
		}
		s.pool.insert(key)
	}
}
