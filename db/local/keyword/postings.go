package keyword

import (
	"encoding/binary"
	"sort"
)

// postings are the captions that hold a term, by rising slot, in blocks.
//
// An entry is the distance from the slot before it, shifted left by one, as an
// uvarint; the low bit says that the term stands there more than once, and how
// often follows as another. The distance of a block's first entry is 0.
type postings struct {
	count  int // entries
	blocks []block
}

type block struct {
	first, last uint32
	count       uint32
	data        []byte
}

type entry struct {
	slot  uint32
	times uint32
}

// A block of more entries is split; two neighbours of together fewer are
// joined.
const (
	maxBlock = 256
	minBlock = 96
)

func appendEntry(data []byte, distance, times uint32) []byte {
	if times == 1 {
		return binary.AppendUvarint(data, uint64(distance)<<1)
	}
	return binary.AppendUvarint(binary.AppendUvarint(data, uint64(distance)<<1|1), uint64(times))
}

// next decodes the entry at the start of data.
func next(data []byte) (distance, times uint32, rest []byte) {
	d, n := uvarint(data)
	data = data[n:]
	if d&1 == 0 {
		return uint32(d >> 1), 1, data
	}
	t, n := uvarint(data)
	return uint32(d >> 1), uint32(t), data[n:]
}

// uvarint is binary.Uvarint for bytes of our own.
func uvarint(b []byte) (uint64, int) {
	if b[0] < 0x80 {
		return uint64(b[0]), 1
	}
	return binary.Uvarint(b)
}

func pack(entries []entry) block {
	b := block{first: entries[0].slot, last: entries[len(entries)-1].slot, count: uint32(len(entries))}
	at := b.first
	var buf [8 * maxBlock]byte
	data := buf[:0]
	for _, e := range entries {
		data = appendEntry(data, e.slot-at, e.times)
		at = e.slot
	}
	b.data = append(make([]byte, 0, len(data)), data...)
	return b
}

func (b *block) unpack(dst []entry) []entry {
	at, data := b.first, b.data
	for len(data) > 0 {
		var d, t uint32
		d, t, data = next(data)
		at += d
		dst = append(dst, entry{at, t})
	}
	return dst
}

// find returns the block that holds slot or would.
func (p *postings) find(slot uint32) int {
	i := sort.Search(len(p.blocks), func(i int) bool { return p.blocks[i].last >= slot })
	return min(i, len(p.blocks)-1)
}

// add takes an entry for a slot that has none.
func (p *postings) add(e entry) {
	p.count++
	if len(p.blocks) == 0 {
		p.blocks = []block{pack([]entry{e})}
		return
	}
	i := p.find(e.slot)
	b := &p.blocks[i]
	if e.slot > b.last {
		if b.count < maxBlock {
			b.data = appendEntry(b.data, e.slot-b.last, e.times)
			b.last = e.slot
			b.count++
		} else { // the last one, and full: rising slots leave full blocks
			p.blocks = append(p.blocks, pack([]entry{e}))
		}
		return
	}
	var buf [maxBlock + 1]entry
	all := b.unpack(buf[:0])
	at := sort.Search(len(all), func(i int) bool { return all[i].slot > e.slot })
	all = append(all, entry{})
	copy(all[at+1:], all[at:])
	all[at] = e
	if len(all) <= maxBlock {
		*b = pack(all)
		return
	}
	half := len(all) / 2
	*b = pack(all[:half])
	p.blocks = append(p.blocks, block{})
	copy(p.blocks[i+2:], p.blocks[i+1:])
	p.blocks[i+1] = pack(all[half:])
}

// remove drops the entry of a slot that has one.
func (p *postings) remove(slot uint32) {
	p.count--
	i := p.find(slot)
	var buf [maxBlock]entry
	all := p.blocks[i].unpack(buf[:0])
	at := sort.Search(len(all), func(i int) bool { return all[i].slot >= slot })
	all = append(all[:at], all[at+1:]...)
	if len(all) == 0 {
		p.blocks = append(p.blocks[:i], p.blocks[i+1:]...)
		return
	}
	if i+1 < len(p.blocks) && len(all)+int(p.blocks[i+1].count) <= minBlock {
		all = p.blocks[i+1].unpack(all)
		p.blocks = append(p.blocks[:i+1], p.blocks[i+2:]...)
	}
	p.blocks[i] = pack(all)
}

// cursor walks postings.
type cursor struct {
	blocks []block
	data   []byte // of the block, after the entry
	entry         // the one it stands at
	done   bool
}

func (p *postings) cursor() cursor {
	c := cursor{blocks: p.blocks}
	c.open()
	return c
}

// open steps to the first entry of the next block.
func (c *cursor) open() {
	if len(c.blocks) == 0 {
		c.done = true
		return
	}
	c.data, c.slot = c.blocks[0].data, c.blocks[0].first
	c.blocks = c.blocks[1:]
	_, c.times, c.data = next(c.data)
}

func (c *cursor) next() {
	if len(c.data) == 0 {
		c.open()
		return
	}
	var d uint32
	d, c.times, c.data = next(c.data)
	c.slot += d
}
