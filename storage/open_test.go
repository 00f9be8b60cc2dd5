package storage_test

import (
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"

	"go.etcd.io/bbolt"

	"github.com/clipdb/clipdb/storage"
	"github.com/clipdb/clipdb/storage/storagetest"
)

func fileSum(t testing.TB, path string) [32]byte {
	t.Helper()
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return sha256.Sum256(b)
}

// sample makes a database with a few transactions and returns its bytes.
func sample(t testing.TB, transactions uint64) []byte {
	t.Helper()
	path := filepath.Join(t.TempDir(), "sample.clipdb")
	s, err := storage.Open(path, nil)
	if err != nil {
		t.Fatal(err)
	}
	for n := range transactions {
		if err := write(s, n+1); err != nil {
			t.Fatal(err)
		}
	}
	update(t, s, func(tx *storage.Tx) error {
		for k := range uint32(3) {
			if err := tx.PutPage("hnsw", k, bytes.Repeat([]byte{byte(k)}, 3000)); err != nil {
				return err
			}
		}
		return tx.PutFailure(storage.Failure{ID: "bad.jpg", Reason: "cut short", Time: time.Unix(1, 0)})
	})
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// altered is the sample with something done to it by bbolt.
func altered(t testing.TB, fn func(*bbolt.Tx) error) []byte {
	t.Helper()
	path := filepath.Join(t.TempDir(), "altered.clipdb")
	if err := os.WriteFile(path, sample(t, 3), 0o600); err != nil {
		t.Fatal(err)
	}
	db, err := bbolt.Open(path, 0o600, nil)
	if err != nil {
		t.Fatal(err)
	}
	if err := db.Update(fn); err != nil {
		t.Fatal(err)
	}
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func TestOpenRefuses(t *testing.T) {
	t.Parallel()
	good := sample(t, 3)
	foreign := func() []byte {
		path := filepath.Join(t.TempDir(), "foreign.db")
		db, err := bbolt.Open(path, 0o600, nil)
		if err != nil {
			t.Fatal(err)
		}
		err = db.Update(func(tx *bbolt.Tx) error { _, err := tx.CreateBucket([]byte("theirs")); return err })
		if err != nil {
			t.Fatal(err)
		}
		_ = db.Close()
		b, _ := os.ReadFile(path)
		return b
	}()
	noHeads := bytes.Clone(good)
	noHeads[20]++
	noHeads[4096+20]++
	for _, c := range []struct {
		name string
		data []byte
		want error
		says string
	}{
		{"text", []byte(strings.Repeat("hello ", 5000)), storage.ErrNotDatabase, "begin"},
		{"short text", []byte("hello"), storage.ErrNotDatabase, "5 bytes"},
		{"one byte", []byte{0}, storage.ErrNotDatabase, ""},
		{"zeros", make([]byte, 16384), storage.ErrNotDatabase, "zeros"},
		{"jpeg", append([]byte("\xff\xd8\xff\xe0"), make([]byte, 90000)...), storage.ErrNotDatabase, ""},
		{"sqlite", append([]byte("SQLite format 3\x00"), make([]byte, 8176)...), storage.ErrNotDatabase, ""},
		{"another program's", foreign, storage.ErrNotDatabase, "another program"},
		{"half", good[:len(good)/2], storage.ErrCorrupt, "cut short"},
		{"one page less", good[:len(good)/4096*4096-4096*20], storage.ErrCorrupt, "cut short"},
		{"heads only", good[:8192], storage.ErrCorrupt, "cut short"},
		{"first head only", good[:4096], storage.ErrCorrupt, "cut short"},
		{"heads damaged", noHeads, storage.ErrCorrupt, "heads"},
		{"newer", altered(t, func(tx *bbolt.Tx) error {
			return tx.Bucket([]byte("clipdb")).Put([]byte("format"), storage.EncodeFormat(storage.Format+1))
		}), storage.ErrNewerFormat, "3"},
		{"format zero", altered(t, func(tx *bbolt.Tx) error {
			return tx.Bucket([]byte("clipdb")).Put([]byte("format"), storage.EncodeFormat(0))
		}), storage.ErrCorrupt, "format"},
		{"format damaged", altered(t, func(tx *bbolt.Tx) error {
			return tx.Bucket([]byte("clipdb")).Put([]byte("format"), []byte{1, 0, 0, 0, 1, 2, 3, 4})
		}), storage.ErrCorrupt, "format"},
		{"format missing", altered(t, func(tx *bbolt.Tx) error {
			return tx.Bucket([]byte("clipdb")).Delete([]byte("format"))
		}), storage.ErrCorrupt, "format"},
		{"state missing", altered(t, func(tx *bbolt.Tx) error {
			return tx.Bucket([]byte("clipdb")).Delete([]byte("state"))
		}), storage.ErrCorrupt, "state"},
		{"bucket missing", altered(t, func(tx *bbolt.Tx) error { return tx.DeleteBucket([]byte("slots")) }), storage.ErrCorrupt, "slots"},
		{"meta value damaged", altered(t, func(tx *bbolt.Tx) error {
			return tx.Bucket([]byte("meta")).Put([]byte("last"), []byte("12345678"))
		}), storage.ErrCorrupt, "last"},
	} {
		t.Run(c.name, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "it")
			if err := os.WriteFile(path, c.data, 0o600); err != nil {
				t.Fatal(err)
			}
			for _, readOnly := range []bool{true, false} {
				s, err := storage.Open(path, &storage.Options{ReadOnly: readOnly})
				if err == nil {
					_ = s.Close()
					t.Fatal("it was opened")
				}
				if !errors.Is(err, c.want) || !strings.Contains(err.Error(), path) || !strings.Contains(err.Error(), c.says) {
					t.Errorf("read-only %v: %v", readOnly, err)
				}
			}
			if b, _ := os.ReadFile(path); !bytes.Equal(b, c.data) {
				t.Error("the file was changed")
			}
			if err := os.Remove(path); err != nil { // nothing holds it
				t.Error(err)
			}
		})
	}
}

