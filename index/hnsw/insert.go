package hnsw

import (
	"context"
	"fmt"
	"math"
	"slices"
	"sync"
	"sync/atomic"

	"github.com/clipdb/clipdb/index"
)

func sortKeys(k []uint64) { slices.Sort(k) }

// request is one call of Add.
type request struct {
	ctx      context.Context
	slots    []index.Slot
	vectors  [][]float32
	next     int // items taken into batches
	inserted int
	done     bool
	err      error
}

// item is a vector of a batch.
type item struct {
	slot   uint32
	level  int
	vector []float32
	rank   [maxLevel + 1]int32 // items before it on each of its layers
	twin   bool                // another node has the same code
}

// Add implements index.Index.
func (g *Graph) Add(ctx context.Context, slots []index.Slot, vectors [][]float32) error {
	if len(slots) != len(vectors) {
		return fmt.Errorf("hnsw: %d slots for %d vectors", len(slots), len(vectors))
	}
	for _, v := range vectors {
		if err := index.CheckVector(v, g.params.Dim); err != nil {
			return err
		}
	}
	if err := ctx.Err(); err != nil {
		return err
	}
	if err := g.take(slots); err != nil {
		return err
	}
	r := &request{ctx: ctx, slots: slots, vectors: vectors, done: len(slots) == 0}
	if r.done {
		return nil
	}
	g.queue.Lock()
	g.queue.waiting = append(g.queue.waiting, r)
	g.queue.Unlock()
	// Whoever gets the lock inserts what waits, first come first served; the
	// others find their work done when they get it.
	for {
		g.writer.Lock()
		if r.done {
			g.writer.Unlock()
			return r.err
		}
		g.insertWaiting()
		g.writer.Unlock()
	}
}

// take claims slots for an Add.
func (g *Graph) take(slots []index.Slot) error {
	g.marks.Lock()
	defer g.marks.Unlock()
	if g.marks.closed {
		return index.ErrClosed
	}
	if err := index.CheckSlots(slots, g.marks.taken.Has); err != nil {
		return err
	}
	limit := slotLimit(uint64(len(slots))) + 2*uint64(g.marks.end)
	for _, slot := range slots {
		if uint64(slot) >= limit {
			return fmt.Errorf("hnsw: slot %d is far above the %d in use, slots are handed out densely: %w", slot, g.marks.end, index.ErrSlot)
		}
	}
	for _, slot := range slots {
		g.marks.taken.Set(slot)
		g.marks.end = max(g.marks.end, slot+1)
	}
	return nil
}

func (g *Graph) untake(slots []index.Slot) {
	g.marks.Lock()
	defer g.marks.Unlock()
	for _, slot := range slots {
		g.marks.taken.Clear(slot)
	}
}

// batchSize is how many vectors enter at once. The vectors of a batch find
// each other by comparing all with all, which at this size takes a hundredth
// of the time of their searches.
func (g *Graph) batchSize() int { return min(max(g.linked.Len()/4, 256), 1024) }

// insertWaiting inserts one batch of what waits. The caller holds writer.
func (g *Graph) insertWaiting() {
	g.queue.Lock()
	waiting := slices.Clone(g.queue.waiting)
	g.queue.Unlock()
	room := g.batchSize()
	var items []item
	type part struct {
		r *request
		n int
	}
	var parts []part
	for _, r := range waiting {
		if room == 0 {
			break
		}
		if g.closed {
			r.fail(g, index.ErrClosed)
			continue
		}
		if err := r.ctx.Err(); err != nil {
			r.fail(g, err)
			continue
		}
		n := min(room, len(r.slots)-r.next)
		for i := r.next; i < r.next+n; i++ {
			items = append(items, item{slot: r.slots[i], vector: r.vectors[i]})
		}
		r.next += n
		room -= n
		parts = append(parts, part{r, n})
	}
	if len(items) > 0 {
		g.insertBatch(items)
	}
	for _, p := range parts {
		p.r.inserted += p.n
		p.r.done = p.r.inserted == len(p.r.slots)
	}
	g.queue.Lock()
	g.queue.waiting = slices.DeleteFunc(g.queue.waiting, func(r *request) bool { return r.done })
	g.queue.Unlock()
	g.repair(len(items) * repairPerChange)
}

func (r *request) fail(g *Graph, err error) {
	r.err, r.done = err, true
	g.untake(r.slots[r.next:])
}

// insertBatch puts items into the graph. The caller holds writer.
func (g *Graph) insertBatch(items []item) {
	g.makeRoom(items)
	g.retrain(items)
	v := g.view.Load()
	g.each(len(items), func(s *searcher, i int) {
		it := &items[i]
		s.unit, _ = index.Normalize(s.unit, it.vector, g.params.Dim)
		v.codec.Encode(v.code(it.slot), s.unit)
	})
	for i := range items {
		it := &items[i]
		if g.copies != nil {
			g.copies.Set(it.slot, it.vector)
		}
		g.saved.touchNode(v, it.slot, g.params.Dim)
	}
	p := newPeers(items)
	g.each(len(items), func(s *searcher, i int) {
		items[i].twin = g.connect(s, v, items[i], p)
	})
	g.spreadTwins(v, items, p)
	g.linkBack(v, items)
	g.publish(v, items)
}

