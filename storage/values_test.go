package storage_test

import (
	"bytes"
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

// TestReplaceReleases: what a replaced record had is gone, and only that.
func TestReplaceReleases(t *testing.T) {
	s := storagetest.MustOpen(t, nil)
	a, b := bytes.Repeat([]byte("a"), 5000), bytes.Repeat([]byte("b"), 5000)
	var ha, hb storage.Hash
	update(t, s, func(tx *storage.Tx) (err error) {
		if ha, err = tx.PutBlob(a); err != nil {
			return err
		}
		for i := range uint32(2) {
			if _, err := tx.NextSlot(); err != nil {
				return err
			}
			if err := tx.PutVector(i, []float32{float32(i)}); err != nil {
				return err
			}
		}
		return tx.PutRecord(&storage.Record{ID: "x", Slot: 0, Image: &storage.ImageRef{Blob: ha, Thumbnail: ha}})
	})
	update(t, s, func(tx *storage.Tx) (err error) { // the same again
		return tx.PutRecord(&storage.Record{ID: "x", Slot: 0, Image: &storage.ImageRef{Blob: ha}})
	})
	if st, _ := s.Stats(); st.Images != 1 || st.Thumbnails != 0 {
		t.Errorf("%+v", st)
	}
	update(t, s, func(tx *storage.Tx) (err error) {
		if hb, err = tx.PutBlob(b); err != nil {
			return err
		}
		return tx.PutRecord(&storage.Record{ID: "x", Slot: 1, Image: &storage.ImageRef{Thumbnail: hb}})
	})
	view(t, s, func(tx *storage.Tx) error {
		if _, err := tx.Blob(ha); !errors.Is(err, storage.ErrNotFound) {
			t.Errorf("the old image: %v", err)
		}
		if data, err := tx.Blob(hb); err != nil || !bytes.Equal(data, b) {
			t.Errorf("the new one: %v", err)
		}
		if _, err := tx.RecordAt(0); !errors.Is(err, storage.ErrNotFound) {
			t.Errorf("the old slot: %v", err)
		}
		if _, ok, err := tx.Vector(0, nil); ok || err != nil {
			t.Errorf("the old vector: %v %v", ok, err)
		}
		if v, ok, err := tx.Vector(1, nil); !ok || err != nil || v[0] != 1 {
			t.Errorf("the new vector: %v %v %v", v, ok, err)
		}
		return nil
	})
}

func TestBlobs(t *testing.T) {
	s := storagetest.MustOpen(t, &storage.Options{MaxBlob: 1 << 20})
	rng := rand.New(rand.NewPCG(8, 8))
	const c = storage.ChunkSize
	var hashes []storage.Hash
	var blobs [][]byte
	for _, size := range []int{1, 2, 100, c - 1, c, c + 1, 3 * c, 5*c + 7, 1 << 20} {
		blobs = append(blobs, random(rng, size), bytes.Repeat([]byte("x y "), size)[:size])
	}
	jpeg := append([]byte("\xff\xd8\xff\xe0"), make([]byte, 90_000)...) // not tried, though it would shrink
	blobs = append(blobs, jpeg)
	update(t, s, func(tx *storage.Tx) error {
		for i, data := range blobs {
			given := bytes.Clone(data)
			h, err := tx.PutBlob(given)
			if err != nil {
				return err
			}
			clear(given) // the caller's own again
			hashes = append(hashes, h)
			if again, err := tx.PutBlob(data); err != nil || again != h {
				t.Errorf("the same again: %v", err)
			}
			slot, err := tx.NextSlot()
			if err != nil {
				return err
			}
			if err := tx.PutRecord(&storage.Record{ID: fmt.Sprint(i), Slot: slot, Image: &storage.ImageRef{Blob: h}}); err != nil {
				return err
			}
		}
		_, err := tx.PutBlob([]byte("nobody refers to it"))
		if _, e := tx.PutBlob(nil); !errors.Is(e, storage.ErrInvalid) {
			t.Errorf("no bytes: %v", e)
		}
		if _, e := tx.PutBlob(make([]byte, 1<<20+1)); !errors.Is(e, storage.ErrTooLarge) {
			t.Errorf("too many bytes: %v", e)
		}
		return err
	})
	view(t, s, func(tx *storage.Tx) error {
		for i, h := range hashes {
			data, err := tx.Blob(h)
			if err != nil || !bytes.Equal(data, blobs[i]) {
				t.Errorf("blob %d of %d bytes: %d bytes, %v", i, len(blobs[i]), len(data), err)
			}
			if n, ok := tx.BlobSize(h); !ok || n != int64(len(blobs[i])) {
				t.Errorf("size of blob %d: %d %v", i, n, ok)
			}
		}
		if _, ok := tx.BlobSize(storage.Hash{5}); ok {
			t.Error("a blob that is not there has a size")
		}
		return nil
	})
	st, err := s.Stats()
	if err != nil {
		t.Fatal(err)
	}
	raw := int64(0)
	for i := 0; i < len(blobs)-1; i += 2 {
		raw += int64(len(blobs[i]))
	}
	raw += int64(len(jpeg))
	if st.Images != len(hashes) || st.Bytes.Images < raw || st.Bytes.Images > raw+5000 {
		t.Errorf("%d images, %d bytes, %d of them cannot shrink", st.Images, st.Bytes.Images, raw)
	}
}

func TestVectors(t *testing.T) {
	t.Parallel()
	for _, dim := range []int{1, 7, 100, 256, 512, 768, 5000} {
		t.Run(fmt.Sprint(dim), func(t *testing.T) {
			s := storagetest.MustOpen(t, nil)
			rows := storage.RowsFor(dim)
			n := 2*rows + 1
			rng := rand.New(rand.NewPCG(1, uint64(dim)))
			want := make([][]float32, n)
			update(t, s, func(tx *storage.Tx) error {
				for i := range want {
					want[i] = make([]float32, dim)
					for j := range want[i] {
						want[i][j] = math.Float32frombits(rng.Uint32()) // NaN and all
					}
					it := item{Record: storage.Record{ID: fmt.Sprint(i)}, vector: want[i]}
					if err := insert(tx, &it); err != nil {
						return err
					}
				}
				for _, wrong := range [][]float32{nil, make([]float32, dim+1), make([]float32, storage.MaxDim+1)} {
					if err := tx.PutVector(0, wrong); !errors.Is(err, storage.ErrDimension) {
						t.Errorf("%d components: %v", len(wrong), err)
					}
				}
				return nil
			})
			for round := range 2 {
				view(t, s, func(tx *storage.Tx) error {
					for i := range want {
						v, ok, err := tx.Vector(uint32(i), nil)
						if err != nil || ok != (want[i] != nil) || ok && !sameVector(v, want[i]) {
							t.Errorf("round %d: vector %d: %v %v", round, i, ok, err)
						}
					}
					for _, slot := range []uint32{uint32(n), 1 << 31, 1<<32 - 1} {
						if v, ok, err := tx.Vector(slot, nil); len(v) != 0 || ok || err != nil {
							t.Errorf("slot %d: %v %v", slot, ok, err)
						}
					}
					return nil
				})
				if round == 0 {
					update(t, s, func(tx *storage.Tx) error {
						for i := 0; i < n; i += 2 {
							if _, err := tx.DeleteRecord(fmt.Sprint(i)); err != nil {
								return err
							}
							want[i] = nil
						}
						return tx.DeleteVector(0) // gone already
					})
				}
			}
		})
	}
}

func TestVectorAllocatesNothing(t *testing.T) {
	s := storagetest.MustOpen(t, nil)
	update(t, s, func(tx *storage.Tx) error {
		for i := range 200 {
			it := item{Record: storage.Record{ID: fmt.Sprint(i)}, vector: make([]float32, 512)}
			if err := insert(tx, &it); err != nil {
				return err
			}
		}
		return nil
	})
	view(t, s, func(tx *storage.Tx) error {
		dst := make([]float32, 512)
		slot := uint32(0)
		allocs := testing.AllocsPerRun(1000, func() {
			var ok bool
			var err error
			if dst, ok, err = tx.Vector(slot%200, dst); !ok || err != nil {
				t.Fatal(ok, err)
			}
			slot += 37
		})
		if allocs != 0 {
			t.Errorf("%v allocations for each vector", allocs)
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
