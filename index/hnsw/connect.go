package hnsw

// peers are the vectors of one batch by the layers they reach, in the order of
// the batch.
type peers struct {
	slots [maxLevel + 1][]uint32
}

func newPeers(items []item) *peers {
	p := new(peers)
	for i := range items {
		it := &items[i]
		for l := 0; l <= it.level; l++ {
			it.rank[l] = int32(len(p.slots[l]))
			p.slots[l] = append(p.slots[l], it.slot)
		}
	}
	return p
}

// connect chooses the neighbours of an item on each of its layers and writes
// its lists; no link to the item exists yet. Of the batch it sees those before
// it, as if they had been inserted one by one: were a crowd of near-duplicates
// in one batch to see each other alone, none of them would link to anything
// else. It reports whether a neighbour has the very same code.
func (g *Graph) connect(s *searcher, v *view, it item, p *peers) (twin bool) {
	s.base = v.code(it.slot)
	entry, top, ok := g.entryPoint()
	if ok {
		entry = s.descend(v, entry, top, it.level)
	}
	a := admission{live: g.live.load(), all: true}
	for level := it.level; level >= 0; level-- {
		s.beyond = s.beyond[:0]
		if ok && level <= top {
			s.beam(v, entry, level, g.params.EfConstruction, a)
			entry = slotOf(s.pool.keys[0])
			s.lookBeyond(v, level, a)
		} else {
			s.pool.reset(g.params.EfConstruction)
		}
		s.addPeers(v, p.slots[level][:it.rank[level]])
		s.candidates()
		twin = len(s.cands) > 0 && s.cands[0]>>32 == 0
		g.relist(s, v, it.slot, level, g.wanted(level))
	}
	return twin
}

// spreadTwins moves the codes of items that equal another's a little apart and
// connects them again. Among equal codes no distance tells which to link to, so
// that most would never be linked to; scattered in a few components, they make
// a small cloud that the graph can find its way in. What the codes lose is less
// than their rounding, and re-ranking makes it good.
func (g *Graph) spreadTwins(v *view, items []item, p *peers) {
	var twins []int
	for i := range items {
		if items[i].twin {
			twins = append(twins, i)
		}
	}
	for _, i := range twins {
		v.scatter(items[i].slot)
	}
	g.each(len(twins), func(s *searcher, i int) { g.connect(s, v, items[twins[i]], p) })
}

const (
	scatterBytes = 8 // components that are moved
	scatterBy    = 8 // by at most as many steps
)

// scatter moves a code by an offset drawn from its slot.
func (v *view) scatter(slot uint32) {
	if v.floats {
		v.scatterFloats(slot)
		return
	}
	code := v.code(slot)
	z := hash64(uint64(slot))
	for i := range scatterBytes {
		c := &code[i*len(code)/scatterBytes]
		by := int(z%(2*scatterBy+1)) - scatterBy
		z /= 2*scatterBy + 1
		*c = uint8(min(max(int(*c)+by, 1), 255))
	}
}

// addPeers offers others of the batch to the pool.
func (s *searcher) addPeers(v *view, others []uint32) {
	for len(others) > 0 {
		ids := others[:min(scanBlock, len(others))]
		others = others[len(ids):]
		s.score(v, ids)
		for i, id := range ids {
			if key := keyOf(s.scores[i], id); key < s.pool.bound {
				s.pool.insert(key)
			}
		}
	}
}

// candidates lists the entries of the pool that may be linked to, with their
// distances, and behind them those of s.beyond that lie outside their crowd.
func (s *searcher) candidates() {
	s.cands = s.cands[:0]
	for _, key := range s.pool.keys {
		if key&barred == 0 {
			s.cands = append(s.cands, candidate(key))
		}
	}
	if n := len(s.cands); n > 0 {
		far := s.cands[n-1]>>32*crowdGap | 1
		for _, c := range s.beyond {
			if c>>32 > far {
				s.cands = append(s.cands, c)
			}
		}
	}
}

// candidate turns a key of a pool that is scored by distance into a candidate.
func candidate(key uint64) uint64 { return candidateOf(uint32(-scoreOf(key)), slotOf(key)) }

// lookBeyond lists in s.beyond what the pool's best entries and the neighbours
// of the very best are, in case that candidates yet to come crowd them out, or
// that all of the pool is one crowd which that neighbour has links out of.
func (s *searcher) lookBeyond(v *view, level int, a admission) {
	s.ids = s.ids[:0]
	for _, key := range s.pool.keys {
		if len(s.ids) == outwardBest {
			break
		}
		if key&barred == 0 {
			s.ids = append(s.ids, slotOf(key))
		}
	}
	best := len(s.ids)
	if best == 0 {
		return
	}
	s.ids = v.appendLinks(s.ids, s.ids[0], level)
	s.score(v, s.ids)
	for i, id := range s.ids {
		if i < best || a.has(id) && !contains(s.ids[:best], id) {
			s.beyond = append(s.beyond, candidateOf(uint32(-s.scores[i]), id))
		}
	}
	sortKeys(s.beyond)
}

// outwardBest is how many of the nearest in the graph stay candidates whatever
// the batch holds.
const outwardBest = 8
