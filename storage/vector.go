package storage

import (
	"encoding/binary"
	"fmt"
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
