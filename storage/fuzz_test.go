package storage

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"math"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"go.etcd.io/bbolt"
)

// Every fuzz target takes bytes as a file could hold them. Sealed values are
// sealed again after the change, since hostile files have good checksums.

func reseal(key, value []byte) []byte {
	if len(value) < sumSize {
		return value
	}
	return seal(key, bytes.Clone(value[:len(value)-sumSize]))
}

// expected are the errors a decoder may return.
func expected(err error) bool {
	var d damage
	return errors.As(err, &d) || errors.Is(err, ErrNewerFormat) || errors.Is(err, ErrCorrupt)
}

func fuzzRecords() []*Record {
	long := strings.Repeat("a long caption that says the same again and again, ", 20)
	return []*Record{
		{ID: "a"},
		{ID: "b", Slot: math.MaxUint32, Caption: "寿司 🚲", Attrs: []byte{0, 1, 255}, Created: time.Unix(5, 7)},
		{ID: "c", Caption: long, Attrs: []byte(long), Updated: time.Unix(-5, 7)},
		{
			ID: "folder/d.jpg", Slot: 7, Caption: "x", Created: time.Unix(0, math.MaxInt64), Updated: time.Unix(0, math.MinInt64+1),
			Image: &ImageRef{SHA256: Hash{1}, Blob: Hash{1}, Thumbnail: Hash{2}, Format: "jpeg", Width: 640, Height: 480, Size: 1 << 40, Frames: 3},
		},
		{ID: "e", Image: &ImageRef{SHA256: Hash{1}, Blob: Hash{3}, Format: strings.Repeat("f", MaxFormat)}},
	}
}

func FuzzRecord(f *testing.F) {
	z := &compressor{}
	f.Cleanup(z.close)
	for i, r := range fuzzRecords() {
		v, err := encodeRecord(r, uint64(i), z)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(r.ID, v, true)
		f.Add(r.ID, v[:len(v)/2], true)
		f.Add(r.ID, v, false)
	}
	f.Fuzz(func(t *testing.T, id string, value []byte, again bool) {
		if again {
			value = reseal([]byte(id), value)
		}
		r, model, err := decodeRecord(id, value, z)
		if err != nil {
			if !expected(err) {
				t.Fatalf("unexpected kind of error: %v", err)
			}
			return
		}
		// What can be read can be stored, and reads the same.
		if err := r.validate(); err != nil {
			t.Fatalf("%+v: %v", r, err)
		}
		second, err := encodeRecord(r, model, z)
		if err != nil {
			t.Fatal(err)
		}
		r2, model2, err := decodeRecord(id, second, z)
		if err != nil || model2 != model {
			t.Fatalf("%v, model %d, then %d", err, model, model2)
		}
		third, err := encodeRecord(r2, model, z)
		if err != nil || !bytes.Equal(second, third) {
			t.Fatalf("equal records give different bytes: %v\n%x\n%x", err, second, third)
		}
	})
}

func FuzzBlobHead(f *testing.F) {
	key := Hash{9}
	f.Add((&blobHead{number: 1, size: 5, stored: 5, chunk: 5, images: 1}).encode(key), true)
	f.Add((&blobHead{number: 1 << 60, codec: codecZstd, size: maxPlain, stored: 1, chunk: chunkSize, thumbnails: 1 << 50}).encode(key), false)
	f.Fuzz(func(t *testing.T, value []byte, again bool) {
		if again {
			value = reseal(key[:], value)
		}
		h, err := decodeBlobHead(key[:], value)
		if err != nil {
			if !expected(err) {
				t.Fatal(err)
			}
			return
		}
		h2, err := decodeBlobHead(key[:], h.encode(key))
		if err != nil || *h2 != *h {
			t.Fatalf("%+v, then %+v: %v", h, h2, err)
		}
		if h.size > maxPlain || h.stored > maxPlain || h.codec == codecRaw && h.size != h.stored {
			t.Fatalf("impossible sizes: %+v", h)
		}
	})
}

