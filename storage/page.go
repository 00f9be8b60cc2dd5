package storage

import (
	"fmt"
	"unicode/utf8"

	"go.etcd.io/bbolt"
)

// Limits of index pages.
const (
	MaxSpace = 64       // bytes of the name of a space
	MaxPage  = 64 << 20 // bytes
)

// PutPage stores a page of an index checkpoint, replacing the one of that key.
// The bytes are copied.
func (t *Tx) PutPage(space string, key uint32, page []byte) (err error) {
	if err := t.open(true); err != nil {
		return err
	}
	switch {
	case space == "" || len(space) > MaxSpace || !utf8.ValidString(space):
		return fmt.Errorf("%w: page space of %d bytes (1 to %d, UTF-8)", ErrInvalid, len(space), MaxSpace)
	case len(page) > MaxPage:
		return fmt.Errorf("%w: page %s/%d of %d bytes (limit %d)", ErrTooLarge, space, key, len(page), MaxPage)
	}
	st, err := t.state()
	if err != nil {
		return err
	}
	defer t.guard(&err, bucketSpaces)
	b, err := t.bucket(bucketSpaces).CreateBucketIfNotExists([]byte(space))
	if err != nil {
		return fmt.Errorf("writing page %s/%d: %w", space, key, err)
	}
	k := key32(key)
	if old := b.Get(k); old != nil {
		st.pages -= min(1, st.pages)
		st.pageBytes -= min(uint64(len(old)), st.pageBytes)
	}
	value := append(make([]byte, 0, len(page)+sumSize), page...)
	value = seal(pageKey(space, k), value)
	st.pages++
	st.pageBytes += uint64(len(value))
	t.changed()
	t.dirty = true
	b.FillPercent = 1
	return b.Put(k, value)
}

// pageKey is what the checksum of a page covers besides its bytes.
func pageKey(space string, key []byte) []byte { return append([]byte(space), key...) }

// Page returns a page, valid until the transaction ends, or nil when there is
// none. A damaged page counts as absent, and is logged: an index is rebuilt
// from the vectors, which are what must not be lost.
func (t *Tx) Page(space string, key uint32) []byte {
	if err := t.open(false); err != nil {
		t.fail(err)
		return nil
	}
	page, err := t.page(space, key)
	if err != nil {
		t.s.log.Warn("index page cannot be read", "space", space, "page", key, "error", err)
	}
	return page
}

func (t *Tx) page(space string, key uint32) (page []byte, err error) {
	defer t.guard(&err, bucketSpaces)
	b := t.space(space)
	if b == nil {
		return nil, nil
	}
	k := key32(key)
	v := b.Get(k)
	if v == nil {
		return nil, nil
	}
	return unseal(pageKey(space, k), v)
}

// space must run under guard. It is nil when there is no page of that space.
func (t *Tx) space(space string) *bbolt.Bucket {
	if space == "" {
		return nil
	}
	return t.bucket(bucketSpaces).Bucket([]byte(space))
}

// DropPages removes all pages of a space.
func (t *Tx) DropPages(space string) (err error) {
	if err := t.open(true); err != nil {
		return err
	}
	st, err := t.state()
	if err != nil {
		return err
	}
	defer t.guard(&err, bucketSpaces)
	b := t.space(space)
	if b == nil {
		return nil
	}
	c := b.Cursor()
	for k, v := c.First(); k != nil; k, v = c.Next() {
		st.pages -= min(1, st.pages)
		st.pageBytes -= min(uint64(len(v)), st.pageBytes)
	}
	t.changed()
	t.dirty = true
	return t.bucket(bucketSpaces).DeleteBucket([]byte(space))
}
