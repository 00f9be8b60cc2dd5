package storage

import (
	"fmt"
	"unicode/utf8"
)

// Limits of named values.
const (
	MaxMetaKey   = 256     // bytes
	MaxMetaValue = 1 << 20 // bytes
)

// Meta returns a copy of the value that PutMeta stored, or nil when there is
// none. Damage gives nil and fails the transaction (see Err).
func (t *Tx) Meta(key string) []byte {
	v, err := t.meta(key)
	if err != nil {
		t.fail(err)
	}
	return v
}

func (t *Tx) meta(key string) ([]byte, error) {
	if err := t.open(false); err != nil {
		return nil, err
	}
	if key == "" {
		return nil, nil
	}
	v, err := t.get(bucketMeta, []byte(key))
	if v == nil || err != nil {
		return nil, err
	}
	body, err := unseal([]byte(key), v)
	if err != nil {
		return nil, located(err, bucketMeta, key)
	}
	return append(make([]byte, 0, len(body)), body...), nil
}

// PutMeta stores a small named value; nil deletes it.
func (t *Tx) PutMeta(key string, value []byte) error {
	if err := t.open(true); err != nil {
		return err
	}
	switch {
	case key == "" || len(key) > MaxMetaKey || !utf8.ValidString(key):
		return fmt.Errorf("%w: meta key of %d bytes (1 to %d, UTF-8)", ErrInvalid, len(key), MaxMetaKey)
	case len(value) > MaxMetaValue:
		return fmt.Errorf("%w: meta value %q of %d bytes (limit %d)", ErrTooLarge, key, len(value), MaxMetaValue)
	case value == nil:
		return t.delete(bucketMeta, []byte(key))
	}
	body := append(make([]byte, 0, len(value)+sumSize), value...)
	return t.put(bucketMeta, []byte(key), seal([]byte(key), body))
}
