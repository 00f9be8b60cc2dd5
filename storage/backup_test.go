package storage_test

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/clipdb/clipdb/storage"
	"github.com/clipdb/clipdb/storage/storagetest"
)

// TestBackupWhileWriting: every copy is one committed state, sound and whole.
func TestBackupWhileWriting(t *testing.T) {
	t.Parallel()
	s := storagetest.MustOpen(t, nil)
	dir := t.TempDir()
	var done atomic.Bool
	var work sync.WaitGroup
	var committed atomic.Uint64
	work.Go(func() {
		for n := uint64(1); !done.Load(); n++ {
			if err := write(s, n); err != nil {
				t.Error(err)
				return
			}
			committed.Store(n)
		}
	})
	for i := range 15 {
		if i == 7 {
			if err := s.Compact(background); err != nil {
				t.Error(err)
			}
		}
		least := committed.Load()
		var b bytes.Buffer
		n, err := s.WriteTo(&b)
		most := committed.Load() + 1
		if err != nil || n != int64(b.Len()) {
			t.Fatalf("%d of %d bytes, %v", n, b.Len(), err)
		}
		path := filepath.Join(dir, "copy.clipdb")
		if err := os.WriteFile(path, b.Bytes(), 0o600); err != nil {
			t.Fatal(err)
		}
		c, err := storage.Open(path, nil)
		if err != nil {
			t.Fatal(err)
		}
		got := last(t, c)
		if got < least || got > most {
			t.Errorf("the copy is of transaction %d, made between %d and %d", got, least, most)
		}
		view(t, c, func(tx *storage.Tx) error { return verifyUpTo(tx, got) })
		if err := write(c, got+1); err != nil {
			t.Error(err)
		}
		if err := c.Close(); err != nil {
			t.Error(err)
		}
		storagetest.MustCheck(t, path)
	}
	done.Store(true)
	work.Wait()
}

type fullDisk struct{ left int }

var errFull = errors.New("disk is full")

func (w *fullDisk) Write(p []byte) (int, error) {
	if w.left -= len(p); w.left < 0 {
		return 0, errFull
	}
	return len(p), nil
}

func TestBackupFails(t *testing.T) {
	s := storagetest.MustOpen(t, nil)
	if err := write(s, 1); err != nil {
		t.Fatal(err)
	}
	for _, left := range []int{0, 5000, 20000} {
		if _, err := s.WriteTo(&fullDisk{left}); !errors.Is(err, errFull) {
			t.Errorf("room for %d bytes: %v", left, err)
		}
	}
	if err := write(s, 2); err != nil {
		t.Error(err)
	}
}
