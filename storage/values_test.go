package storage_test

import (
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/clipdb/clipdb/storage"
	"github.com/clipdb/clipdb/storage/storagetest"
)

func TestRecordLimits(t *testing.T) {
	s := storagetest.MustOpen(t, nil)
	update(t, s, func(tx *storage.Tx) error {
		slot, err := tx.NextSlot()
		if err != nil {
			return err
		}
		put := func(change func(*storage.Record)) error {
			r := storage.Record{ID: "a", Slot: slot, Image: &storage.ImageRef{}}
			change(&r)
			return tx.PutRecord(&r)
		}
		for _, c := range []struct {
			name   string
			want   error
			change func(*storage.Record)
		}{
			{"no id", storage.ErrInvalid, func(r *storage.Record) { r.ID = "" }},
			{"long id", storage.ErrInvalid, func(r *storage.Record) { r.ID = strings.Repeat("i", storage.MaxID+1) }},
			{"id of bytes", storage.ErrInvalid, func(r *storage.Record) { r.ID = "\xff" }},
			{"caption of bytes", storage.ErrInvalid, func(r *storage.Record) { r.Caption = "\xff" }},
			{"long caption", storage.ErrTooLarge, func(r *storage.Record) { r.Caption = strings.Repeat("c", storage.MaxCaption+1) }},
			{"long attributes", storage.ErrTooLarge, func(r *storage.Record) { r.Attrs = make([]byte, storage.MaxAttrs+1) }},
			{"long model", storage.ErrTooLarge, func(r *storage.Record) { r.Model = strings.Repeat("m", storage.MaxModel+1) }},
			{"long format", storage.ErrInvalid, func(r *storage.Record) { r.Image.Format = strings.Repeat("f", storage.MaxFormat+1) }},
			{"negative width", storage.ErrInvalid, func(r *storage.Record) { r.Image.Width = -1 }},
			{"early time", storage.ErrInvalid, func(r *storage.Record) { r.Created = time.Date(1600, 1, 1, 0, 0, 0, 0, time.UTC) }},
			{"late time", storage.ErrInvalid, func(r *storage.Record) { r.Updated = time.Date(2300, 1, 1, 0, 0, 0, 0, time.UTC) }},
			{"slot never handed out", storage.ErrSlot, func(r *storage.Record) { r.Slot = 5 }},
			{"blob not there", storage.ErrNotFound, func(r *storage.Record) { r.Image.Blob = storage.Hash{1} }},
			{"thumbnail not there", storage.ErrNotFound, func(r *storage.Record) { r.Image.Thumbnail = storage.Hash{1} }},
		} {
			if err := put(c.change); !errors.Is(err, c.want) {
				t.Errorf("%s: %v", c.name, err)
			}
		}
		// The limits themselves are fine.
		largest := storage.Record{
			ID: strings.Repeat("i", storage.MaxID), Slot: slot, Caption: strings.Repeat("寿司!!", storage.MaxCaption/8),
			Attrs: random(rand.New(rand.NewPCG(1, 1)), storage.MaxAttrs), Model: strings.Repeat("m", storage.MaxModel),
			Created: time.Unix(0, math.MinInt64), Updated: time.Unix(0, math.MaxInt64),
			Image: &storage.ImageRef{Format: strings.Repeat("f", storage.MaxFormat), Width: math.MaxInt32, Height: math.MaxInt32, Size: math.MaxInt64 - 1, Frames: math.MaxInt32},
		}
		if err := tx.PutRecord(&largest); err != nil {
			return err
		}
		r, err := tx.Record(largest.ID)
		if err != nil {
			return err
		}
		return sameRecord(r, &largest)
	})
}

func TestSlots(t *testing.T) {
	s := storagetest.MustOpen(t, nil)
	update(t, s, func(tx *storage.Tx) error {
		for want := range uint32(5) {
			if slot, err := tx.NextSlot(); slot != want || err != nil {
				t.Errorf("slot %d, %v", slot, err)
			}
		}
		for _, slot := range []uint32{0, 1, 2} {
			if err := tx.PutRecord(&storage.Record{ID: fmt.Sprint(slot), Slot: slot}); err != nil {
				return err
			}
		}
		if err := tx.PutRecord(&storage.Record{ID: "other", Slot: 1}); !errors.Is(err, storage.ErrSlot) {
			t.Errorf("a slot in use: %v", err)
		}
		if err := tx.ReleaseSlot(1); !errors.Is(err, storage.ErrSlot) {
			t.Errorf("releasing a slot in use: %v", err)
		}
		if err := tx.ReleaseSlot(5); !errors.Is(err, storage.ErrSlot) {
			t.Errorf("releasing a slot never handed out: %v", err)
		}
		if err := tx.PutVector(5, []float32{1}); !errors.Is(err, storage.ErrSlot) {
			t.Errorf("a vector in it: %v", err)
		}
		if _, err := tx.AppendLog(storage.LogAdd, 5); !errors.Is(err, storage.ErrSlot) {
			t.Errorf("a log entry of it: %v", err)
		}
		return nil
	})
	update(t, s, func(tx *storage.Tx) error {
		if _, err := tx.DeleteRecord("1"); err != nil {
			return err
		}
		if got := slices.Collect(tx.RetiredSlots()); !slices.Equal(got, []uint32{1, 3, 4}) {
			t.Errorf("retired: %v", got)
		}
		for range 2 { // twice is once
			if err := tx.ReleaseSlot(3); err != nil {
				return err
			}
		}
		if err := tx.PutRecord(&storage.Record{ID: "x", Slot: 3}); !errors.Is(err, storage.ErrSlot) {
			t.Errorf("a free slot: %v", err)
		}
		return tx.ReleaseSlot(1)
	})
	update(t, s, func(tx *storage.Tx) error {
		for _, want := range []uint32{1, 3, 5} {
			if slot, err := tx.NextSlot(); slot != want || err != nil {
				t.Errorf("slot %d, not %d: %v", slot, want, err)
			}
		}
		if tx.SlotLimit() != 6 {
			t.Errorf("limit %d", tx.SlotLimit())
		}
		return nil
	})
}

