package storage

import (
	"encoding/binary"
	"fmt"
	"hash/crc32"
	"iter"
	"math/bits"
	"slices"
)

// MaxDim is the largest number of components a vector can have.
const MaxDim = 1 << 16

// PutVector stores the vector of a slot, replacing the one that was there. The
// first vector fixes the dimension of all (ErrDimension). Components are kept
// bit by bit; what they mean is not looked at.
func (t *Tx) PutVector(slot uint32, v []float32) error {
	if err := t.open(true); err != nil {
		return err
	}
	st, err := t.state()
	if err != nil {
		return err
	}
	switch {
	case len(v) == 0 || len(v) > MaxDim:
		return fmt.Errorf("%w: %d components (1 to %d)", ErrDimension, len(v), MaxDim)
	case st.dim != 0 && uint64(len(v)) != st.dim:
		return fmt.Errorf("%w: %d components, the database has %d", ErrDimension, len(v), st.dim)
	case uint64(slot) >= st.slotLimit:
		return fmt.Errorf("%w: %d was never handed out", ErrSlot, slot)
	}
	if st.dim == 0 {
		st.dim, st.rows = uint64(len(v)), uint64(rowsFor(len(v)))
		t.changed()
	}
	p, err := t.vectorPage(st, slot, true)
	if err != nil {
		return err
	}
	row := int(slot) % p.rows
	if !p.has(row) {
		st.vectors++
		t.changed()
	}
	p.set(row, slot, v)
	return nil
}

// DeleteVector overwrites the vector of a slot with zeros and forgets it. A
// slot without a vector is no error.
func (t *Tx) DeleteVector(slot uint32) error {
	if err := t.open(true); err != nil {
		return err
	}
	st, err := t.state()
	if err != nil || st.dim == 0 {
		return err
	}
	if p, err := t.readVectorPage(st, slot); err != nil || p.data == nil || !p.has(int(slot)%p.rows) {
		return err
	}
	p, err := t.vectorPage(st, slot, false)
	if err != nil {
		return err
	}
	p.clear(int(slot) % p.rows)
	st.vectors -= min(1, st.vectors)
	t.changed()
	return nil
}

// Vector appends the vector of a slot to dst[:0] and returns it, or false when
// the slot holds none. It allocates nothing when dst has room for Dim
// components, and verifies the checksum of the one row it reads.
func (t *Tx) Vector(slot uint32, dst []float32) ([]float32, bool, error) {
	if err := t.open(false); err != nil {
		return dst[:0], false, err
	}
	st, err := t.state()
	if err != nil || st.dim == 0 {
		return dst[:0], false, err
	}
	p, err := t.readVectorPage(st, slot)
	if err != nil || p.data == nil {
		return dst[:0], false, err
	}
	row := int(slot) % p.rows
	if !p.has(row) {
		return dst[:0], false, nil
	}
	dst, err = t.readRow(p, row, slot, dst)
	return dst, err == nil, err
}

// readRow copies a row out of a page; the guard covers pages that the disk
// cannot give.
func (t *Tx) readRow(p vectorPage, row int, slot uint32, dst []float32) (_ []float32, err error) {
	defer t.guard(&err, bucketVectors)
	if !p.verify(row, slot) {
		return dst[:0], corrupt(bucketVectors, number(key32(slot/uint32(p.rows))), "the checksum of slot %d does not match", slot)
	}
	return p.appendRow(row, dst[:0]), nil
}

// Vectors yields every stored vector by rising slot. The slice is valid during
// the step. A damaged page or row is left out and fails the transaction (see
// Err).
func (t *Tx) Vectors() iter.Seq2[uint32, []float32] {
	return func(yield func(uint32, []float32) bool) {
		if err := t.open(false); err != nil {
			t.fail(err)
			return
		}
		st, err := t.state()
		if err != nil || st.dim == 0 {
			t.fail(err)
			return
		}
		if err := t.flushVectors(); err != nil {
			t.fail(err)
			return
		}
		buf := make([]float32, 0, st.dim)
		stop, n := false, uint64(0)
		err = t.scan(bucketVectors, nil, func(k, v []byte) bool {
			p, err := t.parseVectorPage(st, k, v)
			if err != nil {
				t.fail(located(err, bucketVectors, number(k)))
				return true
			}
			for set := p.present(); set != 0; set &= set - 1 {
				row := bits.TrailingZeros64(set)
				slot := p.first + uint32(row)
				if buf, err = t.readRow(p, row, slot, buf); err != nil {
					t.fail(err)
					continue
				}
				n++
				if stop = !yield(slot, buf) || t.b == nil; stop {
					return false
				}
			}
			return true
		})
		if err == nil && !stop && n != st.vectors {
			err = corrupt(bucketVectors, "walk", "%d vectors were met, %d are counted", n, st.vectors)
		}
		if err != nil {
			t.fail(err)
		}
	}
}

