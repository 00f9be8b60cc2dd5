package storage

import (
	"bytes"
	"fmt"

	"go.etcd.io/bbolt"
)

// Tx is a transaction. It is valid inside the function that View or Update
// runs, and in the goroutine of that function only.
type Tx struct {
	s        *Store
	b        *bbolt.Tx
	writable bool
	dirty    bool  // something was written
	err      error // first damage met by a method that returns no error

	buckets [bucketCount]*bbolt.Bucket
	cursors [bucketCount]*bbolt.Cursor // for single lookups: a seek without allocation
	key     [8]byte                    // scratch for numeric keys

	st      state
	stRead  bool
	stDirty bool

	models  []string             // fingerprints by number, loaded when a record asks
	zero    map[Hash]struct{}    // blobs without references, dropped at the end unless they get one
	vectors [2]map[uint32][]byte // vector pages changed by this transaction, not yet put; by vectorSet.place
}

// Err is the first damage that a method without an error result has met. View
// and Update return it when their function returns nil, and Update then keeps
// nothing.
func (t *Tx) Err() error { return t.err }

// fail remembers the first error of a method that returns none.
func (t *Tx) fail(err error) {
	if t.err == nil {
		t.err = err
	}
}

// guard is deferred by every method that reaches into bbolt, which panics on
// pages that are not what it wrote: the panic becomes an ErrCorrupt.
func (t *Tx) guard(err *error, b bucketID) {
	if p := recover(); p != nil {
		*err = corrupt(b, "page", "%v", p)
	}
}

// open reports whether the transaction still runs, and may write if asked to.
func (t *Tx) open(write bool) error {
	switch {
	case t.b == nil:
		return ErrTxDone
	case write && !t.writable:
		return fmt.Errorf("%w: this is a View", ErrReadOnly)
	}
	return nil
}

// bucket must run under guard.
func (t *Tx) bucket(b bucketID) *bbolt.Bucket {
	if t.buckets[b] == nil {
		t.buckets[b] = t.b.Bucket(b.name())
		if t.buckets[b] == nil {
			panic(fmt.Sprintf("bucket %q is missing", bucketNames[b]))
		}
		t.buckets[b].FillPercent = b.fill()
	}
	return t.buckets[b]
}

// get returns the value of a key, nil when there is none. The value is valid
// until the transaction ends or changes the bucket.
func (t *Tx) get(b bucketID, key []byte) (value []byte, err error) {
	defer t.guard(&err, b)
	c := t.cursors[b]
	if c == nil {
		c = t.bucket(b).Cursor()
		t.cursors[b] = c
	}
	k, v := c.Seek(key)
	if !bytes.Equal(k, key) {
		return nil, nil
	}
	return v, nil
}

// put keeps value until the transaction ends: it must not change.
func (t *Tx) put(b bucketID, key, value []byte) (err error) {
	defer t.guard(&err, b)
	t.dirty = true
	if err := t.bucket(b).Put(key, value); err != nil {
		return fmt.Errorf("writing %s: %w", b.noun(), err)
	}
	return nil
}

func (t *Tx) delete(b bucketID, key []byte) (err error) {
	defer t.guard(&err, b)
	t.dirty = true
	if err := t.bucket(b).Delete(key); err != nil {
		return fmt.Errorf("deleting %s: %w", b.noun(), err)
	}
	return nil
}

// scan walks a bucket in key order from the first key not below from. fn runs
// outside the guard: its panics are its caller's own.
func (t *Tx) scan(b bucketID, from []byte, fn func(k, v []byte) bool) error {
	c, k, v, err := t.seek(b, from)
	for err == nil && k != nil && fn(k, v) {
		if t.b == nil {
			return ErrTxDone
		}
		k, v, err = t.next(b, c)
	}
	return err
}

func (t *Tx) seek(b bucketID, from []byte) (c *bbolt.Cursor, k, v []byte, err error) {
	defer t.guard(&err, b)
	c = t.bucket(b).Cursor()
	if from == nil {
		k, v = c.First()
	} else {
		k, v = c.Seek(from)
	}
	return c, k, v, nil
}

func (t *Tx) next(b bucketID, c *bbolt.Cursor) (k, v []byte, err error) {
	defer t.guard(&err, b)
	k, v = c.Next()
	return k, v, nil
}

// state returns the counters of the transaction; callers that change them call
// changed.
func (t *Tx) state() (*state, error) {
	if !t.stRead {
		v, err := t.get(bucketClipdb, stateKey)
		if err != nil {
			return nil, err
		}
		if v == nil {
			return nil, corrupt(bucketClipdb, "state", "it is missing")
		}
		if t.st, err = decodeState(v); err != nil {
			return nil, located(err, bucketClipdb, "state")
		}
		t.stRead = true
	}
	return &t.st, nil
}

func (t *Tx) changed() { t.stDirty = true }

// flush writes what the transaction has held back; Update calls it before the
// commit.
func (t *Tx) flush() error {
	if err := t.flushVectors(); err != nil {
		return err
	}
	if err := t.dropUnused(); err != nil {
		return err
	}
	if t.stDirty {
		return t.put(bucketClipdb, stateKey, t.st.encode())
	}
	return nil
}