func TestSmallValues(t *testing.T) {
	s := storagetest.MustOpen(t, nil)
	update(t, s, func(tx *storage.Tx) error {
		for _, err := range []error{
			tx.PutMeta("", []byte("x")), tx.PutMeta("\xff", []byte("x")), tx.PutMeta(strings.Repeat("k", 257), nil),
			tx.PutPage("", 1, nil), tx.PutPage(strings.Repeat("k", 65), 1, nil),
			tx.PutFailure(storage.Failure{}), tx.PutFailure(storage.Failure{ID: "\xff"}),
		} {
			if !errors.Is(err, storage.ErrInvalid) {
				t.Error(err)
			}
		}
		if _, err := tx.AppendLog(9, 0); !errors.Is(err, storage.ErrInvalid) && !errors.Is(err, storage.ErrSlot) {
			t.Error(err)
		}
		for _, err := range []error{tx.PutMeta("a", make([]byte, storage.MaxMetaValue+1)), tx.PutPage("a", 1, make([]byte, storage.MaxPage+1))} {
			if !errors.Is(err, storage.ErrTooLarge) {
				t.Error(err)
			}
		}
		if err := tx.PutMeta("empty", []byte{}); err != nil {
			return err
		}
		if err := tx.PutPage("empty", 0, nil); err != nil {
			return err
		}
		reason := strings.Repeat("é", storage.MaxReason) + "\xff"
		return tx.PutFailure(storage.Failure{ID: "a", Reason: reason})
	})
	view(t, s, func(tx *storage.Tx) error {
		if v := tx.Meta("empty"); v == nil || len(v) != 0 {
			t.Errorf("an empty value is %v", v)
		}
		if tx.Meta("absent") != nil || tx.Meta("") != nil || tx.Page("empty", 1) != nil || tx.Page("absent", 0) != nil || tx.Page("", 0) != nil {
			t.Error("what is not there has a value")
		}
		if p := tx.Page("empty", 0); p == nil || len(p) != 0 {
			t.Errorf("an empty page is %v", p)
		}
		for f, err := range tx.Failures() {
			if err != nil || len(f.Reason) > storage.MaxReason || !strings.HasPrefix(f.Reason, "éé") || !f.Time.IsZero() {
				t.Errorf("%d bytes, %v", len(f.Reason), err)
			}
		}
		return nil
	})
}

// TestIteratorsStop: a loop may end early, also in the middle of a page.
func TestIteratorsStop(t *testing.T) {
	s := storagetest.MustOpen(t, nil)
	for n := range uint64(6) {
		if err := write(s, n+1); err != nil {
			t.Fatal(err)
		}
	}
	update(t, s, func(tx *storage.Tx) error {
		return errors.Join(tx.PutFailure(storage.Failure{ID: "a"}), tx.PutFailure(storage.Failure{ID: "b"}))
	})
	view(t, s, func(tx *storage.Tx) error {
		n := 0
		for range tx.Records("000002/") {
			n++
			break
		}
		for range tx.Vectors() {
			n++
			break
		}
		for range tx.Log(1) {
			n++
			break
		}
		for range tx.Failures() {
			n++
			break
		}
		if n != 4 {
			t.Errorf("%d steps", n)
		}
		var ids []string
		for r, err := range tx.Records("000003/3") {
			if err != nil {
				return err
			}
			ids = append(ids, r.ID)
		}
		if len(ids) == 0 || ids[0] != "000004/0" || !slices.IsSorted(ids) {
			t.Errorf("after 000003/3 come %v", ids)
		}
		if len(slices.Collect(func(yield func(uint64) bool) {
			for e := range tx.Log(tx.LastLog() - 2) {
				if !yield(e.Seq) {
					return
				}
			}
		})) != 2 {
			t.Error("the log after the last but two has not two entries")
		}
		return nil
	})
}
