package storage_test

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io/fs"
	"math"
	"math/rand/v2"
	"os"
	"path/filepath"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/clipdb/clipdb/storage"
	"github.com/clipdb/clipdb/storage/storagetest"
)

// bothWays runs a test with and without files that can be renamed while open.
func bothWays(t *testing.T, fn func(t *testing.T)) {
	t.Run("open", fn)
	t.Run("closed", func(t *testing.T) {
		storage.CloseBeforeRename(t)
		fn(t)
	})
}

// TestErased: what was deleted is nowhere in the file after Compact, not even
// in free pages.
func TestErased(t *testing.T) {
	bothWays(t, func(t *testing.T) {
		path := filepath.Join(t.TempDir(), "erased.clipdb")
		s := storagetest.MustOpenAt(t, path, nil)
		const dim = 512
		for n := range uint64(40) {
			update(t, s, func(tx *storage.Tx) error {
				it := makeItem(fmt.Sprintf("keep%d", n), n+1, dim)
				return insert(tx, &it)
			})
		}
		rng := rand.New(rand.NewPCG(9, 9))
		secret := item{
			Record: storage.Record{
				ID: "secret-id-7731", Caption: "a caption nobody may find again", Attrs: []byte("attribute nobody may find again"),
				Image: &storage.ImageRef{Format: "jpeg", Width: 1, Height: 1, SHA256: [32]byte(random(rng, 32))},
			},
			vector: make([]float32, dim), image: random(rng, 150_000), thumbnail: random(rng, 5000),
		}
		for i := range secret.vector {
			secret.vector[i] = rng.Float32()
		}
		update(t, s, func(tx *storage.Tx) error {
			if err := tx.PutPage("hnsw", 1, bytes.Repeat([]byte("code of the secret."), 100)); err != nil {
				return err
			}
			if err := tx.PutFailure(storage.Failure{ID: secret.ID, Reason: "failed once"}); err != nil {
				return err
			}
			return insert(tx, &secret)
		})
		var slot [4]byte
		binary.LittleEndian.PutUint32(slot[:], math.Float32bits(secret.vector[0]))
		vector := slot[:]
		for _, f := range secret.vector[1:4] {
			vector = binary.LittleEndian.AppendUint32(vector, math.Float32bits(f))
		}
		traces := map[string][]byte{
			"id": []byte(secret.ID), "caption": []byte(secret.Caption), "attributes": secret.Attrs,
			"hash": secret.Image.SHA256[:], "image": secret.image[70_000:70_064], "start of the image": secret.image[:64],
			"thumbnail": secret.thumbnail[100:164], "vector": vector, "page": []byte("code of the secret."),
		}
		found := func() (names []string) {
			b, err := os.ReadFile(path)
			if err != nil {
				t.Fatal(err)
			}
			for name, trace := range traces {
				if bytes.Contains(b, trace) {
					names = append(names, name)
				}
			}
			return names
		}
		if got := found(); len(got) != len(traces) {
			t.Fatalf("only %v of what is stored is found: the test shows nothing", got)
		}
		update(t, s, func(tx *storage.Tx) error {
			if err := tx.DropPages("hnsw"); err != nil {
				return err
			}
			if err := tx.DeleteFailure(secret.ID); err != nil {
				return err
			}
			_, err := tx.DeleteRecord(secret.ID)
			return err
		})
		before, err := s.Stats()
		if err != nil {
			t.Fatal(err)
		}
		if err := s.Compact(background); err != nil {
			t.Fatal(err)
		}
		if got := found(); len(got) > 0 {
			t.Errorf("after Compact the file still holds: %v", got)
		}
		after, err := s.Stats()
		if err != nil {
			t.Fatal(err)
		}
		if after.FileBytes > before.FileBytes-150_000 {
			t.Errorf("the file has shrunk from %d to %d only", before.FileBytes, after.FileBytes)
		}
		after.FileBytes, after.FreeBytes, before.FileBytes, before.FreeBytes = 0, 0, 0, 0
		if after != before {
			t.Errorf("counters changed: %+v, %+v", before, after)
		}
	})
}

// TestCompactUnderLoad compacts again and again while others read and write.
func TestCompactUnderLoad(t *testing.T) {
	bothWays(t, func(t *testing.T) {
		s := storagetest.MustOpen(t, nil)
		var done atomic.Bool
		var committed atomic.Uint64
		var work sync.WaitGroup
		work.Go(func() {
			for n := uint64(1); !done.Load(); n++ {
				if err := write(s, n); err != nil {
					t.Error(err)
					return
				}
				committed.Store(n)
			}
		})
		for range 3 {
			work.Go(func() {
				for !done.Load() {
					least := committed.Load()
					err := s.View(func(tx *storage.Tx) error {
						v := tx.Meta("last")
						if v == nil {
							return tx.Err()
						}
						n := binary.BigEndian.Uint64(v)
						if n < least {
							return fmt.Errorf("transaction %d was committed, %d is seen", least, n)
						}
						// Through the whole transaction it sees one state.
						time.Sleep(time.Millisecond)
						return verifyUpTo(tx, n)
					})
					if err != nil {
						t.Error(err)
						return
					}
				}
			})
		}
		for range 12 {
			if err := s.Compact(background); err != nil {
				t.Error(err)
			}
			time.Sleep(10 * time.Millisecond)
		}
		done.Store(true)
		work.Wait()
		view(t, s, func(tx *storage.Tx) error { return verifyUpTo(tx, committed.Load()) })
	})
}

