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

// vectorSet is one of the two sets of vectors of a file: the one that is
// served, and the one that is being made beside it.
type vectorSet struct {
	place                   int // servedSet or nextSet
	bucket                  bucketID
	dim, rows, count, bytes *uint64 // fields of the state
}

const (
	servedSet = iota
	nextSet
)

// set describes a set of vectors. Which bucket holds it changes with every
// switch.
func (s *state) set(place int) vectorSet {
	bucket := bucketVectors
	if (s.served == 0) != (place == servedSet) {
		bucket = bucketVectors2
	}
	if place == servedSet {
		return vectorSet{place, bucket, &s.dim, &s.rows, &s.vectors, &s.vectorBytes}
	}
	return vectorSet{place, bucket, &s.nextDim, &s.nextRows, &s.nextVectors, &s.nextBytes}
}

// PutVector stores the vector of a slot, replacing the one that was there. The
// first vector fixes the dimension of all (ErrDimension). Components are kept
// bit by bit; what they mean is not looked at.
func (t *Tx) PutVector(slot uint32, v []float32) error {
	st, err := t.writing()
	if err != nil {
		return err
	}
	return t.putVector(st, st.set(servedSet), slot, v)
}

func (t *Tx) putVector(st *state, set vectorSet, slot uint32, v []float32) error {
	switch {
	case len(v) == 0 || len(v) > MaxDim:
		return fmt.Errorf("%w: %d components (1 to %d)", ErrDimension, len(v), MaxDim)
	case *set.dim != 0 && uint64(len(v)) != *set.dim:
		return fmt.Errorf("%w: %d components, the database has %d", ErrDimension, len(v), *set.dim)
	case uint64(slot) >= st.slotLimit:
		return fmt.Errorf("%w: %d was never handed out", ErrSlot, slot)
	}
	if *set.dim == 0 {
		*set.dim, *set.rows = uint64(len(v)), uint64(rowsFor(len(v)))
		t.changed()
	}
	p, err := t.vectorPage(set, slot, true)
	if err != nil {
		return err
	}
	row := int(slot) % p.rows
	if !p.has(row) {
		*set.count++
		t.changed()
	}
	p.set(row, slot, v)
	return nil
}

// DeleteVector overwrites the vector of a slot with zeros and forgets it, and
// so with the one beside it. A slot without a vector is no error.
func (t *Tx) DeleteVector(slot uint32) error {
	st, err := t.writing()
	if err != nil {
		return err
	}
	if err := t.deleteVector(st.set(servedSet), slot); err != nil {
		return err
	}
	return t.deleteVector(st.set(nextSet), slot)
}

func (t *Tx) deleteVector(set vectorSet, slot uint32) error {
	if *set.dim == 0 {
		return nil
	}
	if p, err := t.readVectorPage(set, slot); err != nil || p.data == nil || !p.has(int(slot)%p.rows) {
		return err
	}
	p, err := t.vectorPage(set, slot, false)
	if err != nil {
		return err
	}
	p.clear(int(slot) % p.rows)
	*set.count -= min(1, *set.count)
	t.changed()
	return nil
}

// Vector appends the vector of a slot to dst[:0] and returns it, or false when
// the slot holds none. It allocates nothing when dst has room for Dim
// components, and verifies the checksum of the one row it reads.
func (t *Tx) Vector(slot uint32, dst []float32) ([]float32, bool, error) {
	st, err := t.counters()
	if err != nil {
		return dst[:0], false, err
	}
	return t.vector(st.set(servedSet), slot, dst)
}

func (t *Tx) vector(set vectorSet, slot uint32, dst []float32) ([]float32, bool, error) {
	if *set.dim == 0 {
		return dst[:0], false, nil
	}
	p, err := t.readVectorPage(set, slot)
	if err != nil || p.data == nil {
		return dst[:0], false, err
	}
	row := int(slot) % p.rows
	if !p.has(row) {
		return dst[:0], false, nil
	}
	dst, err = t.readRow(p, set.bucket, row, slot, dst)
	return dst, err == nil, err
}

