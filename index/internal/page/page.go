// Package page frames the pages of an index checkpoint: each carries a
// checksum, and a header page, written last, holds the checksums of all
// others, so that a mixture of two checkpoints is told from one.
//
// A page is, little-endian:
//
//	0  u32  CRC-32C of all that follows
//	4  u32  key of the page
//	8  ...  payload
//
// The payload of the header, key 0, is:
//
//	0  u32  magic, the kind of index
//	4  u32  version of the format
//	8  u64  generation, one more at each checkpoint
//	16 u32  length of the index's own header, which follows
//	.. u32  number of pages, then key and CRC-32C of each, u32 both,
//	        in rising order of keys
package page

import (
	"encoding/binary"
	"fmt"
	"hash/crc32"
	"maps"
	"slices"
)

const (
	frame     = 8
	maxHeader = 1 << 20
)

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// Book remembers what a checkpoint holds. It is not safe for several
// goroutines.
type Book struct {
	Magic, Version uint32
	generation     uint64
	sums           map[uint32]uint32
}

// Writer writes one checkpoint.
type Writer struct {
	book *Book
	put  func(uint32, []byte) error
	sums map[uint32]uint32
	buf  []byte
}

// Begin starts a checkpoint on top of the last one that was committed.
func (b *Book) Begin(put func(key uint32, page []byte) error) *Writer {
	sums := maps.Clone(b.sums)
	if sums == nil {
		sums = make(map[uint32]uint32)
	}
	return &Writer{book: b, put: put, sums: sums}
}

// Has reports whether the last committed checkpoint holds key.
func (b *Book) Has(key uint32) bool { _, ok := b.sums[key]; return ok }

// Page writes the page of key, which is not 0, with the payload that fill
// appends to its argument.
func (w *Writer) Page(key uint32, fill func([]byte) []byte) error {
	sum, err := w.write(key, fill)
	if err == nil {
		w.sums[key] = sum
	}
	return err
}

// Keep drops the pages whose keys keep refuses from the checkpoint.
func (w *Writer) Keep(keep func(key uint32) bool) {
	maps.DeleteFunc(w.sums, func(k, _ uint32) bool { return !keep(k) })
}

// Commit writes the header page and makes this checkpoint the last one.
func (w *Writer) Commit(header []byte) error {
	b := w.book
	_, err := w.write(0, func(p []byte) []byte {
		p = binary.LittleEndian.AppendUint32(p, b.Magic)
		p = binary.LittleEndian.AppendUint32(p, b.Version)
		p = binary.LittleEndian.AppendUint64(p, b.generation+1)
		p = binary.LittleEndian.AppendUint32(p, uint32(len(header)))
		p = append(p, header...)
		p = binary.LittleEndian.AppendUint32(p, uint32(len(w.sums)))
		for _, key := range slices.Sorted(maps.Keys(w.sums)) {
			p = binary.LittleEndian.AppendUint32(p, key)
			p = binary.LittleEndian.AppendUint32(p, w.sums[key])
		}
		return p
	})
	if err == nil {
		b.sums = w.sums
		b.generation++
	}
	return err
}

func (w *Writer) write(key uint32, fill func([]byte) []byte) (uint32, error) {
	p := append(w.buf[:0], make([]byte, frame)...)
	p = fill(p)
	w.buf = p
	binary.LittleEndian.PutUint32(p[4:], key)
	sum := crc32.Checksum(p[4:], castagnoli)
	binary.LittleEndian.PutUint32(p, sum)
	return sum, w.put(key, p)
}

// Reader reads one checkpoint. Its errors other than those of get say that the
// pages cannot be trusted.
type Reader struct {
	Header     []byte // the index's own header
	get        func(uint32) ([]byte, error)
	generation uint64
	sums       map[uint32]uint32
}

// Damage is an error of the pages, not of reading them.
type Damage string

func (d Damage) Error() string { return string(d) }