func FuzzExpand(f *testing.F) {
	z := &compressor{}
	f.Cleanup(z.close)
	small, err := z.shrink(bytes.Repeat([]byte("again "), 1000))
	if err != nil || small == nil {
		f.Fatal(err)
	}
	f.Add(small, uint64(6000))
	f.Add(small, uint64(10))
	f.Add([]byte("\x28\xb5\x2f\xfd\x84\x00\x10\x00\x00\x10"), uint64(1<<30))
	f.Fuzz(func(t *testing.T, packed []byte, size uint64) {
		size %= 1 << 20
		plain, err := z.expand(packed, size)
		if err != nil {
			if !expected(err) {
				t.Fatal(err)
			}
			return
		}
		if uint64(len(plain)) != size {
			t.Fatalf("%d bytes, %d were asked for", len(plain), size)
		}
	})
}

func FuzzVectorPage(f *testing.F) {
	st := &state{dim: 5, rows: 4}
	key := key32(3)
	p := vectorPage{data: newVectorPage(4, 5), rows: 4, dim: 5, first: 12}
	p.set(1, 13, []float32{1, 2, 3, 4, float32(math.NaN())})
	p.set(3, 15, make([]float32, 5))
	p.sign(key)
	f.Add(p.data, true)
	f.Add(p.data[:20], false)
	f.Fuzz(func(t *testing.T, value []byte, again bool) {
		value = bytes.Clone(value)
		tx := &Tx{}
		if p := (vectorPage{data: value, rows: 4, dim: 5}); again && len(value) >= headSize(4) {
			p.sign(key)
		}
		p, err := tx.parseVectorPage(st.set(servedSet), key, value)
		if err != nil {
			if !expected(err) {
				t.Fatal(err)
			}
			return
		}
		for row := range 4 {
			v, err := tx.readRow(p, bucketVectors, row, p.first+uint32(row), nil)
			if err == nil && len(v) != 5 || err != nil && !expected(err) {
				t.Fatal(v, err)
			}
		}
	})
}

func FuzzAudit(f *testing.F) {
	key := key64(7)
	f.Add(encodeAudit(key, AuditEntry{Time: time.Unix(5, 7), Op: "insert", Model: "m", IDs: []AuditID{{ID: "a"}, {Hash: []byte{1, 2}}}}), true)
	f.Add(encodeAudit(key, AuditEntry{Time: time.Unix(-5, 7), Op: "compact"}), false)
	f.Fuzz(func(t *testing.T, value []byte, again bool) {
		if again {
			value = reseal(key, value)
		}
		e, err := decodeAudit(key, value)
		if err != nil {
			if !expected(err) {
				t.Fatal(err)
			}
			return
		}
		if err := e.validate(); err != nil {
			t.Fatal(err)
		}
		second, err := decodeAudit(key, encodeAudit(key, e))
		if err != nil || !reflect.DeepEqual(second, e) {
			t.Fatalf("%+v, then %+v: %v", e, second, err)
		}
	})
}

