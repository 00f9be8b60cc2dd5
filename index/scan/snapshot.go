package scan

import (
	"encoding/binary"
	"math"

	"github.com/clipdb/clipdb/index"
	"github.com/clipdb/clipdb/index/internal/page"
)

// A checkpoint holds, under keys kind<<24 | number of the page:
//
//	kind 0  the header: see appendHeader
//	     1  the codec of the codes, as quant.Binary writes itself
//	     2  the one that tells drift, as quant.Int8 writes itself
//	     3  live slots, a bit each, 65,536 a page
//	     4  codes: of each slot its bits and its two factors, float32
//	     5  exact vectors, float32, where the index keeps them
//
// A page of codes or vectors holds as many whole rows as fit into 64 KiB, at
// least one. Rows of slots that are not live are zeros. All numbers are
// little-endian.
const (
	magic   = 0x6e616373 // "scan"
	version = 1

	kindCodec   = 1 << 24
	kindRuler   = 2 << 24
	kindLive    = 3 << 24
	kindCodes   = 4 << 24
	kindVectors = 5 << 24

	pageBytes   = 64 << 10
	livePerPage = 1 << 16
	factorBytes = 8
	headerSize  = 4 + 8 + 4 + 1 + 8 + 8
)

// saved is what the index knows of its last checkpoint: the pages that changed
// since.
type saved struct {
	book    page.Book
	codec   bool
	live    index.Bitmap
	codes   index.Bitmap
	vectors index.Bitmap
}

func perPage(n int) uint32 { return uint32(max(1, pageBytes/n)) }

func (x *Index) rowBytes() int          { return x.codec.Bytes() + factorBytes }
func (x *Index) codesPerPage() uint32   { return perPage(x.rowBytes()) }
func (x *Index) vectorsPerPage() uint32 { return perPage(4 * x.params.Dim) }

func (s *saved) touch(x *Index, slot uint32) {
	s.live.Set(slot / livePerPage)
	s.codes.Set(slot / x.codesPerPage())
	if x.copies != nil {
		s.vectors.Set(slot / x.vectorsPerPage())
	}
}

// touchCodec marks the codec and all codes.
func (s *saved) touchCodec(x *Index) {
	s.codec = true
	for i := uint32(0); i*x.codesPerPage() < x.end; i++ {
		s.codes.Set(i)
	}
}

// Checkpoint implements index.Index. Searches go on meanwhile.
func (x *Index) Checkpoint(put func(key uint32, page []byte) error) error {
	x.writer.Lock()
	defer x.writer.Unlock()
	if x.closed {
		return index.ErrClosed
	}
	s := &x.saved
	w := s.book.Begin(put)
	if s.codec || !s.book.Has(kindCodec) {
		codec, err := x.codec.MarshalBinary()
		if err != nil {
			return err
		}
		ruler, err := x.ruler.MarshalBinary()
		if err != nil {
			return err
		}
		if err := w.Page(kindCodec, func(p []byte) []byte { return append(p, codec...) }); err != nil {
			return err
		}
		if err := w.Page(kindRuler, func(p []byte) []byte { return append(p, ruler...) }); err != nil {
			return err
		}
	}
	for _, part := range []struct {
		kind  uint32
		dirty *index.Bitmap
		fill  func(p []byte, i uint32) []byte
	}{{kindLive, &s.live, x.appendLive}, {kindCodes, &s.codes, x.appendCodes}, {kindVectors, &s.vectors, x.appendVectors}} {
		for i := range part.dirty.All {
			if err := w.Page(part.kind|i, func(p []byte) []byte { return part.fill(p, i) }); err != nil {
				return err
			}
		}
	}
	if err := w.Commit(x.appendHeader(nil)); err != nil {
		return err
	}
	s.codec, s.live, s.codes, s.vectors = false, index.Bitmap{}, index.Bitmap{}, index.Bitmap{}
	return nil
}

func (x *Index) appendHeader(p []byte) []byte {
	p = binary.LittleEndian.AppendUint32(p, uint32(x.params.Dim))
	p = binary.LittleEndian.AppendUint64(p, x.params.Seed)
	p = binary.LittleEndian.AppendUint32(p, x.end)
	own := byte(0)
	if x.copies != nil {
		own = 1
	}
	p = append(p, own)
	p = binary.LittleEndian.AppendUint64(p, uint64(x.trained))
	return binary.LittleEndian.AppendUint64(p, uint64(int64(x.since)))
}

func (x *Index) appendLive(p []byte, i uint32) []byte {
	words := x.live.Words()
	for w := int(i) * livePerPage / 64; w < int(i+1)*livePerPage/64; w++ {
		var word uint64
		if w < len(words) {
			word = words[w]
		}
		p = binary.LittleEndian.AppendUint64(p, word)
	}
	return p
}

func (x *Index) appendCodes(p []byte, i uint32) []byte {
	n := x.codesPerPage()
	code := make([]uint8, x.codec.Bytes())
	for slot := i * n; slot < (i+1)*n; slot++ {
		f, ok := x.codes.Get(code, slot)
		if !ok {
			clear(code)
		}
		p = append(p, code...)
		p = binary.LittleEndian.AppendUint32(p, math.Float32bits(f.Mul))
		p = binary.LittleEndian.AppendUint32(p, math.Float32bits(f.Add))
	}
	return p
}

func (x *Index) appendVectors(p []byte, i uint32) []byte {
	n := x.vectorsPerPage()
	for slot := i * n; slot < (i+1)*n; slot++ {
		if !x.live.Has(slot) {
			p = append(p, make([]byte, 4*x.params.Dim)...)
			continue
		}
		for _, v := range x.copies.Row(slot) {
			p = binary.LittleEndian.AppendUint32(p, math.Float32bits(v))
		}
	}
	return p
}
