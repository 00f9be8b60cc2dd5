package storage

import (
	"fmt"

	"go.etcd.io/bbolt"
)

// Format is the number of the file format that this version writes. A file of
// a higher number is refused (ErrNewerFormat) and left as it is; one of a
// lower number is brought up to date when it is opened for writing.
const Format = 2

// A migration brings a file from the format that is its key to the next one,
// inside one transaction with the new number: a crash leaves the old file.
type migration func(tx *bbolt.Tx) error

// migrations holds one entry for each format before Format. Files of every
// format lie in testdata, and a test opens them all.
var migrations = map[int]migration{1: addBesideAndAudit}

// addBesideAndAudit is the step to format 2, which has a second set of vectors
// and the audit log: two empty buckets, and counters for them.
func addBesideAndAudit(tx *bbolt.Tx) error {
	b := tx.Bucket(bucketClipdb.name())
	st, err := decodeStateOf(b.Get(stateKey), 1, stateFields1)
	if err != nil {
		return located(err, bucketClipdb, "state")
	}
	if err := createBuckets(tx); err != nil {
		return err
	}
	return b.Put(stateKey, st.encode())
}

// readFormat returns the format number, or 0 for a file in which bbolt was set
// up but nothing was written yet.
func readFormat(tx *bbolt.Tx) (int, error) {
	b := tx.Bucket(bucketClipdb.name())
	if b == nil {
		if k, _ := tx.Cursor().First(); k == nil {
			return 0, nil
		}
		return 0, fmt.Errorf("%w: it is a bbolt file of another program", ErrNotDatabase)
	}
	v := b.Get(formatKey)
	if v == nil {
		return 0, fmt.Errorf("%w: the format number is missing", ErrCorrupt)
	}
	format, err := decodeFormat(v)
	if err != nil {
		return 0, err
	}
	if format < 1 {
		return 0, fmt.Errorf("%w: format number %d", ErrCorrupt, format)
	}
	return format, nil
}

// migrate runs the steps from one format to another and writes the new number.
func migrate(tx *bbolt.Tx, from, to int, steps map[int]migration) error {
	for format := from; format < to; format++ {
		step := steps[format]
		if step == nil {
			return fmt.Errorf("%w: no way leads from format %d to %d", ErrOlderFormat, format, to)
		}
		if err := step(tx); err != nil {
			return fmt.Errorf("from format %d to %d: %w", format, format+1, err)
		}
	}
	return tx.Bucket(bucketClipdb.name()).Put(formatKey, encodeFormat(uint32(to)))
}

// initialise fills a new file.
func initialise(tx *bbolt.Tx) error {
	if err := createBuckets(tx); err != nil {
		return err
	}
	b := tx.Bucket(bucketClipdb.name())
	if err := b.Put(stateKey, new(state).encode()); err != nil {
		return err
	}
	return b.Put(formatKey, encodeFormat(Format))
}
