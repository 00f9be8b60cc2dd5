package storage_test

import (
	"fmt"
	"log"
	"os"
	"path/filepath"

	"github.com/clipdb/clipdb/storage"
)

// A record, its picture and its vector go in together, or not at all.
func Example() {
	dir, err := os.MkdirTemp("", "storage")
	if err != nil {
		log.Fatal(err)
	}
	defer os.RemoveAll(dir)
	s, err := storage.Open(filepath.Join(dir, "photos.clipdb"), nil)
	if err != nil {
		log.Fatal(err)
	}
	defer s.Close()

	err = s.Update(func(tx *storage.Tx) error {
		slot, err := tx.NextSlot()
		if err != nil {
			return err
		}
		picture, err := tx.PutBlob([]byte("the bytes of a JPEG"))
		if err != nil {
			return err
		}
		if err := tx.PutVector(slot, []float32{0.6, 0.8}); err != nil {
			return err
		}
		return tx.PutRecord(&storage.Record{
			ID: "dog.jpg", Slot: slot, Caption: "a dog on the beach",
			Image: &storage.ImageRef{SHA256: picture, Blob: picture, Format: "jpeg", Width: 640, Height: 480, Size: 19, Frames: 1},
		})
	})
	if err != nil {
		log.Fatal(err)
	}

	err = s.View(func(tx *storage.Tx) error {
		for r, err := range tx.Records("") {
			if err != nil {
				return err
			}
			v, _, err := tx.Vector(r.Slot, nil)
			if err != nil {
				return err
			}
			fmt.Println(r.ID, r.Caption, v)
		}
		return nil
	})
	if err != nil {
		log.Fatal(err)
	}
	// Output: dog.jpg a dog on the beach [0.6 0.8]
}
