package storage_test

import (
	"context"
	"crypto/sha256"
	"fmt"
	"math"
	"math/rand/v2"
	"os"
	"testing"
	"time"

	"github.com/clipdb/clipdb/storage"
	"github.com/clipdb/clipdb/storage/storagetest"
)

func TestMain(m *testing.M) {
	os.Exit(storagetest.Main(m, map[string]func([]string){
		"write":   writeUntilKilled,
		"compact": compactUntilKilled,
		"hold":    holdOpen,
	}))
}

var background = context.Background()

// item is what a test puts in: a record with its vector and bytes.
type item struct {
	storage.Record
	vector    []float32
	image     []byte
	thumbnail []byte
}

// makeItem makes an item out of a number, the same each time.
func makeItem(id string, n uint64, dim int) item {
	rng := rand.New(rand.NewPCG(n, 0xc11b))
	it := item{
		Record: storage.Record{
			ID:      id,
			Caption: caption(rng),
			Created: time.Unix(1_700_000_000+int64(n), rng.Int64N(1e9)).UTC(),
			Model:   "model-" + fmt.Sprint(n%3),
		},
		vector: make([]float32, dim),
	}
	if n%2 == 0 {
		it.Updated = it.Created.Add(time.Duration(rng.Int64N(1e12)))
	}
	if n%4 != 0 {
		it.Attrs = random(rng, rng.IntN(300))
	}
	for i := range it.vector {
		it.vector[i] = float32(rng.NormFloat64())
	}
	if n%5 == 0 {
		return it
	}
	// A few different pictures, so that some items share theirs.
	pic := rand.New(rand.NewPCG(rng.Uint64N(40), 7))
	it.image = random(pic, 1+pic.IntN(3*storage.ChunkSize))
	if pic.IntN(3) == 0 {
		for i := range it.image {
			it.image[i] = byte(i / 512)
		}
	}
	it.Image = &storage.ImageRef{
		SHA256: sha256.Sum256(it.image), Format: "jpeg",
		Width: pic.IntN(9000), Height: pic.IntN(9000), Size: int64(len(it.image)), Frames: 1,
	}
	switch n % 3 {
	case 0: // the original is not kept
		it.image = nil
		it.thumbnail = random(pic, 2000)
	case 1:
		it.thumbnail = random(pic, 2000)
	}
	return it
}

func caption(rng *rand.Rand) string {
	words := []string{"a dog", "on the beach", "寿司", "Müller's", "red", "🚲", "two people", "at night", "near", "old"}
	s := ""
	for range rng.IntN(60) {
		s += words[rng.IntN(len(words))] + " "
	}
	return s
}

func random(rng *rand.Rand, n int) []byte {
	b := make([]byte, n)
	for i := range b {
		b[i] = byte(rng.Uint32())
	}
	return b
}

// insert writes an item into a slot of its own.
func insert(tx *storage.Tx, it *item) error {
	slot, err := tx.NextSlot()
	if err != nil {
		return err
	}
	it.Slot = slot
	if it.image != nil {
		if it.Image.Blob, err = tx.PutBlob(it.image); err != nil {
			return err
		}
	}
	if it.thumbnail != nil {
		if it.Image.Thumbnail, err = tx.PutBlob(it.thumbnail); err != nil {
			return err
		}
	}
	if err := tx.PutVector(slot, it.vector); err != nil {
		return err
	}
	if err := tx.PutRecord(&it.Record); err != nil {
		return err
	}
	_, err = tx.AppendLog(storage.LogAdd, slot)
	return err
}

// verify compares everything of an item with what is stored.
func verify(tx *storage.Tx, it *item) error {
	r, err := tx.Record(it.ID)
	if err != nil {
		return err
	}
	if err := sameRecord(r, &it.Record); err != nil {
		return fmt.Errorf("record %q: %w", it.ID, err)
	}
	if r, err = tx.RecordAt(it.Slot); err != nil || r.ID != it.ID {
		return fmt.Errorf("slot %d: %v, %w", it.Slot, r, err)
	}
	v, ok, err := tx.Vector(it.Slot, nil)
	switch {
	case err != nil:
		return err
	case !ok:
		return fmt.Errorf("vector of %q: %w", it.ID, storage.ErrNotFound)
	case !sameVector(v, it.vector):
		return fmt.Errorf("vector of %q is %v", it.ID, v)
	}
	for _, b := range []struct {
		hash storage.Hash
		data []byte
	}{{blobOf(r), it.image}, {thumbnailOf(r), it.thumbnail}} {
		if b.data == nil {
			if !b.hash.IsZero() {
				return fmt.Errorf("record %q has a blob too many", it.ID)
			}
			continue
		}
		data, err := tx.Blob(b.hash)
		if err != nil {
			return err
		}
		if sha256.Sum256(data) != sha256.Sum256(b.data) {
			return fmt.Errorf("blob %s of %q is wrong", b.hash, it.ID)
		}
	}
	return nil
}

func blobOf(r *storage.Record) storage.Hash {
	if r.Image == nil {
		return storage.Hash{}
	}
	return r.Image.Blob
}

func thumbnailOf(r *storage.Record) storage.Hash {
	if r.Image == nil {
		return storage.Hash{}
	}
	return r.Image.Thumbnail
}

func sameRecord(a, b *storage.Record) error {
	switch {
	case a.ID != b.ID, a.Slot != b.Slot, a.Caption != b.Caption, string(a.Attrs) != string(b.Attrs),
		a.Model != b.Model, !a.Created.Equal(b.Created), !a.Updated.Equal(b.Updated),
		(a.Image == nil) != (b.Image == nil), a.Image != nil && *a.Image != *b.Image:
		return fmt.Errorf("have %+v (%+v), want %+v (%+v)", a, a.Image, b, b.Image)
	}
	return nil
}

func sameVector(a, b []float32) bool {
	if len(a) != len(b) {
		return false
	}
	for i := range a {
		if math.Float32bits(a[i]) != math.Float32bits(b[i]) {
			return false
		}
	}
	return true
}

func update(t testing.TB, s *storage.Store, fn func(*storage.Tx) error) {
	t.Helper()
	if err := s.Update(fn); err != nil {
		t.Fatal(err)
	}
}

func view(t testing.TB, s *storage.Store, fn func(*storage.Tx) error) {
	t.Helper()
	if err := s.View(fn); err != nil {
		t.Fatal(err)
	}
}
