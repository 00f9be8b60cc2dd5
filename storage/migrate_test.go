package storage

import (
	"bytes"
	"errors"
	"path/filepath"
	"testing"

	"go.etcd.io/bbolt"
)

// TestMigrate runs steps that a future format could need.
func TestMigrate(t *testing.T) {
	open := func() *bbolt.DB {
		db, err := bbolt.Open(filepath.Join(t.TempDir(), "old.db"), 0o600, nil)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = db.Close() })
		err = db.Update(func(tx *bbolt.Tx) error {
			if err := initialise(tx); err != nil {
				return err
			}
			return tx.Bucket(bucketClipdb.name()).Put(formatKey, encodeFormat(1))
		})
		if err != nil {
			t.Fatal(err)
		}
		return db
	}
	steps := map[int]migration{
		1: func(tx *bbolt.Tx) error { return tx.Bucket(bucketMeta.name()).Put([]byte("trace"), []byte("1")) },
		2: func(tx *bbolt.Tx) error {
			b := tx.Bucket(bucketMeta.name())
			return b.Put([]byte("trace"), append(bytes.Clone(b.Get([]byte("trace"))), '2'))
		},
	}
	state := func(db *bbolt.DB) (format int, trace string) {
		_ = db.View(func(tx *bbolt.Tx) (err error) {
			format, err = readFormat(tx)
			if err != nil {
				t.Error(err)
			}
			trace = string(tx.Bucket(bucketMeta.name()).Get([]byte("trace")))
			return nil
		})
		return format, trace
	}
	db := open()
	if err := db.Update(func(tx *bbolt.Tx) error { return migrate(tx, 1, 3, steps) }); err != nil {
		t.Fatal(err)
	}
	if format, trace := state(db); format != 3 || trace != "12" {
		t.Errorf("format %d, steps %q", format, trace)
	}
	// A step that fails leaves the old file.
	db = open()
	mine := errors.New("mine")
	steps[2] = func(*bbolt.Tx) error { return mine }
	if err := db.Update(func(tx *bbolt.Tx) error { return migrate(tx, 1, 3, steps) }); !errors.Is(err, mine) {
		t.Error(err)
	}
	if format, trace := state(db); format != 1 || trace != "" {
		t.Errorf("format %d, steps %q", format, trace)
	}
	// A step that is missing is said, not skipped.
	delete(steps, 1)
	if err := db.Update(func(tx *bbolt.Tx) error { return migrate(tx, 1, 3, steps) }); !errors.Is(err, ErrOlderFormat) {
		t.Error(err)
	}
	// Every format before the current one has its step.
	for format := 1; format < Format; format++ {
		if migrations[format] == nil {
			t.Errorf("no step leads on from format %d", format)
		}
	}
}

// TestAccept: which formats are opened how.
func TestAccept(t *testing.T) {
	for _, c := range []struct {
		format   int
		readOnly bool
		want     error
	}{
		{Format, false, nil}, {Format, true, nil}, {0, false, nil}, {0, true, ErrNotDatabase},
		{Format + 1, false, ErrNewerFormat}, {Format + 1, true, ErrNewerFormat},
	} {
		s := &Store{readOnly: c.readOnly}
		if err := s.accept(c.format); !errors.Is(err, c.want) {
			t.Errorf("format %d, read-only %v: %v", c.format, c.readOnly, err)
		}
	}
}
