package hnsw

import (
	"encoding/binary"
	"errors"
	"fmt"
	"math"

	"github.com/clipdb/clipdb/index"
	"github.com/clipdb/clipdb/index/internal/page"
	"github.com/clipdb/clipdb/index/quant"
)

// Restore implements index.Index. It checks every link, so that no stored
// bytes can lead a search astray.
func (g *Graph) Restore(get func(key uint32) ([]byte, error)) error {
	g.writer.Lock()
	defer g.writer.Unlock()
	if g.closed {
		return index.ErrClosed
	}
	g.marks.Lock()
	used := g.marks.taken.Len()
	g.marks.Unlock()
	if used > 0 {
		return errors.New("hnsw: Restore into an index that is not empty")
	}
	r, err := g.restore(get)
	if err == nil {
		g.use(r)
		return nil
	}
	g.clear()
	var damage page.Damage
	if errors.As(err, &damage) {
		return fmt.Errorf("hnsw: %w: %w", index.ErrSnapshot, damage)
	}
	return err
}

// restored is a graph read from pages, not yet in use.
type restored struct {
	view           view
	linked, live   index.Bitmap
	end, nextBlock uint32
	entry          uint64
	trained, since int
	bits           *quant.Binary
	plane          []planeCode
	curves         [2][]index.Calibration
	spread         float64
	book           page.Book
}

func damaged(format string, args ...any) error { return page.Damage(fmt.Sprintf(format, args...)) }

func (g *Graph) restore(get func(key uint32) ([]byte, error)) (*restored, error) {
	p, err := page.Open(get, magic, version)
	if err != nil {
		return nil, err
	}
	r := &restored{book: p.Book(magic, version)}
	r.view.floats = g.keepsFloats()
	if err := g.readHeader(r, p.Header); err != nil {
		return nil, err
	}
	if err := g.readState(r, p); err != nil {
		return nil, err
	}
	// The arrays are as long as the slots reach. A header that claims far more
	// slots than are in the graph would cost memory for nothing.
	if uint64(r.end) > slotLimit(uint64(r.linked.Len())*64) || uint64(r.nextBlock) > uint64(r.end)*maxLevel+1 {
		return nil, damaged("%d slots and %d blocks for %d vectors", r.end, r.nextBlock, r.linked.Len())
	}
	if err := g.readCodec(r, p); err != nil {
		return nil, err
	}
	if err := g.readArrays(r, p); err != nil {
		return nil, err
	}
	r.view.settle(r.end)
	if err := r.check(); err != nil {
		return nil, err
	}
	if r.view.floats {
		if err := r.checkFloats(); err != nil {
			return nil, err
		}
	}
	if err := g.readPlane(r, p); err != nil {
		return nil, err
	}
	if g.copies != nil {
		if err := g.readVectors(r, p); err != nil {
			return nil, err
		}
	}
	return r, nil
}

func (g *Graph) readHeader(r *restored, h []byte) error {
	if len(h) < headerSize {
		return damaged("the header has %d bytes", len(h))
	}
	u32, u64 := binary.LittleEndian.Uint32, binary.LittleEndian.Uint64
	dim, m, seed, quant := u32(h), u32(h[4:]), u64(h[8:]), index.Quant(h[16])
	if int64(dim) != int64(g.params.Dim) || int64(m) != int64(g.params.M) || seed != g.params.Seed || quant != g.params.Quant {
		return damaged("the pages are of dimension %d, M %d, seed %d, %v: not this index", dim, m, seed, quant)
	}
	r.end, r.nextBlock, r.entry = u32(h[17:]), u32(h[21:]), u64(h[25:])
	trained, since := u64(h[33:]), u64(h[41:])
	r.spread = math.Float64frombits(u64(h[49:]))
	if r.end > index.MaxSlot+1 || r.nextBlock < 1 || r.nextBlock > maxBlocks ||
		trained > math.MaxInt32 || since > math.MaxInt32 || !(r.spread >= 0 && r.spread <= 2) {
		return damaged("the header is not plausible")
	}
	r.trained, r.since = int(trained), int(since)
	return r.readTuning(h[headerSize:])
}

func (g *Graph) readState(r *restored, p *page.Reader) error {
	for i := uint32(0); uint64(i)*statePerPage < uint64(r.end); i++ {
		if !p.Has(kindState | i) {
			continue
		}
		b, err := p.Page(kindState|i, 2*statePerPage/8)
		if err != nil {
			return err
		}
		for half, set := range []*index.Bitmap{&r.linked, &r.live} {
			for w := range statePerPage / 64 {
				word := binary.LittleEndian.Uint64(b[half*statePerPage/8+w*8:])
				for bit := uint32(0); word != 0; bit, word = bit+1, word>>1 {
					if word&1 == 0 {
						continue
					}
					slot := i*statePerPage + uint32(w)*64 + bit
					if slot >= r.end || half == 1 && !r.linked.Has(slot) {
						return damaged("the state of slot %d is impossible", slot)
					}
					set.Set(slot)
				}
			}
		}
	}
	return nil
}

