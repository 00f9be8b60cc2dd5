package storage_test

import (
	"bytes"
	"errors"
	"fmt"
	"math/rand/v2"
	"testing"

	"github.com/clipdb/clipdb/storage"
	"github.com/clipdb/clipdb/storage/storagetest"
)

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
