package page

import (
	"bytes"
	"errors"
	"fmt"
	"maps"
	"testing"
)

const magic, version = 0x54534554, 3

type disk map[uint32][]byte

func (d disk) put(key uint32, p []byte) error { d[key] = bytes.Clone(p); return nil }
func (d disk) get(key uint32) ([]byte, error) { return d[key], nil }

func fill(s string) func([]byte) []byte { return func(p []byte) []byte { return append(p, s...) } }

func write(t *testing.T, b *Book, d disk, header string, pages map[uint32]string) {
	t.Helper()
	w := b.Begin(d.put)
	for k, s := range pages {
		if err := w.Page(k, fill(s)); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Commit([]byte(header)); err != nil {
		t.Fatal(err)
	}
}

func TestRoundTrip(t *testing.T) {
	d, b := disk{}, &Book{Magic: magic, Version: version}
	write(t, b, d, "one", map[uint32]string{5: "five", 9: "nine"})
	write(t, b, d, "two", map[uint32]string{9: "NINE"})
	r, err := Open(d.get, magic, version)
	if err != nil {
		t.Fatal(err)
	}
	if string(r.Header) != "two" || !r.Has(5) || r.Has(6) {
		t.Fatalf("header %q", r.Header)
	}
	for k, want := range map[uint32]string{5: "five", 9: "NINE"} {
		if p, err := r.Page(k, 4); err != nil || string(p) != want {
			t.Errorf("page %d: %q, %v", k, p, err)
		}
	}
	if _, err := r.Page(9, 5); err == nil {
		t.Error("a page of another size was given out")
	}
}

// Pages of an earlier checkpoint under the header of a later one, and the
// other way round, are refused.
func TestTorn(t *testing.T) {
	d, b := disk{}, &Book{Magic: magic, Version: version}
	write(t, b, d, "one", map[uint32]string{5: "five", 9: "nine"})
	old := maps.Clone(d)
	write(t, b, d, "two", map[uint32]string{9: "NINE"})
	for name, torn := range map[string]disk{
		"new header": {0: d[0], 5: d[5], 9: old[9]},
		"new page":   {0: old[0], 5: old[5], 9: d[9]},
		"swapped":    {0: d[0], 5: d[9], 9: d[5]},
		"missing":    {0: d[0], 5: d[5]},
	} {
		r, err := Open(torn.get, magic, version)
		if err == nil {
			_, err = r.Page(9, 4)
		}
		var damage Damage
		if !errors.As(err, &damage) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestFailedPutLeavesBook(t *testing.T) {
	d, b := disk{}, &Book{Magic: magic, Version: version}
	write(t, b, d, "one", map[uint32]string{5: "five"})
	full := errors.New("disk full")
	w := b.Begin(func(uint32, []byte) error { return full })
	if err := w.Page(7, fill("seven")); !errors.Is(err, full) {
		t.Fatal(err)
	}
	if err := w.Commit(nil); !errors.Is(err, full) {
		t.Fatal(err)
	}
	if b.Has(7) || !b.Has(5) {
		t.Error("the book has changed")
	}
}

func TestEveryBitCounts(t *testing.T) {
	d, b := disk{}, &Book{Magic: magic, Version: version}
	write(t, b, d, "head", map[uint32]string{5: "five"})
	for key, p := range d {
		for i := range len(p) * 8 {
			bad := maps.Clone(d)
			bad[key] = bytes.Clone(p)
			bad[key][i/8] ^= 1 << (i % 8)
			r, err := Open(bad.get, magic, version)
			if err == nil {
				_, err = r.Page(5, 4)
			}
			if err == nil {
				t.Fatalf("bit %d of page %d flipped unseen", i, key)
			}
		}
	}
}

func FuzzOpen(f *testing.F) {
	d, b := disk{}, &Book{Magic: magic, Version: version}
	w := b.Begin(d.put)
	_ = w.Page(5, fill("five"))
	_ = w.Commit([]byte("head"))
	f.Add(d[0], d[5])
	f.Add([]byte{}, []byte(nil))
	f.Fuzz(func(t *testing.T, head, page []byte) {
		// The fuzzer cannot guess checksums, so they are put right.
		head, page = Reseal(head, 0), Reseal(page, 5)
		r, err := Open(disk{0: head, 5: page}.get, magic, version)
		if err != nil {
			return
		}
		if p, err := r.Page(5, 4); err == nil && len(p) != 4 {
			t.Fatal("size not kept")
		}
		_ = fmt.Sprint(r.Header)
	})
}