// TestCompactCancelled: the old file stays, the new one goes.
func TestCompactCancelled(t *testing.T) {
	bothWays(t, func(t *testing.T) {
		path := filepath.Join(t.TempDir(), "cancel.clipdb")
		s := storagetest.MustOpenAt(t, path, nil)
		for n := range uint64(20) {
			if err := write(s, n+1); err != nil {
				t.Fatal(err)
			}
		}
		before := fileSum(t, path)
		cancelled := 0
		for i := range 30 {
			ctx, cancel := context.WithTimeout(background, time.Duration(i)*200*time.Microsecond)
			err := s.Compact(ctx)
			cancel()
			switch {
			case errors.Is(err, context.DeadlineExceeded):
				cancelled++
				if fileSum(t, path) != before {
					t.Fatal("the file was changed")
				}
			case err != nil:
				t.Fatal(err)
			default:
				before = fileSum(t, path)
			}
			if _, err := os.Stat(path + storage.LeftoverSuffix); !errors.Is(err, fs.ErrNotExist) {
				t.Fatalf("a half-written file stays: %v", err)
			}
			view(t, s, func(tx *storage.Tx) error { return verifyUpTo(tx, 20) })
		}
		if cancelled == 0 {
			t.Error("no compaction was cancelled: the test shows nothing")
		}
	})
}

// TestCompactWaitsForReaders where it must; a reader that does not end is left
// alone when the context does.
func TestCompactWaitsForReaders(t *testing.T) {
	storage.CloseBeforeRename(t)
	s := storagetest.MustOpen(t, nil)
	if err := write(s, 1); err != nil {
		t.Fatal(err)
	}
	reading, leave, left := make(chan bool), make(chan bool), make(chan error)
	go func() {
		left <- s.View(func(tx *storage.Tx) error {
			close(reading)
			<-leave
			return verifyUpTo(tx, 1)
		})
	}()
	<-reading
	ctx, cancel := context.WithTimeout(background, 50*time.Millisecond)
	defer cancel()
	if err := s.Compact(ctx); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("Compact beside a reader: %v", err)
	}
	view(t, s, func(tx *storage.Tx) error { return verifyUpTo(tx, 1) })
	compacted := make(chan error)
	go func() { compacted <- s.Compact(background) }()
	time.Sleep(20 * time.Millisecond)
	close(leave)
	if err := <-left; err != nil {
		t.Error(err)
	}
	if err := <-compacted; err != nil {
		t.Error(err)
	}
	if err := write(s, 2); err != nil {
		t.Error(err)
	}
}

// TestOldReaderFinishes: a reader that began before a compaction ends where it
// began, and Close waits for it.
func TestOldReaderFinishes(t *testing.T) {
	path := filepath.Join(t.TempDir(), "old.clipdb")
	s, err := storage.Open(path, nil)
	if err != nil {
		t.Fatal(err)
	}
	if err := write(s, 1); err != nil {
		t.Fatal(err)
	}
	reading, leave, left := make(chan bool), make(chan bool), make(chan error, 1)
	go func() {
		left <- s.View(func(tx *storage.Tx) error {
			close(reading)
			<-leave
			return verifyUpTo(tx, 1)
		})
	}()
	<-reading
	if err := s.Compact(background); err != nil {
		t.Fatal(err)
	}
	if err := write(s, 2); err != nil {
		t.Fatal(err)
	}
	time.AfterFunc(50*time.Millisecond, func() { close(leave) })
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	select {
	case err := <-left:
		if err != nil {
			t.Error(err)
		}
	case <-time.After(time.Second):
		t.Error("Close did not wait for the reader")
	}
	storagetest.MustCheck(t, path)
}

// TestCompactDamaged: a damaged file is not replaced by what is left of it.
func TestCompactDamaged(t *testing.T) {
	storage.SkipQuickCheck(t)
	good, err := os.ReadFile(filepath.Join("testdata", fmt.Sprintf("v%d.clipdb", storage.Format)))
	if err != nil {
		t.Fatal(err)
	}
	found := 0
	rng := rand.New(rand.NewPCG(4, 4))
	for at := 8192; at < len(good); at += 4096 {
		data := bytes.Clone(good)
		data[at+rng.IntN(48)] ^= 1 << rng.IntN(8) // the head of a page, where structure is
		path := filepath.Join(t.TempDir(), "it")
		if err := os.WriteFile(path, data, 0o600); err != nil {
			t.Fatal(err)
		}
		s, err := storage.Open(path, nil)
		if err != nil {
			continue
		}
		opened := fileSum(t, path)
		if err := s.Compact(background); err != nil {
			found++
			if !errors.Is(err, storage.ErrCorrupt) {
				t.Errorf("byte %d: %v", at, err)
			}
			if fileSum(t, path) != opened {
				t.Errorf("byte %d: the file was changed", at)
			}
			if _, err := os.Stat(path + storage.LeftoverSuffix); !errors.Is(err, fs.ErrNotExist) {
				t.Errorf("a half-written file stays: %v", err)
			}
		}
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	}
	if found < 5 {
		t.Errorf("only %d damaged files were refused by Compact", found)
	}
}
