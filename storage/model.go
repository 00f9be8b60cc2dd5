package storage

import (
	"encoding/binary"
	"slices"
	"unicode/utf8"
)

// Records name their model by a small number, since a fingerprint is as long
// as the rest of a record. Numbers start at 1 and are never used again.

// modelName is the fingerprint of a number, "" for 0.
func (t *Tx) modelName(n uint64) (string, error) {
	if n == 0 {
		return "", nil
	}
	if err := t.loadModels(); err != nil {
		return "", err
	}
	if n > uint64(len(t.models)) {
		return "", corrupt(bucketModels, number(key64(n)), "a record names it, but it is not there")
	}
	return t.models[n-1], nil
}

// modelNumber is the number of a fingerprint, which it stores when it is new.
func (t *Tx) modelNumber(name string) (uint64, error) {
	if name == "" {
		return 0, nil
	}
	if err := t.loadModels(); err != nil {
		return 0, err
	}
	if i := slices.Index(t.models, name); i >= 0 {
		return uint64(i + 1), nil
	}
	n := uint32(len(t.models) + 1)
	if err := t.put(bucketModels, key32(n), seal(key32(n), []byte(name))); err != nil {
		return 0, err
	}
	t.models = append(slices.Clip(t.models), name)
	return uint64(n), nil
}

func (t *Tx) loadModels() error {
	if t.models != nil {
		return nil
	}
	models := []string{}
	var bad error
	err := t.scan(bucketModels, nil, func(k, v []byte) bool {
		var name string
		if name, bad = decodeModel(k, v, len(models)+1); bad != nil {
			bad = located(bad, bucketModels, number(k))
			return false
		}
		models = append(models, name)
		return true
	})
	if err == nil {
		err = bad
	}
	if err == nil {
		t.models = models
	}
	return err
}

func decodeModel(key, value []byte, want int) (string, error) {
	body, err := unseal(key, value)
	if err != nil {
		return "", err
	}
	if len(key) != 4 || binary.BigEndian.Uint32(key) != uint32(want) {
		return "", damaged("it stands where %d should", want)
	}
	if len(body) > MaxModel || !utf8.Valid(body) {
		return "", damaged("%d bytes are no fingerprint", len(body))
	}
	return string(body), nil
}
