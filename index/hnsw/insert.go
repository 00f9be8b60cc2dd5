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
	plane := make([]planeCode, len(items))
	bits := make([]uint8, len(items)*g.plane.codec.Bytes())
	g.each(len(items), func(s *searcher, i int) {
		it, n := &items[i], g.plane.codec.Bytes()
		s.unit, _ = index.Normalize(s.unit, it.vector, g.params.Dim)
		v.encode(it.slot, s.unit)
		plane[i] = planeCode{slot: it.slot, bits: bits[i*n : (i+1)*n]}
		plane[i].factors = g.plane.codec.Encode(plane[i].bits, s.unit)
	})
	g.plane.put(plane)
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
	g.since += len(items)
	g.tally()
	for _, it := range items {
		g.live.set(it.slot)
	}
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
	if need := int(n.size); need > len(g.settled) {
		settled := make([]uint8, need)
		copy(settled, g.settled)
		g.settled = settled
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
