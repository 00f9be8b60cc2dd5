package index

import (
	"encoding/binary"
	"errors"
	"fmt"
	"math"
	"math/bits"

	"github.com/clipdb/clipdb/index/internal/page"
	"github.com/clipdb/clipdb/index/internal/rows"
)

// A checkpoint of Flat holds the set of live slots and, where no Vectors can
// be read at Restore, the vectors themselves.
//
//	header   u32 dim, u32 end (one above the largest slot), u8 1 if vectors are held
//	1<<24|i  live slots from i*65536 on, a bit each, 8 KiB
//	2<<24|i  vectors from i*rowsPerPage on, float32
const (
	flatMagic   = 0x74616c66 // "flat"
	flatVersion = 1

	flatLive    = 1 << 24
	flatVectors = 2 << 24

	livePerPage = 1 << 16
)

// flatSaved is what Flat knows of its last checkpoint.
type flatSaved struct {
	book    page.Book
	live    Bitmap // live pages that changed
	vectors Bitmap // vector pages that changed
}

func (s *flatSaved) reset() {
	*s = flatSaved{book: page.Book{Magic: flatMagic, Version: flatVersion}}
}

func (s *flatSaved) touch(slot Slot) {
	s.live.Set(slot / livePerPage)
	s.vectors.Set(slot / vectorsPerPage)
}

// vectorsPerPage vectors go on a page: 64 KiB at 512 dimensions.
const vectorsPerPage = 32

// Checkpoint implements Index.
func (f *Flat) Checkpoint(put func(key uint32, page []byte) error) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.closed {
		return ErrClosed
	}
	w := f.saved.book.Begin(put)
	for i := range f.saved.live.All {
		if err := w.Page(flatLive|i, func(p []byte) []byte { return f.appendLive(p, i) }); err != nil {
			return err
		}
	}
	own := f.params.Vectors == nil
	if own {
		for i := range f.saved.vectors.All {
			if err := w.Page(flatVectors|i, func(p []byte) []byte { return f.appendVectors(p, i) }); err != nil {
				return err
			}
		}
	}
	head := binary.LittleEndian.AppendUint32(nil, uint32(f.params.Dim))
	head = binary.LittleEndian.AppendUint32(head, f.end)
	if own {
		head = append(head, 1)
	} else {
		head = append(head, 0)
	}
	if err := w.Commit(head); err != nil {
		return err
	}
	f.saved.live, f.saved.vectors = Bitmap{}, Bitmap{}
	return nil
}

func (f *Flat) appendLive(p []byte, i uint32) []byte {
	words := f.live.words
	for w := int(i) * livePerPage / 64; w < int(i+1)*livePerPage/64; w++ {
		var word uint64
		if w < len(words) {
			word = words[w]
		}
		p = binary.LittleEndian.AppendUint64(p, word)
	}
	return p
}

func (f *Flat) appendVectors(p []byte, i uint32) []byte {
	for slot := i * vectorsPerPage; slot < (i+1)*vectorsPerPage; slot++ {
		row := f.vectors.Row(slot)
		if row == nil || !f.live.Has(slot) {
			p = append(p, make([]byte, 4*f.params.Dim)...)
			continue
		}
		for _, x := range row {
			p = binary.LittleEndian.AppendUint32(p, math.Float32bits(x))
		}
	}
	return p
}

// Restore implements Index.
func (f *Flat) Restore(get func(key uint32) ([]byte, error)) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.closed {
		return ErrClosed
	}
	if f.live.Len() > 0 {
		return errors.New("index: Restore into an index that is not empty")
	}
	if err := f.restore(get); err != nil {
		f.live, f.end, f.vectors = Bitmap{}, 0, rows.NewFloat32(f.params.Dim)
		f.saved.reset()
		var damage page.Damage
		if errors.As(err, &damage) {
			return fmt.Errorf("index: flat: %w: %w", ErrSnapshot, damage)
		}
		return err
	}
	return nil
}

func (f *Flat) restore(get func(key uint32) ([]byte, error)) error {
	r, err := page.Open(get, flatMagic, flatVersion)
	if err != nil {
		return err
	}
	if len(r.Header) != 9 {
		return page.Damage("the header is cut")
	}
	if dim := binary.LittleEndian.Uint32(r.Header); dim != uint32(f.params.Dim) {
		return page.Damage(fmt.Sprintf("the pages are of dimension %d, not %d", dim, f.params.Dim))
	}
	end := binary.LittleEndian.Uint32(r.Header[4:])
	own := f.params.Vectors == nil
	if end > MaxSlot+1 || own && r.Header[8] != 1 {
		return page.Damage("the header does not fit this index")
	}
	for i := uint32(0); uint64(i)*livePerPage < uint64(end); i++ {
		if !r.Has(flatLive | i) {
			continue
		}
		p, err := r.Page(flatLive|i, livePerPage/8)
		if err != nil {
			return err
		}
		for w := 0; w < len(p); w += 8 {
			for word := binary.LittleEndian.Uint64(p[w:]); word != 0; word &= word - 1 {
				slot := i*livePerPage + uint32(w*8) + uint32(bits.TrailingZeros64(word))
				if slot >= end {
					return page.Damage("a live slot lies beyond the end")
				}
				f.live.Set(slot)
			}
		}
	}
	if own {
		err = f.restoreVectors(r)
	} else {
		err = f.readVectors()
	}
	if err != nil {
		return err
	}
	f.end = end
	f.saved.reset()
	f.saved.book = r.Book(flatMagic, flatVersion)
	return nil
}

func (f *Flat) restoreVectors(r *page.Reader) error {
	row := make([]float32, f.params.Dim)
	var p []byte
	at := ^uint32(0)
	for slot := range f.live.All {
		if i := slot / vectorsPerPage; i != at {
			var err error
			if p, err = r.Page(flatVectors|i, 4*f.params.Dim*vectorsPerPage); err != nil {
				return err
			}
			at = i
		}
		b := p[int(slot%vectorsPerPage)*4*f.params.Dim:]
		for j := range row {
			row[j] = math.Float32frombits(binary.LittleEndian.Uint32(b[4*j:]))
		}
		if CheckVector(row, f.params.Dim) != nil {
			return page.Damage(fmt.Sprintf("the vector of slot %d is not finite", slot))
		}
		f.vectors.Set(slot, row)
	}
	return nil
}

func (f *Flat) readVectors() error {
	var row, unit []float32
	for slot := range f.live.All {
		var ok bool
		var err error
		if row, ok = f.params.Vectors.Vector(slot, row); !ok {
			return page.Damage(fmt.Sprintf("slot %d has no vector any more", slot))
		}
		if unit, err = Normalize(unit, row, f.params.Dim); err != nil {
			return page.Damage(fmt.Sprintf("slot %d: %v", slot, err))
		}
		f.vectors.Set(slot, unit)
	}
	return nil
}
