package hnsw

import (
	"math"
	"sync"
)

// linkScratch is the memory of linkBack.
type linkScratch struct {
	edges  []uint64 // target<<32 | source, of one layer
	starts []int    // first edge of each target

	mu      sync.Mutex
	suspect []uint32 // nodes that a list on layer 0 has let go of
}

// linkBack adds, for every link from an item, the link back: grouped by
// target, so that each list is rewritten once and by one goroutine.
func (g *Graph) linkBack(v *view, items []item) {
	top := 0
	for _, it := range items {
		top = max(top, it.level)
	}
	for level := top; level >= 0; level-- {
		e := g.scratch.edges[:0]
		var ids []uint32
		for _, it := range items {
			if it.level < level {
				continue
			}
			ids = v.appendLinks(ids[:0], it.slot, level)
			for _, target := range ids {
				e = append(e, uint64(target)<<32|uint64(it.slot))
			}
		}
		g.scratch.edges = e
		g.applyEdges(v, level)
	}
	for _, it := range items {
		g.scratch.suspect = append(g.scratch.suspect, it.slot)
	}
	g.adopt(v)
}

// applyEdges adds the links of scratch.edges, all of one layer.
func (g *Graph) applyEdges(v *view, level int) {
	e := g.scratch.edges
	sortKeys(e)
	starts := g.scratch.starts[:0]
	for i := range e {
		if i == 0 || e[i]>>32 != e[i-1]>>32 {
			starts = append(starts, i)
		}
	}
	starts = append(starts, len(e))
	g.scratch.starts = starts
	g.each(len(starts)-1, func(s *searcher, i int) {
		g.link(s, v, level, e[starts[i]:starts[i+1]])
	})
}

// link adds the sources of edges, which share their target, to the target's
// list. When they do not fit, the list is chosen anew among old and new.
func (g *Graph) link(s *searcher, v *view, level int, edges []uint64) {
	target := uint32(edges[0] >> 32)
	list := v.list(target, level)
	s.ids = v.appendLinks(s.ids[:0], target, level)
	old := len(s.ids)
	for _, e := range edges {
		if source := uint32(e); !contains(s.ids[:old], source) {
			s.ids = append(s.ids, source)
		}
	}
	if len(s.ids) == old {
		return
	}
	g.saved.touchList(v, target, level)
	if len(s.ids) <= len(list) {
		setLinks(list, s.ids)
		return
	}
	settled := 0
	if level == 0 {
		settled = int(g.settled[target])
	}
	s.measure(v, v.code(target), settled)
	g.relist(s, v, target, level, len(list))
	if level == 0 {
		g.scratch.mu.Lock()
		defer g.scratch.mu.Unlock()
		for _, c := range s.cands {
			if id := slotIn(c); !contains(s.chosen, id) {
				g.scratch.suspect = append(g.scratch.suspect, id)
			}
		}
	}
}

// relist makes up to limit of the candidates a node's list. Of lists on layer 0
// it notes how much is settled, so that the next candidate is held against the
// list and not the whole list against itself once more.
func (g *Graph) relist(s *searcher, v *view, slot uint32, level, limit int) {
	settled := g.choose(s, v, limit)
	setLinks(v.list(slot, level), s.chosen)
	if level == 0 {
		g.settled[slot] = uint8(min(settled, math.MaxUint8))
	}
}
