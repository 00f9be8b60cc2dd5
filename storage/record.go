package storage

import (
	"fmt"
	"iter"
	"time"
	"unicode/utf8"
)

// Limits of a record.
const (
	MaxID      = 1024    // bytes
	MaxCaption = 1 << 20 // bytes
	MaxAttrs   = 1 << 20 // bytes, as the caller has encoded them
	MaxModel   = 256     // bytes of a model fingerprint
	MaxFormat  = 32      // bytes of the name of an image format

	MaxMeasure = 1<<31 - 1 // pixels of width and height, and frames
)

// Record is one item: everything but its vector and its image bytes.
type Record struct {
	ID      string // 1 to MaxID bytes of UTF-8
	Slot    uint32 // from NextSlot
	Caption string // UTF-8
	Attrs   []byte // encoded by the caller
	Created time.Time
	Updated time.Time // times are kept to the nanosecond, in UTC, from 1678 to 2261
	Model   string    // fingerprint of the model that made the vector
	Image   *ImageRef // nil for a record without image
}

// ImageRef tells of the image of a record, whether its bytes are kept or not.
type ImageRef struct {
	SHA256    [32]byte // of the original bytes, also when they are not kept
	Format    string   // "jpeg", "png", ...
	Width     int      // pixels, upright
	Height    int
	Size      int64 // of the original, in bytes
	Frames    int
	Blob      Hash // zero when the original is not kept
	Thumbnail Hash // zero when there is none
}

// Record returns the record of an id, or ErrNotFound.
func (t *Tx) Record(id string) (*Record, error) {
	r, err := t.record(id)
	if r == nil && err == nil {
		err = fmt.Errorf("record %q: %w", id, ErrNotFound)
	}
	return r, err
}

// record is nil when there is none.
func (t *Tx) record(id string) (*Record, error) {
	if err := t.open(false); err != nil || id == "" {
		return nil, err
	}
	v, err := t.get(bucketRecords, []byte(id))
	if v == nil || err != nil {
		return nil, err
	}
	return t.decode(id, v)
}

func (t *Tx) decode(id string, value []byte) (r *Record, err error) {
	defer t.guard(&err, bucketRecords)
	r, model, err := decodeRecord(id, value, &t.s.zstd)
	if err != nil {
		return nil, located(err, bucketRecords, fmt.Sprintf("%q", id))
	}
	if r.Model, err = t.modelName(model); err != nil {
		return nil, err
	}
	return r, nil
}

// RecordAt returns the record in a slot, or ErrNotFound.
func (t *Tx) RecordAt(slot uint32) (*Record, error) {
	if err := t.open(false); err != nil {
		return nil, err
	}
	id, err := t.slotID(slot)
	if err != nil {
		return nil, err
	}
	if id == "" {
		return nil, fmt.Errorf("slot %d: %w", slot, ErrNotFound)
	}
	r, err := t.record(id)
	switch {
	case err != nil:
		return nil, err
	case r == nil:
		return nil, corrupt(bucketSlots, number(key32(slot)), "it names record %q, which is not there", id)
	case r.Slot != slot:
		return nil, corrupt(bucketSlots, number(key32(slot)), "it names record %q, which is in slot %d", id, r.Slot)
	}
	return r, nil
}

// HasRecordAt reports whether a slot holds a record, without reading it.
func (t *Tx) HasRecordAt(slot uint32) (bool, error) {
	if err := t.open(false); err != nil {
		return false, err
	}
	id, err := t.slotID(slot)
	return id != "", err
}

// PutRecord stores a record under its id. Its slot must come from NextSlot,
// its blobs from PutBlob or another record. A record that had the id before is
// replaced: its blobs are released, and when its slot differs, that slot loses
// its mapping and its vector, and counts as retired until ReleaseSlot.
func (t *Tx) PutRecord(r *Record) error {
	if err := t.open(true); err != nil {
		return err
	}
	if err := r.validate(); err != nil {
		return err
	}
	if err := t.claim(r); err != nil {
		return err
	}
	old, err := t.record(r.ID)
	if err != nil {
		return err
	}
	if err := t.referBlobs(r, 1); err != nil {
		return err
	}
	if old != nil {
		if err := t.forget(old, old.Slot != r.Slot); err != nil {
			return err
		}
	}
	model, err := t.modelNumber(r.Model)
	if err != nil {
		return err
	}
	value, err := encodeRecord(r, model, &t.s.zstd)
	if err != nil {
		return err
	}
	st, err := t.state()
	if err != nil {
		return err
	}
	st.records++
	st.recordBytes += uint64(len(r.ID) + len(value))
	t.changed()
	if err := t.put(bucketSlots, key32(r.Slot), []byte(r.ID)); err != nil {
		return err
	}
	return t.put(bucketRecords, []byte(r.ID), value)
}

