package storage_test

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"testing"

	"go.etcd.io/bbolt"

	"github.com/clipdb/clipdb/storage"
	"github.com/clipdb/clipdb/storage/storagetest"
)

// TestCheckSays lists damage that keeps the structure whole, and what Check
// says of it.
func TestCheckSays(t *testing.T) {
	t.Parallel()
	b := func(tx *bbolt.Tx, name string) *bbolt.Bucket { return tx.Bucket([]byte(name)) }
	flip := func(b *bbolt.Bucket, key []byte, at int) error {
		v := bytes.Clone(b.Get(key))
		v[at] ^= 1
		return b.Put(key, v)
	}
	first := func(b *bbolt.Bucket) []byte { k, _ := b.Cursor().First(); return bytes.Clone(k) }
	for _, c := range []struct {
		name string
		do   func(tx *bbolt.Tx) error
		kind string
		says string
	}{
		{"record", func(tx *bbolt.Tx) error { return flip(b(tx, "records"), []byte("000001/0"), 5) }, "record", "checksum"},
		{"record moved", func(tx *bbolt.Tx) error {
			return b(tx, "records").Put([]byte("other"), bytes.Clone(b(tx, "records").Get([]byte("000001/0"))))
		}, "record", "checksum"},
		{"record lost", func(tx *bbolt.Tx) error { return b(tx, "records").Delete([]byte("000001/0")) }, "slot", "no readable record"},
		{"slot lost", func(tx *bbolt.Tx) error { return b(tx, "slots").Delete([]byte{0, 0, 0, 1}) }, "record", "mapped"},
		{"vector", func(tx *bbolt.Tx) error { return flip(b(tx, "vectors"), []byte{0, 0, 0, 0}, 300) }, "vector page", "checksum of slot"},
		{"vector head", func(tx *bbolt.Tx) error { return flip(b(tx, "vectors"), []byte{0, 0, 0, 0}, 8) }, "vector page", "checksum"},
		{"blob head", func(tx *bbolt.Tx) error { return flip(b(tx, "blobs"), first(b(tx, "blobs")), 3) }, "blob", "checksum"},
		{"blob byte", func(tx *bbolt.Tx) error {
			d := b(tx, "data")
			return flip(d.Bucket(first(d)), []byte{0, 0, 0, 0}, 0)
		}, "blob", ""},
		{"chunk lost", func(tx *bbolt.Tx) error {
			d := b(tx, "data")
			return d.Bucket(first(d)).Delete([]byte{0, 0, 0, 0})
		}, "blob", ""},
		{"blob lost", func(tx *bbolt.Tx) error { d := b(tx, "data"); return d.DeleteBucket(first(d)) }, "blob", "missing"},
		{"data without blob", func(tx *bbolt.Tx) error { return b(tx, "blobs").Delete(first(b(tx, "blobs"))) }, "blob data", "no readable blob"},
		{"log", func(tx *bbolt.Tx) error { return flip(b(tx, "log"), first(b(tx, "log")), 0) }, "log entry", "checksum"},
		{"log gap", func(tx *bbolt.Tx) error { return b(tx, "log").Delete([]byte{0, 0, 0, 0, 0, 0, 0, 2}) }, "log entry", "follows"},
		{"page", func(tx *bbolt.Tx) error { return flip(b(tx, "spaces").Bucket([]byte("hnsw")), []byte{0, 0, 0, 1}, 9) }, "index page", "checksum"},
		{"failure", func(tx *bbolt.Tx) error { return flip(b(tx, "failures"), []byte("bad.jpg"), 4) }, "failure", "checksum"},
		{"model", func(tx *bbolt.Tx) error { return flip(b(tx, "models"), []byte{0, 0, 0, 1}, 0) }, "model", "checksum"},
		{"stray value", func(tx *bbolt.Tx) error { return b(tx, "clipdb").Put([]byte("x"), nil) }, "header", "belong"},
		{"stray bucket", func(tx *bbolt.Tx) error { _, err := b(tx, "log").CreateBucket([]byte("x")); return err }, "log entry", "bucket"},
		{"free slot", func(tx *bbolt.Tx) error { return b(tx, "free").Put([]byte{0, 0, 0, 1}, []byte{1, 2, 3, 4}) }, "free slot", "checksum"},
		{"counter", func(tx *bbolt.Tx) error {
			v := bytes.Clone(b(tx, "clipdb").Get([]byte("state")))
			return b(tx, "clipdb").Put([]byte("state"), storage.ChangeState(v))
		}, "header", "counted"},
	} {
		t.Run(c.name, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "it")
			if err := os.WriteFile(path, altered(t, c.do), 0o600); err != nil {
				t.Fatal(err)
			}
			s, err := storage.Open(path, nil)
			if err != nil {
				t.Fatal(err)
			}
			defer s.Close()
			found := false
			for _, p := range storagetest.Problems(t, s) {
				found = found || p.Kind == c.kind && bytes.Contains([]byte(p.Text), []byte(c.says))
			}
			if !found {
				t.Errorf("not found: %s … %s in %v", c.kind, c.says, storagetest.Problems(t, s))
			}
			if err := s.Check(background, nil); !errors.Is(err, storage.ErrCorrupt) {
				t.Errorf("without report: %v", err)
			}
		})
	}
}