// Dim is the number of components of the stored vectors, 0 before the first.
func (t *Tx) Dim() int {
	st, err := t.counters()
	if err != nil {
		t.fail(err)
		return 0
	}
	return int(st.dim)
}

// VectorCount is the number of stored vectors.
func (t *Tx) VectorCount() int {
	st, err := t.counters()
	if err != nil {
		t.fail(err)
		return 0
	}
	return int(st.vectors)
}

// counters is state for methods that only read it.
func (t *Tx) counters() (*state, error) {
	if err := t.open(false); err != nil {
		return nil, err
	}
	return t.state()
}

// readVectorPage returns the page of a slot for reading, with nil data when
// there is none.
func (t *Tx) readVectorPage(st *state, slot uint32) (vectorPage, error) {
	page := slot / uint32(st.rows)
	if data := t.vectors[page]; data != nil {
		return vectorPage{data: data, rows: int(st.rows), dim: int(st.dim), first: page * uint32(st.rows)}, nil
	}
	binary.BigEndian.PutUint32(t.key[:4], page)
	v, err := t.get(bucketVectors, t.key[:4])
	if v == nil || err != nil {
		return vectorPage{}, err
	}
	p, err := t.parseVectorPage(st, t.key[:4], v)
	if err != nil {
		return p, located(err, bucketVectors, number(key32(page)))
	}
	return p, nil
}

// vectorPage returns the page of a slot for changing: a copy that flushVectors
// puts. Without create the page must be there.
func (t *Tx) vectorPage(st *state, slot uint32, create bool) (vectorPage, error) {
	page := slot / uint32(st.rows)
	if t.vectors[page] == nil {
		p, err := t.readVectorPage(st, slot)
		if err != nil {
			return p, err
		}
		data := slices.Clone(p.data)
		if data == nil {
			if !create {
				return p, corrupt(bucketVectors, number(key32(page)), "it is missing")
			}
			data = newVectorPage(int(st.rows), int(st.dim))
		}
		if t.vectors == nil {
			t.vectors = make(map[uint32][]byte)
		}
		t.vectors[page] = data
	}
	return vectorPage{data: t.vectors[page], rows: int(st.rows), dim: int(st.dim), first: page * uint32(st.rows)}, nil
}

// flushVectors puts the changed pages, in order, each of them once however
// many of its rows have changed.
func (t *Tx) flushVectors() error {
	if len(t.vectors) == 0 {
		return nil
	}
	pages := make([]uint32, 0, len(t.vectors))
	for page := range t.vectors {
		pages = append(pages, page)
	}
	slices.Sort(pages)
	st, err := t.state()
	if err != nil {
		return err
	}
	for _, page := range pages {
		if err := t.putVectorPage(st, page); err != nil {
			return err
		}
	}
	t.vectors = nil
	t.changed()
	return nil
}

func (t *Tx) putVectorPage(st *state, page uint32) error {
	key := key32(page)
	old, err := t.get(bucketVectors, key)
	if err != nil {
		return err
	}
	st.vectorBytes -= min(uint64(len(old)), st.vectorBytes)
	p := vectorPage{data: t.vectors[page], rows: int(st.rows), dim: int(st.dim)}
	if p.present() == 0 {
		if old == nil {
			return nil
		}
		return t.delete(bucketVectors, key)
	}
	p.sign(key)
	st.vectorBytes += uint64(len(p.data))
	return t.put(bucketVectors, key, p.data)
}

// parseVectorPage checks the head of a page; rows are verified one by one.
func (t *Tx) parseVectorPage(st *state, key, value []byte) (p vectorPage, err error) {
	defer t.guard(&err, bucketVectors)
	p = vectorPage{data: value, rows: int(st.rows), dim: int(st.dim)}
	if len(key) != 4 {
		return p, damaged("key of %d bytes", len(key))
	}
	page := binary.BigEndian.Uint32(key)
	if uint64(page)*st.rows > 1<<32-1 {
		return p, damaged("its number is too high")
	}
	p.first = page * uint32(st.rows)
	return p, p.check(key)
}

