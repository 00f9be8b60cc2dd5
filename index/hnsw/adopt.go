package hnsw

import (
	"slices"
	"sync/atomic"

	"github.com/clipdb/clipdb/index"
)

// adopt looks whether the suspects are still linked to and finds a new
// neighbour for each that is not, so that no node is lost: the heuristic alone
// lets go of many in a crowd around one centre.
func (g *Graph) adopt(v *view) {
	slices.Sort(g.scratch.suspect)
	suspect := slices.Compact(g.scratch.suspect)
	alone := make([]bool, len(suspect))
	g.each(len(suspect), func(s *searcher, i int) {
		alone[i] = !g.sweep.condemned.Has(suspect[i]) && !linkedBack(s, v, suspect[i])
	})
	var lost index.Bitmap
	for i, slot := range suspect {
		if alone[i] {
			lost.Set(slot)
		}
	}
	g.scratch.suspect = suspect[:0]
	s := g.searcher()
	defer g.searchers.Put(s)
	g.sheltered += lost.Len()
	for slot := range lost.All {
		g.shelter(s, v, slot, &lost)
		lost.Clear(slot)
	}
	if g.sheltered*rejoinShare > g.linked.Len() {
		g.sheltered = 0
		g.rejoin(s, v)
	}
}

// rejoinShare is the share of nodes that had to be sheltered after which it is
// worth looking for islands: nodes that link to each other and to which nobody
// else does.
const rejoinShare = 100

// rejoin links every live node that cannot be reached from the entry point to
// one that can.
func (g *Graph) rejoin(s *searcher, v *view) {
	entry, top, ok := g.entryPoint()
	if !ok {
		return
	}
	var reached, lost index.Bitmap
	var queue []uint32
	reach := func(from uint32) {
		reached.Set(from)
		for queue = append(queue[:0], from); len(queue) > 0; {
			at := queue[len(queue)-1]
			queue = queue[:len(queue)-1]
			lost.Clear(at)
			s.ids = v.appendLinks(s.ids[:0], at, 0)
			for _, id := range s.ids {
				if !reached.Has(id) {
					reached.Set(id)
					queue = append(queue, id)
				}
			}
		}
	}
	reach(entry)
	live := g.live.load()
	for slot := range g.linked.All {
		if !reached.Has(slot) && hasBit(live, slot) {
			lost.Set(slot)
		}
	}
	for slot := range lost.All {
		if reached.Has(slot) {
			continue // joined by another of its island
		}
		if !g.shelter(s, v, slot, &lost) {
			// The island has no link out of itself.
			s.base = v.code(slot)
			s.beam(v, s.descend(v, entry, top, 0), 0, g.params.EfConstruction, admission{live: live, all: true})
			s.candidates()
			for _, c := range s.cands {
				if g.attach(v, slotIn(c), slot) {
					break
				}
			}
		}
		reach(slot)
	}
}

// linkedBack reports whether one of a node's neighbours links to it. Links
// from others are possible but few.
func linkedBack(s *searcher, v *view, slot uint32) bool {
	s.ids = v.appendLinks(s.ids[:0], slot, 0)
	if len(s.ids) == 0 {
		return true // alone, or not a node any more
	}
	for _, id := range s.ids {
		if hasLink(v, id, slot) {
			return true
		}
	}
	return false
}

func hasLink(v *view, from, to uint32) bool {
	list := v.list(from, 0)
	for i := range list {
		switch loadLink(&list[i]) {
		case to + 1:
			return true
		case 0:
			return false
		}
	}
	return false
}

// shelterReach is how many nodes are looked at for one with room.
const shelterReach = 2048

// shelter adds a link to slot to the nearest node with room in the closest
// ring of neighbours that has one. The lost are no help to each other.
func (g *Graph) shelter(s *searcher, v *view, slot uint32, lost *index.Bitmap) bool {
	s.seen.reset(v.size)
	s.seen.add(slot)
	ring := v.appendLinks(nil, slot, 0)
	for _, id := range ring {
		s.seen.add(id)
	}
	for looked := 0; len(ring) > 0 && looked < shelterReach; looked += len(ring) {
		s.ids = s.ids[:0]
		for _, id := range ring {
			list := v.list(id, 0)
			if list[len(list)-1] == 0 && !lost.Has(id) && !g.sweep.condemned.Has(id) {
				s.ids = append(s.ids, id)
			}
		}
		if len(s.ids) > 0 {
			s.measure(v, v.code(slot), 0)
			return g.attach(v, slotIn(s.cands[0]), slot)
		}
		var next []uint32
		for _, id := range ring {
			s.ids = v.appendLinks(s.ids[:0], id, 0)
			for _, n := range s.ids {
				if s.seen.add(n) {
					next = append(next, n)
				}
			}
		}
		ring = next
	}
	return false
}

// attach adds a link on layer 0 to a list that has room.
func (g *Graph) attach(v *view, from, to uint32) bool {
	list := v.list(from, 0)
	for i := range list {
		if list[i] == 0 {
			atomic.StoreUint32(&list[i], to+1)
			g.saved.touchList(v, from, 0)
			return true
		}
	}
	return false
}

func contains(ids []uint32, id uint32) bool {
	for _, x := range ids {
		if x == id {
			return true
		}
	}
	return false
}
