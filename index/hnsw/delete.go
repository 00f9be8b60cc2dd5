package hnsw

import (
	"context"
	"sync/atomic"

	"github.com/clipdb/clipdb/index"
)

// How dead nodes leave the graph: a sweep over all nodes starts when a fifth
// of the graph is dead, and gives every node that links to one of those dead
// then other links instead. Each change to the graph pays for a few nodes of
// the sweep, so that it ends before the next fifth is dead.
const (
	sweepShare      = 5
	sweepLeast      = 32
	repairPerChange = 2 * sweepShare
	repairPerCall   = 2048 // nodes looked at by one call of Delete at most
	repairChunk     = 256
)

// sweep is the state of the repair under way.
type sweep struct {
	active    bool
	condemned index.Bitmap // dead nodes that will be free at its end
	cursor    uint32
}

// Delete implements index.Index. The slots stay in use until the graph has
// been repaired around them.
func (g *Graph) Delete(slots ...index.Slot) int {
	n := 0
	g.marks.Lock()
	for _, slot := range slots {
		if g.live.unset(slot) {
			g.marks.dirty.Set(slot / statePerPage)
			n++
		}
	}
	g.marks.Unlock()
	// A batch under way will repair for us, and so will the next change.
	if n > 0 && g.writer.TryLock() {
		g.repair(min(n*repairPerChange, repairPerCall))
		g.writer.Unlock()
	}
	return n
}

// Repair takes all dead nodes out of the graph, so that their slots are
// reusable, without waiting for further changes to pay for it. It is worth
// calling when there is time, or before a graph that has seen many deletions
// is saved for good.
func (g *Graph) Repair(ctx context.Context) error {
	for {
		if err := ctx.Err(); err != nil {
			return err
		}
		g.writer.Lock()
		if !g.sweep.active && g.linked.Len() > g.live.count() {
			g.startSweep()
		}
		more := g.sweep.active
		if more {
			g.stepSweep(repairPerCall)
		}
		g.writer.Unlock()
		if !more {
			return nil
		}
	}
}

// repair looks at up to budget nodes. The caller holds writer.
func (g *Graph) repair(budget int) {
	if !g.sweep.active {
		dead := g.linked.Len() - g.live.count()
		if dead < sweepLeast || dead*sweepShare < g.linked.Len() {
			return
		}
		g.startSweep()
	}
	g.stepSweep(budget)
}

func (g *Graph) startSweep() {
	live := g.live.load()
	g.sweep = sweep{active: true}
	for slot := range g.linked.All {
		if !hasBit(live, slot) {
			g.sweep.condemned.Set(slot)
		}
	}
}

func (g *Graph) stepSweep(budget int) {
	v := g.view.Load()
	sw := &g.sweep
	for budget > 0 && sw.cursor < g.end {
		var nodes []uint32
		for ; sw.cursor < g.end && budget > 0 && len(nodes) < repairChunk; sw.cursor++ {
			if !g.linked.Has(sw.cursor) {
				continue
			}
			budget--
			if !sw.condemned.Has(sw.cursor) {
				nodes = append(nodes, sw.cursor)
			}
		}
		for level := maxLevel; level >= 0; level-- {
			g.mend(v, nodes, level)
		}
		g.adopt(v)
	}
	if sw.cursor >= g.end {
		g.endSweep(v)
	}
}

// mend gives those of nodes that link to condemned ones on a layer other
// links, and adds the links back.
func (g *Graph) mend(v *view, nodes []uint32, level int) {
	var hurt []uint32
	var ids []uint32
	for _, slot := range nodes {
		if v.level(slot) < level {
			continue
		}
		ids = v.appendLinks(ids[:0], slot, level)
		for _, id := range ids {
			if g.sweep.condemned.Has(id) {
				hurt = append(hurt, slot)
				break
			}
		}
	}
	if len(hurt) == 0 {
		return
	}
	gained := make([][]uint32, len(hurt))
	live := g.live.load()
	g.each(len(hurt), func(s *searcher, i int) {
		gained[i] = g.relink(s, v, live, hurt[i], level)
		g.saved.touchList(v, hurt[i], level)
	})
	e := g.scratch.edges[:0]
	for i, ids := range gained {
		for _, target := range ids {
			e = append(e, uint64(target)<<32|uint64(hurt[i]))
		}
	}
	g.scratch.edges = e
	g.applyEdges(v, level)
}