// A vectorPage is the value that holds the vectors of rows slots, of which the
// first is a multiple of rows:
//
//	 0  version (1), one byte
//	 1  zero, one byte
//	 2  rows, uint16
//	 4  components of a vector, uint32
//	 8  presence, uint64: bit i is set when row i holds a vector
//	16  CRC-32C of each row, rows x uint32, 0 for an empty row
//	 …  CRC-32C of the key and all before it
//	 …  rows x components x float32, empty rows zero
//
// Numbers are little-endian. Each row has its own checksum, seeded with its
// slot, since re-ranking reads one row here and one there.
type vectorPage struct {
	data  []byte
	rows  int
	dim   int
	first uint32 // slot of row 0
}

const (
	vectorPageVersion = 1
	maxRows           = 64
)

// headSize is where the rows of a page begin.
func headSize(rows int) int { return 16 + 4*rows + sumSize }

// rowsFor chooses how many vectors share a page. bbolt puts two to four large
// values on a leaf, rewrites the leaf whole, and wastes what is left of its
// last 4 KiB: more rows waste less space, fewer make single inserts write
// less. Of the counts that stay within 16 KiB the one that wastes least wins;
// docs/format.md has the measurements.
func rowsFor(dim int) int {
	const most = 16 << 10
	best, least := 1, 0.0
	for rows := 1; rows <= maxRows && (rows == 1 || rows*dim*4 <= most); rows++ {
		pair := 16 + 2*(16+4+headSize(rows)+rows*dim*4) // a leaf of two values
		waste := float64((pair+pageSize-1)/pageSize*pageSize) / float64(rows*dim)
		if rows == 1 || waste < least {
			best, least = rows, waste
		}
	}
	return best
}

func newVectorPage(rows, dim int) []byte {
	data := make([]byte, headSize(rows)+rows*dim*4)
	data[0] = vectorPageVersion
	binary.LittleEndian.PutUint16(data[2:], uint16(rows))
	binary.LittleEndian.PutUint32(data[4:], uint32(dim))
	return data
}

func (p vectorPage) check(key []byte) error {
	head := headSize(p.rows)
	switch {
	case len(p.data) != head+p.rows*p.dim*4:
		return damaged("it has %d bytes, not %d", len(p.data), head+p.rows*p.dim*4)
	case binary.LittleEndian.Uint32(p.data[head-sumSize:]) != checksum(key, p.data[:head-sumSize]):
		return damaged("checksum does not match")
	case p.data[0] != vectorPageVersion || p.data[1] != 0,
		int(binary.LittleEndian.Uint16(p.data[2:])) != p.rows,
		int(binary.LittleEndian.Uint32(p.data[4:])) != p.dim:
		return damaged("its head is of another version or shape")
	case p.rows < 64 && p.present()>>p.rows != 0:
		return damaged("it has more vectors than rows")
	}
	return nil
}

// sign writes the checksum of the head.
func (p vectorPage) sign(key []byte) {
	head := headSize(p.rows) - sumSize
	binary.LittleEndian.PutUint32(p.data[head:], checksum(key, p.data[:head]))
}

func (p vectorPage) present() uint64    { return binary.LittleEndian.Uint64(p.data[8:]) }
func (p vectorPage) has(row int) bool   { return p.present()>>row&1 != 0 }
func (p vectorPage) sum(row int) []byte { return p.data[16+4*row : 20+4*row] }

func (p vectorPage) row(row int) []byte {
	size := p.dim * 4
	start := headSize(p.rows) + row*size
	return p.data[start : start+size]
}

// rowSum is the CRC-32C of a row, begun with the slot instead of zero so that
// a row in the wrong place does not pass.
func rowSum(slot uint32, row []byte) uint32 {
	return crc32.Update(slot, castagnoli, row)
}

func (p vectorPage) verify(row int, slot uint32) bool {
	return binary.LittleEndian.Uint32(p.sum(row)) == rowSum(slot, p.row(row))
}

func (p vectorPage) set(row int, slot uint32, v []float32) {
	binary.LittleEndian.PutUint64(p.data[8:], p.present()|1<<row)
	b := p.row(row)
	putFloats(b, v)
	binary.LittleEndian.PutUint32(p.sum(row), rowSum(slot, b))
}

func (p vectorPage) clear(row int) {
	binary.LittleEndian.PutUint64(p.data[8:], p.present()&^(1<<row))
	clear(p.row(row))
	clear(p.sum(row))
}

func (p vectorPage) appendRow(row int, dst []float32) []float32 {
	return appendFloats(dst, p.row(row))
}
