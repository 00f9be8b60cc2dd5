package storage

import (
	"encoding/binary"
	"fmt"
	"iter"
	"strconv"
)

// NextSlot hands out a slot: the lowest one that was released, or else the one
// after the highest ever used.
func (t *Tx) NextSlot() (uint32, error) {
	if err := t.open(true); err != nil {
		return 0, err
	}
	st, err := t.state()
	if err != nil {
		return 0, err
	}
	if st.freeSlots > 0 {
		return t.reuseSlot(st)
	}
	if st.slotLimit > 1<<32-1 {
		return 0, fmt.Errorf("%w: all 2^32 are in use", ErrSlot)
	}
	slot := uint32(st.slotLimit)
	st.slotLimit++
	t.changed()
	return slot, nil
}

func (t *Tx) reuseSlot(st *state) (uint32, error) {
	_, k, v, err := t.seek(bucketFree, nil)
	if err != nil {
		return 0, err
	}
	if k == nil {
		return 0, corrupt(bucketFree, "list", "it is empty, %d are counted", st.freeSlots)
	}
	slot, err := decodeFree(k, v)
	if err != nil {
		return 0, located(err, bucketFree, number(k))
	}
	id, err := t.slotID(slot)
	if err != nil {
		return 0, err
	}
	if uint64(slot) >= st.slotLimit || id != "" {
		return 0, corrupt(bucketFree, number(k), "it is in use or was never handed out")
	}
	if err := t.delete(bucketFree, key32(slot)); err != nil {
		return 0, err
	}
	st.freeSlots--
	t.changed()
	return slot, nil
}

// ReleaseSlot lets NextSlot hand out slot again. The slot must hold no record;
// releasing a free slot does nothing.
func (t *Tx) ReleaseSlot(slot uint32) error {
	if err := t.open(true); err != nil {
		return err
	}
	st, err := t.state()
	if err != nil {
		return err
	}
	id, err := t.slotID(slot)
	if err != nil {
		return err
	}
	switch {
	case uint64(slot) >= st.slotLimit:
		return fmt.Errorf("%w: %d was never handed out", ErrSlot, slot)
	case id != "":
		return fmt.Errorf("%w: %d holds record %q", ErrSlot, slot, id)
	}
	free, err := t.get(bucketFree, key32(slot))
	if err != nil || free != nil {
		return err
	}
	if err := t.DeleteVector(slot); err != nil {
		return err
	}
	st.freeSlots++
	t.changed()
	return t.put(bucketFree, key32(slot), seal(key32(slot), nil))
}

// decodeFree: the value of a free slot is nothing but the checksum of its key.
func decodeFree(key, value []byte) (uint32, error) {
	if body, err := unseal(key, value); err != nil || len(key) != 4 || len(body) != 0 {
		return 0, damaged("its checksum does not match")
	}
	return binary.BigEndian.Uint32(key), nil
}

// SlotLimit is one more than the highest slot ever handed out.
func (t *Tx) SlotLimit() uint32 {
	if err := t.open(false); err != nil {
		t.fail(err)
		return 0
	}
	st, err := t.state()
	if err != nil {
		t.fail(err)
		return 0
	}
	return uint32(min(st.slotLimit, 1<<32-1))
}

// RetiredSlots yields, in rising order, the slots that were handed out, hold
// no record and were not released: those of deleted records that an index
// still routes through, and those whose release a crash prevented.
func (t *Tx) RetiredSlots() iter.Seq[uint32] {
	return func(yield func(uint32) bool) {
		if err := t.retiredSlots(yield); err != nil {
			t.fail(err)
		}
	}
}

func (t *Tx) retiredSlots(yield func(uint32) bool) error {
	if err := t.open(false); err != nil {
		return err
	}
	st, err := t.state()
	if err != nil {
		return err
	}
	used, u, _, err := t.seek(bucketSlots, nil)
	if err != nil {
		return err
	}
	free, f, _, err := t.seek(bucketFree, nil)
	if err != nil {
		return err
	}
	for slot := uint64(0); slot < st.slotLimit; slot++ {
		switch {
		case slotKey(u) < slot || slotKey(f) < slot:
			return corrupt(bucketSlots, strconv.FormatUint(slot, 10), "the slots before it are out of order")
		case slotKey(u) == slot:
			u, _, err = t.next(bucketSlots, used)
		case slotKey(f) == slot:
			f, _, err = t.next(bucketFree, free)
		default:
			if !yield(uint32(slot)) || t.b == nil {
				return nil
			}
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// slotKey is the slot of a key, beyond all slots at the end of a bucket.
func slotKey(k []byte) uint64 {
	switch len(k) {
	case 0:
		return 1 << 32
	case 4:
		return uint64(binary.BigEndian.Uint32(k))
	}
	return 0 // out of order wherever it stands
}

// slotID is the id of the record in slot, "" when there is none.
func (t *Tx) slotID(slot uint32) (string, error) {
	binary.BigEndian.PutUint32(t.key[:4], slot)
	v, err := t.get(bucketSlots, t.key[:4])
	return string(v), err
}