func (r *Record) validate() error {
	const text = "%w: %s of %d bytes (limit %d)"
	switch {
	case r.ID == "" || len(r.ID) > MaxID:
		return fmt.Errorf("%w: id of %d bytes (1 to %d)", ErrInvalid, len(r.ID), MaxID)
	case !utf8.ValidString(r.ID), !utf8.ValidString(r.Caption), !utf8.ValidString(r.Model):
		return fmt.Errorf("%w: id, caption or model of %.100q is not UTF-8", ErrInvalid, r.ID)
	case len(r.Caption) > MaxCaption:
		return fmt.Errorf(text, ErrTooLarge, "caption", len(r.Caption), MaxCaption)
	case len(r.Attrs) > MaxAttrs:
		return fmt.Errorf(text, ErrTooLarge, "attributes", len(r.Attrs), MaxAttrs)
	case len(r.Model) > MaxModel:
		return fmt.Errorf(text, ErrTooLarge, "model", len(r.Model), MaxModel)
	case !storable(r.Created), !storable(r.Updated):
		return fmt.Errorf("%w: a time of %q is before 1678 or after 2261", ErrInvalid, r.ID)
	}
	if i := r.Image; i != nil {
		switch {
		case len(i.Format) > MaxFormat || !utf8.ValidString(i.Format):
			return fmt.Errorf("%w: image format of %d bytes", ErrInvalid, len(i.Format))
		case i.Size < 0, min(i.Width, i.Height, i.Frames) < 0, max(i.Width, i.Height, i.Frames) > MaxMeasure:
			return fmt.Errorf("%w: image of %q with an impossible measure", ErrInvalid, r.ID)
		}
	}
	return nil
}

// storable reports whether a time fits in 64 bits of nanoseconds.
func storable(t time.Time) bool {
	return t.IsZero() || time.Unix(0, t.UnixNano()).Equal(t)
}

// claim checks that the slot of a record is its to take.
func (t *Tx) claim(r *Record) error {
	st, err := t.state()
	if err != nil {
		return err
	}
	if uint64(r.Slot) >= st.slotLimit {
		return fmt.Errorf("%w: %d of record %q was never handed out", ErrSlot, r.Slot, r.ID)
	}
	holder, err := t.slotID(r.Slot)
	if err != nil {
		return err
	}
	if holder == r.ID {
		return nil
	}
	if holder != "" {
		return fmt.Errorf("%w: %d of record %q holds %q", ErrSlot, r.Slot, r.ID, holder)
	}
	free, err := t.get(bucketFree, key32(r.Slot))
	if err == nil && free != nil {
		err = fmt.Errorf("%w: %d of record %q is free: NextSlot hands it out", ErrSlot, r.Slot, r.ID)
	}
	return err
}

func (t *Tx) referBlobs(r *Record, by int) error {
	if r.Image == nil {
		return nil
	}
	if err := t.refer(r.Image.Blob, useImage, by); err != nil {
		return err
	}
	return t.refer(r.Image.Thumbnail, useThumbnail, by)
}

// forget undoes what PutRecord did for a record, but for the record itself.
func (t *Tx) forget(r *Record, slot bool) error {
	st, err := t.state()
	if err != nil {
		return err
	}
	v, err := t.get(bucketRecords, []byte(r.ID))
	if err != nil {
		return err
	}
	st.records -= min(1, st.records)
	st.recordBytes -= min(uint64(len(r.ID)+len(v)), st.recordBytes)
	t.changed()
	if slot {
		if err := t.delete(bucketSlots, key32(r.Slot)); err != nil {
			return err
		}
		if err := t.DeleteVector(r.Slot); err != nil {
			return err
		}
	}
	return t.referBlobs(r, -1)
}

// DeleteRecord removes a record with its slot mapping and vector, releases its
// blobs, and returns it, or ErrNotFound. The slot counts as retired until
// ReleaseSlot.
func (t *Tx) DeleteRecord(id string) (*Record, error) {
	if err := t.open(true); err != nil {
		return nil, err
	}
	r, err := t.Record(id)
	if err != nil {
		return nil, err
	}
	if err := t.forget(r, true); err != nil {
		return nil, err
	}
	return r, t.delete(bucketRecords, []byte(id))
}

// Records yields the records with an id above after, by id in byte order. A
// damaged record is yielded as an error, and the walk goes on with the next; a
// walk over all that meets fewer or more than there are ends with an error.
// The transaction must not write during the walk.
func (t *Tx) Records(after string) iter.Seq2[*Record, error] {
	return func(yield func(*Record, error) bool) {
		if err := t.open(false); err != nil {
			yield(nil, err)
			return
		}
		stop, n := false, 0
		err := t.scan(bucketRecords, append([]byte(after), 0), func(k, v []byte) bool {
			n++
			stop = !yield(t.decode(string(k), v))
			return !stop
		})
		if count := t.RecordCount(); err == nil && after == "" && !stop && n != count {
			err = corrupt(bucketRecords, "walk", "%d were met, %d are counted", n, count)
		}
		if err != nil && !stop {
			yield(nil, err)
		}
	}
}

// RecordCount is the number of records.
func (t *Tx) RecordCount() int {
	st, err := t.counters()
	if err != nil {
		t.fail(err)
		return 0
	}
	return int(st.records)
}