// Open reads the header page of an index of the given kind and version.
func Open(get func(key uint32) ([]byte, error), magic, version uint32) (*Reader, error) {
	raw, err := get(0)
	if err != nil {
		return nil, err
	}
	if raw == nil {
		return nil, Damage("there is no header page")
	}
	p, _, err := unframe(raw, 0)
	if err != nil {
		return nil, err
	}
	if len(p) < 20 {
		return nil, Damage("the header page is cut")
	}
	if m := binary.LittleEndian.Uint32(p); m != magic {
		return nil, Damage(fmt.Sprintf("the pages belong to another kind of index (%#x)", m))
	}
	if v := binary.LittleEndian.Uint32(p[4:]); v != version {
		return nil, Damage(fmt.Sprintf("the pages are of version %d, this program reads %d", v, version))
	}
	r := &Reader{get: get, generation: binary.LittleEndian.Uint64(p[8:])}
	n := binary.LittleEndian.Uint32(p[16:])
	p = p[20:]
	if n > maxHeader || uint64(len(p)) < uint64(n)+4 {
		return nil, Damage("the header page is cut")
	}
	r.Header, p = slices.Clone(p[:n]), p[n:]
	count := binary.LittleEndian.Uint32(p)
	p = p[4:]
	if uint64(len(p)) != uint64(count)*8 {
		return nil, Damage("the header page is cut")
	}
	r.sums = make(map[uint32]uint32, count)
	last := uint32(0)
	for i := range int(count) {
		key := binary.LittleEndian.Uint32(p[i*8:])
		if key <= last {
			return nil, Damage("the keys of the header page are out of order")
		}
		last = key
		r.sums[key] = binary.LittleEndian.Uint32(p[i*8+4:])
	}
	return r, nil
}

// Has reports whether the checkpoint holds key.
func (r *Reader) Has(key uint32) bool { _, ok := r.sums[key]; return ok }

// Page returns the payload of key, which must have size bytes where size is
// not negative. It is valid as long as what get returned.
func (r *Reader) Page(key uint32, size int) ([]byte, error) {
	raw, err := r.Fetch(key)
	if err != nil {
		return nil, err
	}
	return r.Payload(key, raw, size)
}

// Fetch reads the page of key without looking at it, for Payload.
func (r *Reader) Fetch(key uint32) ([]byte, error) {
	if !r.Has(key) {
		return nil, Damage(fmt.Sprintf("page %#x is missing", key))
	}
	raw, err := r.get(key)
	if err == nil && raw == nil {
		err = Damage(fmt.Sprintf("page %#x is missing", key))
	}
	return raw, err
}

// Payload checks what Fetch read and returns its payload, as Page does. It may
// be called from several goroutines.
func (r *Reader) Payload(key uint32, raw []byte, size int) ([]byte, error) {
	p, sum, err := unframe(raw, key)
	if err != nil {
		return nil, err
	}
	if sum != r.sums[key] {
		return nil, Damage(fmt.Sprintf("page %#x is not of this checkpoint", key))
	}
	if size >= 0 && len(p) != size {
		return nil, Damage(fmt.Sprintf("page %#x has %d bytes, want %d", key, len(p), size))
	}
	return p, nil
}

// Book returns the book of the checkpoint, to write the next one on top.
func (r *Reader) Book(magic, version uint32) Book {
	return Book{Magic: magic, Version: version, generation: r.generation, sums: r.sums}
}

func unframe(raw []byte, key uint32) ([]byte, uint32, error) {
	if len(raw) < frame {
		return nil, 0, Damage(fmt.Sprintf("page %#x is cut", key))
	}
	sum := binary.LittleEndian.Uint32(raw)
	if crc32.Checksum(raw[4:], castagnoli) != sum {
		return nil, 0, Damage(fmt.Sprintf("page %#x has a wrong checksum", key))
	}
	if binary.LittleEndian.Uint32(raw[4:]) != key {
		return nil, 0, Damage(fmt.Sprintf("page %#x lies under another key", key))
	}
	return raw[frame:], sum, nil
}
