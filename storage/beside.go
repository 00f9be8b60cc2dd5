package storage

import (
	"fmt"

	"go.etcd.io/bbolt"
)

// Beside the vectors that are served a file can hold a second set, of another
// model and another dimension, by the same slots. It grows while the first one
// goes on serving, and SwitchVectors puts it in the first one's place. What
// deletes a vector deletes the one beside it too, so the second set never
// holds a slot that the first does not.

// PutNextVector stores the vector beside that of a slot, which must hold one.
// The first vector fixes the dimension of all (ErrDimension).
func (t *Tx) PutNextVector(slot uint32, v []float32) error {
	st, err := t.writing()
	if err != nil {
		return err
	}
	if has, err := t.hasVector(st.set(servedSet), slot); err != nil {
		return err
	} else if !has {
		return fmt.Errorf("%w: %d holds no vector that another could lie beside", ErrSlot, slot)
	}
	return t.putVector(st, st.set(nextSet), slot, v)
}

// DeleteNextVector overwrites the vector beside that of a slot with zeros and
// forgets it. There need not be one.
func (t *Tx) DeleteNextVector(slot uint32) error {
	st, err := t.writing()
	if err != nil {
		return err
	}
	return t.deleteVector(st.set(nextSet), slot)
}

// NextVector is Vector for the set beside the served one.
func (t *Tx) NextVector(slot uint32, dst []float32) ([]float32, bool, error) {
	st, err := t.counters()
	if err != nil {
		return dst[:0], false, err
	}
	return t.vector(st.set(nextSet), slot, dst)
}

// HasNextVector reports whether a vector lies beside that of a slot, without
// reading it.
func (t *Tx) HasNextVector(slot uint32) (bool, error) {
	st, err := t.counters()
	if err != nil {
		return false, err
	}
	return t.hasVector(st.set(nextSet), slot)
}

func (t *Tx) hasVector(set vectorSet, slot uint32) (bool, error) {
	if *set.dim == 0 {
		return false, nil
	}
	p, err := t.readVectorPage(set, slot)
	if err != nil || p.data == nil {
		return false, err
	}
	return p.has(int(slot) % p.rows), nil
}

// NextVectorCount is the number of vectors beside the served ones.
func (t *Tx) NextVectorCount() int {
	st, err := t.counters()
	if err != nil {
		t.fail(err)
		return 0
	}
	return int(st.nextVectors)
}

// DropVectors removes all vectors, also those beside the served ones: the next
// one that is put fixes the dimension anew. Slots keep their records, if any.
func (t *Tx) DropVectors() error {
	if err := t.DropNextVectors(); err != nil {
		return err
	}
	st, err := t.writing()
	if err != nil {
		return err
	}
	t.vectors[servedSet] = nil
	if err := t.emptyBucket(st.set(servedSet).bucket); err != nil {
		return err
	}
	st.dim, st.rows, st.vectors, st.vectorBytes = 0, 0, 0, 0
	t.changed()
	return nil
}

// DropNextVectors removes all vectors beside the served ones.
func (t *Tx) DropNextVectors() error {
	st, err := t.writing()
	if err != nil {
		return err
	}
	t.vectors[nextSet] = nil
	if err := t.emptyBucket(st.set(nextSet).bucket); err != nil {
		return err
	}
	st.nextDim, st.nextRows, st.nextVectors, st.nextBytes = 0, 0, 0, 0
	t.changed()
	return nil
}

// SwitchVectors puts the vectors beside the served ones in their place, and
// removes those that were served. Both sets must have the same slots. However
// many vectors there are, what is written is the new state and the list of
// pages that became free.
func (t *Tx) SwitchVectors() error {
	st, err := t.writing()
	if err != nil {
		return err
	}
	if st.nextVectors != st.vectors {
		return fmt.Errorf("%w: of %d vectors %d lie beside the served ones", ErrInvalid, st.vectors, st.nextVectors)
	}
	if err := t.flushVectors(); err != nil {
		return err
	}
	if err := t.emptyBucket(st.set(servedSet).bucket); err != nil {
		return err
	}
	st.served = 1 - st.served
	st.dim, st.rows, st.vectors, st.vectorBytes = st.nextDim, st.nextRows, st.nextVectors, st.nextBytes
	st.nextDim, st.nextRows, st.nextVectors, st.nextBytes = 0, 0, 0, 0
	t.changed()
	return nil
}

// emptyBucket removes every key of a top-level bucket.
func (t *Tx) emptyBucket(b bucketID) (err error) {
	defer t.guard(&err, b)
	t.buckets[b], t.cursors[b] = nil, nil
	t.dirty = true
	if err := t.b.DeleteBucket(b.name()); err != nil {
		return fmt.Errorf("emptying %s: %w", b.name(), err)
	}
	var made *bbolt.Bucket
	if made, err = t.b.CreateBucket(b.name()); err != nil {
		return fmt.Errorf("emptying %s: %w", b.name(), err)
	}
	made.FillPercent = b.fill()
	return nil
}

// RelabelModel gives the records of one model fingerprint another one, in the
// table of models: none of them is written.
func (t *Tx) RelabelModel(from, to string) error {
	if err := t.open(true); err != nil {
		return err
	}
	if from == "" || to == "" || len(to) > MaxModel {
		return fmt.Errorf("%w: model fingerprint of %d bytes (1 to %d)", ErrInvalid, len(to), MaxModel)
	}
	if err := t.loadModels(); err != nil {
		return err
	}
	models := append([]string{}, t.models...)
	for i, name := range models {
		if name != from {
			continue
		}
		key := key32(uint32(i + 1))
		if err := t.put(bucketModels, key, seal(key, []byte(to))); err != nil {
			return err
		}
		models[i] = to
	}
	t.models = models
	return nil
}
