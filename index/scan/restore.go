package scan

import (
	"encoding/binary"
	"errors"
	"fmt"
	"math"
	"math/bits"

	"github.com/clipdb/clipdb/index"
	"github.com/clipdb/clipdb/index/internal/page"
	"github.com/clipdb/clipdb/index/quant"
)

// Restore implements index.Index.
func (x *Index) Restore(get func(key uint32) ([]byte, error)) error {
	x.writer.Lock()
	defer x.writer.Unlock()
	if x.closed {
		return index.ErrClosed
	}
	if x.live.Len() > 0 {
		return errors.New("scan: Restore into an index that is not empty")
	}
	// The pages are read into another index: get may wait for a writer of the
	// file, and searches must not wait with it.
	r := &Index{params: x.params}
	r.clear()
	if err := r.restore(get); err != nil {
		var damage page.Damage
		if errors.As(err, &damage) {
			return fmt.Errorf("scan: %w: %w", index.ErrSnapshot, damage)
		}
		return err
	}
	x.mu.Lock()
	defer x.mu.Unlock()
	x.live, x.codec, x.codes, x.copies = r.live, r.codec, r.codes, r.copies
	x.end, x.ruler, x.trained, x.since, x.saved = r.end, r.ruler, r.trained, r.since, r.saved
	return nil
}

func damaged(format string, args ...any) error { return page.Damage(fmt.Sprintf(format, args...)) }

func (x *Index) restore(get func(key uint32) ([]byte, error)) error {
	p, err := page.Open(get, magic, version)
	if err != nil {
		return err
	}
	if err := x.readHeader(p.Header); err != nil {
		return err
	}
	if err := x.readLive(p); err != nil {
		return err
	}
	// Codes lie by slot. A header that claims far more slots than there are
	// vectors would cost memory for nothing.
	if uint64(x.end) > slotLimit(uint64(x.live.Len())*64) {
		return damaged("%d slots for %d vectors", x.end, x.live.Len())
	}
	if err := x.readCodecs(p); err != nil {
		return err
	}
	if err := x.readCodes(p); err != nil {
		return err
	}
	if x.copies != nil {
		if err := x.readVectors(p); err != nil {
			return err
		}
	}
	x.saved = saved{book: p.Book(magic, version)}
	return nil
}

func (x *Index) readHeader(h []byte) error {
	if len(h) != headerSize {
		return damaged("the header has %d bytes", len(h))
	}
	u32, u64 := binary.LittleEndian.Uint32, binary.LittleEndian.Uint64
	dim, seed, own := u32(h), u64(h[4:]), h[16]
	if int64(dim) != int64(x.params.Dim) || seed != x.params.Seed {
		return damaged("the pages are of dimension %d, seed %d: not this index", dim, seed)
	}
	x.end = u32(h[12:])
	trained, since := u64(h[17:]), int64(u64(h[25:]))
	if x.end > index.MaxSlot+1 || own > 1 || x.copies != nil && own != 1 ||
		trained > math.MaxInt32 || since > math.MaxInt32 || since < -math.MaxInt32 {
		return damaged("the header is not plausible")
	}
	x.trained, x.since = int(trained), int(since)
	return nil
}

func (x *Index) readLive(p *page.Reader) error {
	for i := uint32(0); uint64(i)*livePerPage < uint64(x.end); i++ {
		if !p.Has(kindLive | i) {
			continue // never used
		}
		b, err := p.Page(kindLive|i, livePerPage/8)
		if err != nil {
			return err
		}
		for w := 0; w < len(b); w += 8 {
			for word := binary.LittleEndian.Uint64(b[w:]); word != 0; word &= word - 1 {
				slot := i*livePerPage + uint32(w*8) + uint32(bits.TrailingZeros64(word))
				if slot >= x.end {
					return damaged("live slot %d lies beyond the end", slot)
				}
				x.live.Set(slot)
			}
		}
	}
	return nil
}

func (x *Index) readCodecs(p *page.Reader) error {
	b, err := p.Page(kindCodec, -1)
	if err != nil {
		return err
	}
	if x.codec, err = quant.ReadBinary(b); err != nil {
		return damaged("the codec: %v", err)
	}
	if b, err = p.Page(kindRuler, -1); err != nil {
		return err
	}
	if x.ruler, err = quant.ReadInt8(b); err != nil {
		return damaged("the codec that tells drift: %v", err)
	}
	if x.codec.Dim() != x.params.Dim || x.ruler.Dim() != x.params.Dim {
		return damaged("the codecs are of dimensions %d and %d", x.codec.Dim(), x.ruler.Dim())
	}
	x.codes = x.codec.NewCodes()
	return nil
}

// maxFactor bounds what the factors of a unit vector and a mean can be.
const maxFactor = 4

func (x *Index) readCodes(p *page.Reader) error {
	n, rows, width := x.codec.Bytes(), x.codesPerPage(), x.rowBytes()
	return x.eachRow(p, kindCodes, rows, width, func(slot uint32, b []byte) error {
		f := quant.Factors{
			Mul: math.Float32frombits(binary.LittleEndian.Uint32(b[n:])),
			Add: math.Float32frombits(binary.LittleEndian.Uint32(b[n+4:])),
		}
		if !(f.Mul >= 0 && f.Mul <= maxFactor && f.Add >= -maxFactor && f.Add <= maxFactor) {
			return damaged("slot %d has impossible factors", slot)
		}
		x.codes.Put(slot, b[:n], f)
		return nil
	})
}

func (x *Index) readVectors(p *page.Reader) error {
	row := make([]float32, x.params.Dim)
	return x.eachRow(p, kindVectors, x.vectorsPerPage(), 4*x.params.Dim, func(slot uint32, b []byte) error {
		for i := range row {
			row[i] = math.Float32frombits(binary.LittleEndian.Uint32(b[4*i:]))
		}
		if index.CheckVector(row, x.params.Dim) != nil {
			return damaged("the vector of slot %d is not finite", slot)
		}
		x.copies.Set(slot, row)
		return nil
	})
}

// eachRow calls take with the row of every live slot.
func (x *Index) eachRow(p *page.Reader, kind, perPage uint32, width int, take func(slot uint32, b []byte) error) error {
	var b []byte
	at := ^uint32(0)
	for slot := range x.live.All {
		if i := slot / perPage; i != at {
			var err error
			if b, err = p.Page(kind|i, int(perPage)*width); err != nil {
				return err
			}
			at = i
		}
		if err := take(slot, b[int(slot%perPage)*width:][:width]); err != nil {
			return err
		}
	}
	return nil
}