// readRow copies a row out of a page; the guard covers pages that the disk
// cannot give.
func (t *Tx) readRow(p vectorPage, b bucketID, row int, slot uint32, dst []float32) (_ []float32, err error) {
	defer t.guard(&err, b)
	if !p.verify(row, slot) {
		return dst[:0], corrupt(b, number(key32(slot/uint32(p.rows))), "the checksum of slot %d does not match", slot)
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
		set := st.set(servedSet)
		buf := make([]float32, 0, st.dim)
		stop, n := false, uint64(0)
		err = t.scan(set.bucket, nil, func(k, v []byte) bool {
			p, err := t.parseVectorPage(set, k, v)
			if err != nil {
				t.fail(located(err, set.bucket, number(k)))
				return true
			}
			for present := p.present(); present != 0; present &= present - 1 {
				row := bits.TrailingZeros64(present)
				slot := p.first + uint32(row)
				if buf, err = t.readRow(p, set.bucket, row, slot, buf); err != nil {
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
			err = corrupt(set.bucket, "walk", "%d vectors were met, %d are counted", n, st.vectors)
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

// writing is state for methods that change it.
func (t *Tx) writing() (*state, error) {
	if err := t.open(true); err != nil {
		return nil, err
	}
	return t.state()
}

// readVectorPage returns the page of a slot for reading, with nil data when
// there is none.
func (t *Tx) readVectorPage(set vectorSet, slot uint32) (vectorPage, error) {
	page := slot / uint32(*set.rows)
	if data := t.vectors[set.place][page]; data != nil {
		return vectorPage{data: data, rows: int(*set.rows), dim: int(*set.dim), first: page * uint32(*set.rows)}, nil
	}
	binary.BigEndian.PutUint32(t.key[:4], page)
	v, err := t.get(set.bucket, t.key[:4])
	if v == nil || err != nil {
		return vectorPage{}, err
	}
	p, err := t.parseVectorPage(set, t.key[:4], v)
	if err != nil {
		return p, located(err, set.bucket, number(key32(page)))
	}
	return p, nil
}

// vectorPage returns the page of a slot for changing: a copy that flushVectors
// puts. Without create the page must be there.
func (t *Tx) vectorPage(set vectorSet, slot uint32, create bool) (vectorPage, error) {
	page := slot / uint32(*set.rows)
	changed := t.vectors[set.place]
	if changed[page] == nil {
		p, err := t.readVectorPage(set, slot)
		if err != nil {
			return p, err
		}
		data := slices.Clone(p.data)
		if data == nil {
			if !create {
				return p, corrupt(set.bucket, number(key32(page)), "it is missing")
			}
			data = newVectorPage(int(*set.rows), int(*set.dim))
		}
		if changed == nil {
			changed = make(map[uint32][]byte)
			t.vectors[set.place] = changed
		}
		changed[page] = data
	}
	return vectorPage{data: changed[page], rows: int(*set.rows), dim: int(*set.dim), first: page * uint32(*set.rows)}, nil
}

// flushVectors puts the changed pages, in order, each of them once however
// many of its rows have changed.
func (t *Tx) flushVectors() error {
	for place, changed := range t.vectors {
		if len(changed) == 0 {
			continue
		}
		pages := make([]uint32, 0, len(changed))
		for page := range changed {
			pages = append(pages, page)
		}
		slices.Sort(pages)
		st, err := t.state()
		if err != nil {
			return err
		}
		for _, page := range pages {
			if err := t.putVectorPage(st.set(place), page); err != nil {
				return err
			}
		}
		t.vectors[place] = nil
		t.changed()
	}
	return nil
}

func (t *Tx) putVectorPage(set vectorSet, page uint32) error {
	key := key32(page)
	old, err := t.get(set.bucket, key)
	if err != nil {
		return err
	}
	*set.bytes -= min(uint64(len(old)), *set.bytes)
	p := vectorPage{data: t.vectors[set.place][page], rows: int(*set.rows), dim: int(*set.dim)}
	if p.present() == 0 {
		if old == nil {
			return nil
		}
		return t.delete(set.bucket, key)
	}
	p.sign(key)
	*set.bytes += uint64(len(p.data))
	return t.put(set.bucket, key, p.data)
}