func (g *Graph) readCodec(r *restored, p *page.Reader) error {
	b, err := p.Page(kindCodec, -1)
	if err != nil {
		return err
	}
	codec, err := quant.ReadInt8(b)
	if err != nil {
		return damaged("the codec: %v", err)
	}
	if codec.Dim() != g.params.Dim {
		return damaged("the codec is of dimension %d", codec.Dim())
	}
	r.view.useCodec(codec, float32(r.spread))
	return nil
}

func (g *Graph) readArrays(r *restored, p *page.Reader) error {
	v := &r.view
	v.deg0, v.deg = 2*g.params.M, g.params.M
	v.size = room(r.end, r.end)
	v.codes = hugeBytes(int(v.size) * v.stride)
	v.links = hugeWords(int(v.size) * v.deg0)
	v.upper = make([]uint32, v.size)
	v.blocks = make([]uint32, int(r.nextBlock)*v.deg)
	// One goroutine reads pages, as the file's transaction wants it; others
	// check and copy them, which is most of the work.
	l := newLoading(p, g.params.Workers)
	rows := func(kind, n, perPage uint32, rowBytes int, take func(at int, b []byte)) {
		for i := uint32(0); uint64(i)*uint64(perPage) < uint64(n); i++ {
			if !p.Has(kind | i) {
				continue // no node there
			}
			have := int(min(perPage, n-i*perPage))
			l.load(kind|i, int(perPage)*rowBytes, func(b []byte) {
				take(int(i)*int(perPage)*rowBytes, b[:have*rowBytes])
			})
		}
	}
	words := func(dst []uint32) func(int, []byte) {
		return func(at int, b []byte) {
			d := dst[at/4 : at/4+len(b)/4]
			for i := range d {
				d[i] = binary.LittleEndian.Uint32(b[4*i:])
			}
		}
	}
	rows(kindCodes, r.end, codesPerPage(v), v.stride, func(at int, b []byte) {
		if v.floats {
			readFloatRows(v.codes[at:], b)
			return
		}
		copy(v.codes[at:], b)
	})
	rows(kindLinks, r.end, linksPerPage(v), 4*v.deg0, words(v.links))
	rows(kindUpper, r.end, upperPerPage(), 4, words(v.upper))
	rows(kindBlocks, r.nextBlock, blocksPerPage(v), 4*v.deg, words(v.blocks))
	return l.wait()
}

// check refuses levels, links and entry points that lead anywhere but to nodes
// of the graph.
func (r *restored) check() error {
	v := &r.view
	for slot, word := range v.upper[:r.end] {
		level, first := word>>levelShift, word&(maxBlocks-1)
		if word != 0 && (level == 0 || first == 0 || first+level > r.nextBlock) {
			return damaged("slot %d has impossible layers", slot)
		}
	}
	for slot := range r.end {
		for level := range v.level(slot) + 1 {
			if !r.linked.Has(slot) {
				clear(v.list(slot, level)) // empty for its next use
				continue
			}
			ended := false
			for _, w := range v.list(slot, level) {
				if w == 0 {
					ended = true
					continue
				}
				if ended || w-1 >= r.end || w-1 == slot || !r.linked.Has(w-1) || v.level(w-1) < level {
					return damaged("slot %d has an impossible link on layer %d", slot, level)
				}
			}
		}
	}
	entry, level := uint32(r.entry)-1, int(r.entry>>32)
	if r.entry == 0 != (r.linked.Len() == 0) {
		return damaged("there is no entry point")
	}
	if r.entry != 0 && (!r.linked.Has(entry) || v.level(entry) != level) {
		return damaged("the entry point is impossible")
	}
	return nil
}

func (g *Graph) readVectors(r *restored, p *page.Reader) error {
	row := make([]float32, g.params.Dim)
	n := vectorsPerPage(g.params.Dim)
	var b []byte
	at := ^uint32(0)
	for slot := range r.linked.All {
		if i := slot / n; i != at {
			var err error
			if b, err = p.Page(kindVectors|i, int(n)*4*g.params.Dim); err != nil {
				return err
			}
			at = i
		}
		from := b[int(slot%n)*4*g.params.Dim:]
		for j := range row {
			row[j] = math.Float32frombits(binary.LittleEndian.Uint32(from[4*j:]))
		}
		if index.CheckVector(row, g.params.Dim) != nil {
			return damaged("the vector of slot %d is not finite", slot)
		}
		g.copies.Set(slot, row)
	}
	return nil
}

// use makes a restored graph the present one.
func (g *Graph) use(r *restored) {
	g.linked, g.end, g.nextBlock = r.linked, r.end, r.nextBlock
	g.trained, g.since = r.trained, r.since
	g.live.grow(r.end)
	for slot := range r.live.All {
		g.live.set(slot)
	}
	g.marks.Lock()
	for slot := range r.linked.All {
		g.marks.taken.Set(slot)
	}
	g.marks.end = r.end
	g.marks.Unlock()
	g.settled = make([]uint8, r.view.size)
	g.saved = saved{book: r.book}
	g.saved.grow(&r.view, r.nextBlock, g.params.Dim)
	g.view.Store(&r.view)
	g.plane.use(r.bits)
	g.plane.put(r.plane)
	for side, known := range r.curves {
		if len(known) > 0 {
			g.tuned.curves[side].Store(&known)
		}
	}
	g.tally()
	g.entry.Store(r.entry)
}