func TestOpenMissing(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "none.clipdb")
	if _, err := storage.Open(path, &storage.Options{ReadOnly: true}); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("read-only: %v", err)
	}
	if _, err := os.Stat(path); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("read-only has created it: %v", err)
	}
	if _, err := storage.Open(filepath.Join(dir, "no", "folder.clipdb"), nil); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("missing folder: %v", err)
	}
	if _, err := storage.Open(dir, nil); !errors.Is(err, storage.ErrNotDatabase) || !strings.Contains(err.Error(), "folder") {
		t.Errorf("folder: %v", err)
	}
	if runtime.GOOS != "windows" {
		if _, err := storage.Open(os.DevNull, nil); !errors.Is(err, storage.ErrNotDatabase) {
			t.Errorf("device: %v", err)
		}
	}
	s, err := storage.Open(path, nil)
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	info, err := os.Stat(path)
	if err != nil || runtime.GOOS != "windows" && info.Mode().Perm() != 0o600 {
		t.Errorf("%v, %v", info.Mode(), err)
	}
}

// TestOpenEmpty opens what an interrupted creation leaves: an empty file, or
// one in which bbolt was set up and nothing else.
func TestOpenEmpty(t *testing.T) {
	empty := filepath.Join(t.TempDir(), "empty")
	if err := os.WriteFile(empty, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	bare := filepath.Join(t.TempDir(), "bare")
	db, err := bbolt.Open(bare, 0o600, nil)
	if err != nil {
		t.Fatal(err)
	}
	_ = db.Close()
	for _, path := range []string{empty, bare} {
		before := fileSum(t, path)
		if _, err := storage.Open(path, &storage.Options{ReadOnly: true}); !errors.Is(err, storage.ErrNotDatabase) {
			t.Errorf("%s: %v", path, err)
		}
		if fileSum(t, path) != before {
			t.Errorf("%s was changed", path)
		}
		s := storagetest.MustOpenAt(t, path, nil)
		if err := write(s, 1); err != nil {
			t.Error(err)
		}
	}
}

// TestOpenMendsHead: a power cut can spoil the head that was being written.
func TestOpenMendsHead(t *testing.T) {
	good := sample(t, 4)
	for head := range 2 {
		for _, at := range []int{0, 8, 20, 70} {
			path := filepath.Join(t.TempDir(), "it")
			data := bytes.Clone(good)
			data[head*4096+at] ^= 0x55
			if err := os.WriteFile(path, data, 0o600); err != nil {
				t.Fatal(err)
			}
			r, err := storage.Open(path, &storage.Options{ReadOnly: true})
			if err != nil {
				t.Fatalf("head %d, byte %d: %v", head, at, err)
			}
			if p := storagetest.Problems(t, r); len(p) != 1 || !strings.Contains(p[0].String(), "heads") {
				t.Errorf("head %d, byte %d: problems %v", head, at, p)
			}
			_ = r.Close()
			storagetest.MustCheck(t, path)
		}
	}
}

// TestOpenThroughLink: compaction replaces the file, not the link to it.
func TestOpenThroughLink(t *testing.T) {
	dir := t.TempDir()
	real, link := filepath.Join(dir, "real.clipdb"), filepath.Join(dir, "link.clipdb")
	if err := os.Symlink(real, link); err != nil {
		t.Skipf("no symbolic links here: %v", err)
	}
	if err := os.WriteFile(real, sample(t, 2), 0o640); err != nil {
		t.Fatal(err)
	}
	s := storagetest.MustOpenAt(t, link, nil)
	if err := s.Compact(background); err != nil {
		t.Fatal(err)
	}
	if info, err := os.Lstat(link); err != nil || info.Mode()&fs.ModeSymlink == 0 {
		t.Errorf("the link is now %v, %v", info.Mode(), err)
	}
	if info, err := os.Lstat(real); err != nil || !info.Mode().IsRegular() || info.Mode().Perm() != 0o640 {
		t.Errorf("the file is now %v, %v", info.Mode(), err)
	}
	view(t, s, func(tx *storage.Tx) error { return verifyUpTo(tx, 2) })
}

// TestFreelistDamage: a page listed as free though it is in use would be
// overwritten by the next write.
func TestFreelistDamage(t *testing.T) {
	good := sample(t, 12)
	found := 0
	for at := 0; at+4096 <= len(good); at += 4096 {
		page := good[at : at+4096]
		id, flags, count := binary.NativeEndian.Uint64(page), binary.NativeEndian.Uint16(page[8:]), binary.NativeEndian.Uint16(page[10:])
		if flags != 0x10 || id != uint64(at/4096) || count == 0 {
			continue
		}
		for _, id := range []uint64{0, 1, 3, 1 << 40, 1<<64 - 1, uint64(at / 4096)} {
			data := bytes.Clone(good)
			binary.NativeEndian.PutUint64(data[at+16:], id)
			path := filepath.Join(t.TempDir(), "it")
			if err := os.WriteFile(path, data, 0o600); err != nil {
				t.Fatal(err)
			}
			s, err := storage.Open(path, nil)
			if err == nil {
				_ = s.Close()
				continue // an old list, or a page that is free
			}
			found++
			if !errors.Is(err, storage.ErrCorrupt) || fileSum(t, path) != sha256.Sum256(data) {
				t.Errorf("free page %d: %v", id, err)
			}
		}
	}
	if found < 4 {
		t.Errorf("only %d damaged lists were found out", found)
	}
}