func FuzzSmallValues(f *testing.F) {
	key := key64(5)
	f.Add(key, seal(key, encodeLog(LogAdd, 7)), true)
	f.Add([]byte("bad.jpg"), encodeFailure(Failure{ID: "bad.jpg", Reason: "cut short", Time: time.Unix(7, 7)}), true)
	f.Add(stateKey, (&state{dim: 512, rows: 8, slotLimit: 3}).encode(), true)
	f.Add(formatKey, encodeFormat(1), false)
	f.Add(key32(1), seal(key32(1), []byte("model")), true)
	f.Fuzz(func(t *testing.T, key, value []byte, again bool) {
		if again {
			value = reseal(key, value)
		}
		if e, err := decodeLog(key, value); err == nil && e.Op != LogAdd && e.Op != LogDelete {
			t.Fatal(e)
		} else if err != nil && !expected(err) {
			t.Fatal(err)
		}
		if fail, err := decodeFailure(key, value); err == nil {
			if !utf8.ValidString(fail.Reason) || !utf8.ValidString(fail.ID) || len(fail.Reason) > MaxReason {
				t.Fatalf("%+v", fail)
			}
			again, err := decodeFailure(key, encodeFailure(fail))
			if err != nil || again.Reason != fail.Reason || !again.Time.Equal(fail.Time) {
				t.Fatalf("%+v, then %+v: %v", fail, again, err)
			}
		} else if !expected(err) {
			t.Fatal(err)
		}
		if st, err := decodeState(reseal(stateKey, value)); err == nil {
			if again, err := decodeState(st.encode()); err != nil || again != st {
				t.Fatalf("%+v, then %+v: %v", st, again, err)
			}
		} else if !expected(err) {
			t.Fatal(err)
		}
		if _, err := decodeFormat(value); err != nil && !expected(err) {
			t.Fatal(err)
		}
		if name, err := decodeModel(key, value, 1); err == nil && !utf8.ValidString(name) {
			t.Fatalf("%q", name)
		}
		if _, err := decodeFree(key, value); err != nil && !expected(err) {
			t.Fatal(err)
		}
	})
}

// FuzzLayout changes eight bytes of a file and walks it.
func FuzzLayout(f *testing.F) {
	path := filepath.Join(f.TempDir(), "layout.db")
	db, err := bbolt.Open(path, 0o600, &bbolt.Options{PageSize: 4096})
	if err != nil {
		f.Fatal(err)
	}
	for round := range 3 {
		err = db.Update(func(tx *bbolt.Tx) error {
			b, err := tx.CreateBucketIfNotExists([]byte("many"))
			if err != nil {
				return err
			}
			for i := range 300 {
				if err := b.Put(key32(uint32(i*7+round)), bytes.Repeat([]byte{byte(i)}, 40+i)); err != nil {
					return err
				}
			}
			inner, err := b.CreateBucketIfNotExists([]byte("inner"))
			if err != nil {
				return err
			}
			return inner.Put(key32(uint32(round)), make([]byte, 9000*round))
		})
		if err != nil {
			f.Fatal(err)
		}
	}
	if err := db.Close(); err != nil {
		f.Fatal(err)
	}
	good, err := os.ReadFile(path)
	if err != nil {
		f.Fatal(err)
	}
	l, err := readLayout(bytes.NewReader(good), int64(len(good)))
	if err != nil {
		f.Fatal(err)
	}
	if err := l.checkAll(context.Background(), func(err error) { f.Error(err) }); err != nil {
		f.Fatal(err)
	}
	f.Add(uint32(16), uint64(0), true)
	for page := range uint32(12) {
		f.Add(page*4096, uint64(3), true)         // its number
		f.Add(page*4096+8, uint64(1), true)       // its kind
		f.Add(page*4096+12, uint64(1<<31), true)  // its overflow
		f.Add(page*4096+24, uint64(page), true)   // a child, or a length
		f.Add(page*4096+28, uint64(0xFFFF), true) // lengths
	}
	f.Fuzz(func(t *testing.T, at uint32, value uint64, heads bool) {
		data := bytes.Clone(good)
		i := int(at) % (len(data) - 8)
		binary.NativeEndian.PutUint64(data[i:], value)
		if heads {
			copy(data[:8192], good[:8192])
		}
		l, err := readLayout(bytes.NewReader(data), int64(len(data)))
		if err != nil {
			return
		}
		faults := 0
		if err := l.checkAll(context.Background(), func(error) { faults++ }); err != nil {
			t.Logf("walk: %v", err)
		}
		// The quick look finds nothing that the whole one does not find.
		if err := l.checkQuick(); err != nil && faults == 0 {
			t.Errorf("only the quick look finds: %v", err)
		}
	})
}
