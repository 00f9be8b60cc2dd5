package hnsw

import (
	"encoding/binary"
	"fmt"
	"math"
	"sync/atomic"

	"github.com/clipdb/clipdb/index"
)

// A checkpoint holds, under keys kind<<24 | number of the page:
//
//	kind 0  the header: see appendHeader and tuning.append
//	     1  the codec, as quant.Int8 writes itself
//	     2  codes, stride bytes a slot; with QuantFloat32 rows of float32, see floats.go
//	     3  links of layer 0, 2M words a slot: neighbour+1, 0 behind the last
//	     4  upper words, one a slot: level<<28 | first block
//	     5  blocks: M words each, the links of one node on one layer above 0
//	     6  state of 65,536 slots: a bit each in the graph, then a bit each live
//	     7  exact vectors, float32, where the index keeps them
//	     8  the codec of the plane, as quant.Binary writes itself
//	     9  the plane: a slot's code and its two factors, float32
//
// A page holds as many whole rows as fit into 64 KiB, at least one, and is
// filled with zeros. All numbers are little-endian.
const (
	magic   = 0x77736e68 // "hnsw"
	version = 3

	kindCodec   = 1 << 24
	kindCodes   = 2 << 24
	kindLinks   = 3 << 24
	kindUpper   = 4 << 24
	kindBlocks  = 5 << 24
	kindState   = 6 << 24
	kindVectors = 7 << 24
	kindBits    = 8 << 24
	kindPlane   = 9 << 24

	maxPages   = 1 << 24
	headerSize = 57
)

// Checkpoint implements index.Index. Batches and repairs wait for it, searches
// and deletions do not.
func (g *Graph) Checkpoint(put func(key uint32, page []byte) error) error {
	g.writer.Lock()
	defer g.writer.Unlock()
	if g.closed {
		return index.ErrClosed
	}
	v := g.view.Load()
	if uint64(g.end) > maxPages*uint64(codesPerPage(v)) {
		return fmt.Errorf("hnsw: %d slots are too many for a checkpoint", g.end)
	}
	g.marks.Lock()
	state := g.marks.dirty
	g.marks.dirty = index.Bitmap{}
	live := make([]uint64, len(g.live.load()))
	for i := range live {
		live[i] = atomic.LoadUint64(&g.live.load()[i])
	}
	g.marks.Unlock()
	err := g.checkpoint(v, &state, live, put)
	if err != nil {
		g.marks.Lock()
		for i := range state.All {
			g.marks.dirty.Set(i)
		}
		g.marks.Unlock()
		return err
	}
	g.saved.codec = false
	clear(g.saved.codes)
	clear(g.saved.links)
	clear(g.saved.upper)
	clear(g.saved.blocks)
	clear(g.saved.vectors)
	clear(g.saved.plane)
	return nil
}

func (g *Graph) checkpoint(v *view, state *index.Bitmap, live []uint64, put func(uint32, []byte) error) error {
	s := &g.saved
	w := s.book.Begin(put)
	if s.codec || !s.book.Has(kindCodec) {
		codec, err := v.codec.MarshalBinary()
		if err != nil {
			return err
		}
		if err := w.Page(kindCodec, func(p []byte) []byte { return append(p, codec...) }); err != nil {
			return err
		}
		bits, err := g.plane.codec.MarshalBinary()
		if err != nil {
			return err
		}
		if err := w.Page(kindBits, func(p []byte) []byte { return append(p, bits...) }); err != nil {
			return err
		}
	}
	pages := func(kind uint32, dirty []uint32, fill func(p []byte, i uint32) []byte) error {
		for i, d := range dirty {
			if d == 0 {
				continue
			}
			if err := w.Page(kind|uint32(i), func(p []byte) []byte { return fill(p, uint32(i)) }); err != nil {
				return err
			}
		}
		return nil
	}
	if err := pages(kindCodes, s.codes, func(p []byte, i uint32) []byte {
		if v.floats {
			return appendFloatRows(p, v.codes, i, int(codesPerPage(v))*v.stride)
		}
		return appendRows(p, v.codes, i, int(codesPerPage(v))*v.stride)
	}); err != nil {
		return err
	}
	if err := pages(kindPlane, s.plane, g.plane.appendRows); err != nil {
		return err
	}
	words := func(from []uint32, n uint32) func(p []byte, i uint32) []byte {
		return func(p []byte, i uint32) []byte { return appendWords(p, from, int(i)*int(n), int(n)) }
	}
	if err := pages(kindLinks, s.links, words(v.links, linksPerPage(v)*uint32(v.deg0))); err != nil {
		return err
	}
	if err := pages(kindUpper, s.upper, words(v.upper, upperPerPage())); err != nil {
		return err
	}
	if err := pages(kindBlocks, s.blocks, words(v.blocks, blocksPerPage(v)*uint32(v.deg))); err != nil {
		return err
	}
	for i := range state.All {
		if err := w.Page(kindState|i, func(p []byte) []byte {
			p = appendBits(p, g.linked.Words(), int(i))
			return appendBits(p, live, int(i))
		}); err != nil {
			return err
		}
	}
	if g.copies != nil {
		if err := pages(kindVectors, s.vectors, g.appendVectors); err != nil {
			return err
		}
	}
	return w.Commit(g.appendHeader(nil))
}

func (g *Graph) appendHeader(p []byte) []byte {
	p = binary.LittleEndian.AppendUint32(p, uint32(g.params.Dim))
	p = binary.LittleEndian.AppendUint32(p, uint32(g.params.M))
	p = binary.LittleEndian.AppendUint64(p, g.params.Seed)
	p = append(p, byte(g.params.Quant))
	p = binary.LittleEndian.AppendUint32(p, g.end)
	p = binary.LittleEndian.AppendUint32(p, g.nextBlock)
	p = binary.LittleEndian.AppendUint64(p, g.entry.Load())
	p = binary.LittleEndian.AppendUint64(p, uint64(g.trained))
	p = binary.LittleEndian.AppendUint64(p, uint64(g.since))
	p = binary.LittleEndian.AppendUint64(p, math.Float64bits(float64(g.view.Load().spread)))
	return g.tuned.append(p)
}

// appendRows appends the i-th n bytes of from, with zeros behind its end.
func appendRows(p, from []byte, i uint32, n int) []byte {
	at := min(int(i)*n, len(from))
	end := min(at+n, len(from))
	p = append(p, from[at:end]...)
	return append(p, make([]byte, n-(end-at))...)
}

func appendWords(p []byte, from []uint32, at, n int) []byte {
	for i := at; i < at+n; i++ {
		var w uint32
		if i < len(from) {
			w = from[i]
		}
		p = binary.LittleEndian.AppendUint32(p, w)
	}
	return p
}

func appendBits(p []byte, words []uint64, i int) []byte {
	for w := i * statePerPage / 64; w < (i+1)*statePerPage/64; w++ {
		var word uint64
		if w < len(words) {
			word = words[w]
		}
		p = binary.LittleEndian.AppendUint64(p, word)
	}
	return p
}

func (g *Graph) appendVectors(p []byte, i uint32) []byte {
	n := vectorsPerPage(g.params.Dim)
	for slot := i * n; slot < (i+1)*n; slot++ {
		row := g.copies.Row(slot)
		if row == nil || !g.linked.Has(slot) {
			p = append(p, make([]byte, 4*g.params.Dim)...)
			continue
		}
		for _, x := range row {
			p = binary.LittleEndian.AppendUint32(p, math.Float32bits(x))
		}
	}
	return p
}