// relink takes the links to condemned nodes out of a node's list. Where too few
// are left it chooses anew, from them and from the neighbours of the condemned,
// and returns the links that are new.
func (g *Graph) relink(s *searcher, v *view, live []uint64, slot uint32, level int) []uint32 {
	list := v.list(slot, level)
	old := v.appendLinks(nil, slot, level)
	s.seen.reset(v.size)
	s.seen.add(slot)
	s.ids = s.ids[:0]
	for _, id := range old {
		if s.seen.add(id) && !g.sweep.condemned.Has(id) {
			s.ids = append(s.ids, id)
		}
	}
	kept := len(s.ids)
	if kept >= g.wanted(level) {
		setLinks(list, s.ids)
		if level == 0 {
			g.settled[slot] = 0
		}
		return nil
	}
	for _, id := range old {
		if !g.sweep.condemned.Has(id) {
			continue
		}
		// The first ones of a list are the nearest.
		l := v.list(id, level)[:max(2, g.params.M/2)]
		for i := range l {
			w := atomic.LoadUint32(&l[i])
			if w == 0 {
				break
			}
			if s.seen.add(w-1) && hasBit(live, w-1) {
				s.ids = append(s.ids, w-1)
			}
		}
	}
	if len(s.ids)-kept < len(old)/4 && kept < g.params.M/2 {
		// Everything around is dead, too: look further.
		g.lookAround(s, v, live, slot, level)
	}
	keep := append([]uint32(nil), s.ids[:kept]...)
	s.measure(v, v.code(slot), 0)
	g.relist(s, v, slot, level, len(list))
	var gained []uint32
	if level == 0 {
		g.scratch.mu.Lock()
		for _, id := range keep {
			if !contains(s.chosen, id) {
				g.scratch.suspect = append(g.scratch.suspect, id)
			}
		}
		g.scratch.mu.Unlock()
	}
	for _, id := range s.chosen {
		if !contains(keep, id) {
			gained = append(gained, id)
		}
	}
	return gained
}

// lookAround adds to s.ids what a search for the node finds.
func (g *Graph) lookAround(s *searcher, v *view, live []uint64, slot uint32, level int) {
	entry, top, ok := g.entryPoint()
	if !ok || level > top {
		return
	}
	have := append([]uint32(nil), s.ids...)
	s.base = v.code(slot)
	entry = s.descend(v, entry, top, level)
	s.beam(v, entry, level, g.params.EfConstruction, admission{live: live, all: true})
	s.ids = append(s.ids[:0], have...)
	for _, key := range s.pool.keys {
		if id := slotOf(key); key&barred == 0 && id != slot && !contains(have, id) {
			s.ids = append(s.ids, id)
		}
	}
}

// endSweep frees the condemned nodes, to which no link is left.
func (g *Graph) endSweep(v *view) {
	condemned := g.sweep.condemned
	g.sweep = sweep{}
	g.moveEntry(v, &condemned)
	// Searches that began before the last link went may still walk there.
	g.readers.Lock()
	//lint:ignore SA2001 waiting is the purpose
	g.readers.Unlock()
	for slot := range condemned.All {
		for level := range v.level(slot) + 1 {
			setLinks(v.list(slot, level), nil)
			g.saved.touchList(v, slot, level)
		}
		g.linked.Clear(slot)
	}
	g.plane.remove(condemned.All)
	g.tally()
	s := g.searcher()
	g.rejoin(s, v)
	g.searchers.Put(s)
	g.marks.Lock()
	for slot := range condemned.All {
		g.marks.taken.Clear(slot)
		g.marks.dirty.Set(slot / statePerPage)
	}
	g.marks.Unlock()
}

// moveEntry finds another entry point when the present one is condemned: the
// live node, or else the dead one that stays, on the highest layer.
func (g *Graph) moveEntry(v *view, condemned *index.Bitmap) {
	entry, _, ok := g.entryPoint()
	if !ok || !condemned.Has(entry) {
		return
	}
	live := g.live.load()
	best, rank := uint32(0), -1
	for slot := range g.linked.All {
		if condemned.Has(slot) {
			continue
		}
		r := v.level(slot) * 2
		if hasBit(live, slot) {
			r++
		}
		if r > rank {
			best, rank = slot, r
		}
	}
	if rank < 0 {
		g.entry.Store(0)
		return
	}
	g.setEntry(best, rank/2)
}