// publish makes linked items answers of searches.
func (g *Graph) publish(v *view, items []item) {
	_, top, ok := g.entryPoint()
	for _, it := range items {
		if !ok || it.level > top {
			top, ok = it.level, true
			g.setEntry(it.slot, it.level)
		}
	}
	g.marks.Lock()
	for _, it := range items {
		g.linked.Set(it.slot)
		g.end = max(g.end, it.slot+1)
		g.marks.dirty.Set(it.slot / statePerPage)
	}
	g.marks.Unlock()
	g.live.grow(g.end)
	for _, it := range items {
		g.live.set(it.slot)
	}
	g.since += len(items)
}

// makeRoom draws the items' levels and grows the arrays for them.
func (g *Graph) makeRoom(items []item) {
	v := g.view.Load()
	need, blocks := v.size, 0
	for i := range items {
		it := &items[i]
		it.level = levelOf(g.params.Seed, it.slot, g.params.M)
		need = max(need, it.slot+1)
		if it.slot >= v.size || v.upper[it.slot] == 0 {
			blocks += it.level
		}
	}
	n := v
	if need > v.size {
		n = v.grown(room(v.size, need))
	}
	if have := int(g.nextBlock) + blocks; have*v.deg > len(v.blocks) {
		if n == v {
			c := *v
			n = &c
		}
		n.blocks = make([]uint32, (have+have/4)*v.deg)
		copy(n.blocks, v.blocks)
	}
	for i := range items {
		it := &items[i]
		if it.level == 0 || n.upper[it.slot] != 0 {
			continue
		}
		if int(g.nextBlock)+it.level >= maxBlocks {
			it.level = 0 // 268 million blocks are in use: the upper layers are dense enough
			continue
		}
		n.upper[it.slot] = uint32(it.level)<<levelShift | g.nextBlock
		g.nextBlock += uint32(it.level)
	}
	if n != v {
		g.view.Store(n)
	}
	g.saved.grow(n, g.nextBlock, g.params.Dim)
}

// levelOf draws the layer of a slot: floor(-ln(u)/ln(M)) with u uniform in
// (0,1], u being a hash of seed and slot. So the layers do not depend on the
// order of inserts, and a slot that is used again keeps its layer.
func levelOf(seed uint64, slot uint32, m int) int {
	u := (float64(hash64(seed+uint64(slot)*goldenGamma)>>11) + 1) / (1 << 53)
	return min(int(-math.Log(u)/math.Log(float64(m))), maxLevel)
}

const goldenGamma = 0x9e3779b97f4a7c15

// hash64 is the mixing of SplitMix64 (Steele, Lea and Flood 2014).
func hash64(z uint64) uint64 {
	z += goldenGamma
	z = (z ^ z>>30) * 0xbf58476d1ce4e5b9
	z = (z ^ z>>27) * 0x94d049bb133111eb
	return z ^ z>>31
}

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
		g.choose(s, v, g.params.M)
		setLinks(v.list(it.slot, level), s.chosen)
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
		scatter(v.code(items[i].slot), items[i].slot)
	}
	g.each(len(twins), func(s *searcher, i int) { g.connect(s, v, items[twins[i]], p) })
}

const (
	scatterBytes = 8 // components that are moved
	scatterBy    = 8 // by at most as many steps
)

// scatter moves a code by an offset drawn from its slot.
func scatter(code []uint8, slot uint32) {
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

// candidate turns a key of a pool that is scored by distance into distance<<32
// | slot.
func candidate(key uint64) uint64 { return uint64(-scoreOf(key))<<32 | uint64(slotOf(key)) }

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
			s.beyond = append(s.beyond, uint64(-s.scores[i])<<32|uint64(id))
		}
	}
	sortKeys(s.beyond)
}

// outwardBest is how many of the nearest in the graph stay candidates whatever
// the batch holds.
const outwardBest = 8

// each calls f for 0 to n-1 from as many goroutines as the graph has workers.
func (g *Graph) each(n int, f func(s *searcher, i int)) {
	workers := min(g.params.Workers, (n+3)/4)
	if workers <= 1 {
		s := g.searcher()
		for i := range n {
			f(s, i)
		}
		g.searchers.Put(s)
		return
	}
	var next atomic.Int64
	var wg sync.WaitGroup
	for range workers {
		wg.Go(func() {
			s := g.searcher()
			defer g.searchers.Put(s)
			for {
				i := int(next.Add(1)) - 1
				if i >= n {
					return
				}
				f(s, i)
			}
		})
	}
	wg.Wait()
}
