package local_test

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"math"
	"math/rand/v2"
	"os"
	"path/filepath"
	"runtime"
	"testing"
	"time"

	"github.com/clipdb/clipdb/db/engine"
	"github.com/clipdb/clipdb/db/local"
)

// TestErased looks for what was deleted in the bytes of the file.
func TestErased(t *testing.T) {
	const dim = 64
	kinds := []local.Kind{local.Flat, local.HNSW, local.Scan}
	if runtime.GOOS != "windows" {
		kinds = append(kinds, local.Coder)
	}
	for _, kind := range kinds {
		opts := &local.Options{Index: local.IndexOptions{Kind: kind}}
		r := rand.New(rand.NewPCG(9, 9))
		at := time.Date(2024, 1, 1, 0, 0, 0, 0, time.UTC)
		secret := engine.Record{
			ID: "secret-identity", Caption: "a caption nobody may read", Vector: unit(r, dim), Created: at, Updated: at,
			Attrs: engine.Attrs{"place": engine.String("a place nobody may know")},
			Image: &engine.Image{Format: "jpeg", Width: 1, Height: 1, Size: 5000, Frames: 1, SHA256: [32]byte(noise(r, 32)), Original: noise(r, 5000), Thumbnail: noise(r, 900)},
		}
		replaced := engine.Record{ID: "stays", Caption: "a caption that was replaced", Vector: unit(r, dim), Created: at, Updated: at}
		after := replaced
		after.Caption, after.Vector = "new", unit(r, dim)

		// Two files that differ in the two vectors alone show what the index
		// keeps of a vector, whatever that is.
		path := filepath.Join(t.TempDir(), "test.clipdb")
		build(t, path, opts, at, secret, replaced)
		other, otherReplaced := secret, replaced
		other.Vector, otherReplaced.Vector = unit(r, dim), unit(r, dim)
		twin := filepath.Join(t.TempDir(), "twin.clipdb")
		build(t, twin, opts, at, other, otherReplaced)
		traces := onlyIn(t, path, twin)
		if len(traces) < 32 {
			t.Fatalf("%s: only %d traces of the vectors", kind, len(traces))
		}

		e := mustOpen(t, path, opts)
		if _, err := e.Put(ctx, []engine.Record{after}, engine.Replace); err != nil {
			t.Fatal(err)
		}
		if err := e.PutFailures(ctx, []engine.Failure{{ID: "secret-identity", Reason: "a reason nobody may see"}}); err != nil {
			t.Fatal(err)
		}
		if n, err := e.Delete(ctx, []string{"secret-identity"}); n != 1 || err != nil {
			t.Fatal(n, err)
		}
		if kind == local.HNSW && tracesIn(t, path, traces) == 0 {
			t.Fatal("nothing to erase: the test looks for the wrong thing")
		}
		if err := e.Compact(ctx); err != nil {
			t.Fatal(err)
		}
		words := map[string][]byte{
			"id": []byte("secret-identity"), "caption": []byte(secret.Caption), "attribute": []byte("a place nobody may know"),
			"image": secret.Image.Original[1000:1032], "thumbnail": secret.Image.Thumbnail[:32], "hash": secret.Image.SHA256[:],
			"vector": vectorBytes(secret.Vector)[:32], "replaced vector": vectorBytes(replaced.Vector)[:32],
			"replaced caption": []byte(replaced.Caption), "failure": []byte("a reason nobody may see"),
		}
		for _, closed := range []bool{false, true} {
			if closed {
				mustClose(t, e)
			}
			b, err := os.ReadFile(path)
			if err != nil {
				t.Fatal(err)
			}
			for name, trace := range words {
				if bytes.Contains(b, trace) {
					t.Errorf("%s, closed %v: the %s is still in the file", kind, closed, name)
				}
			}
			if found := tracesIn(t, path, traces); found > 0 {
				t.Errorf("%s, closed %v: %d of %d traces of the vectors are still in the file", kind, closed, found, len(traces))
			}
			if !bytes.Contains(b, vectorBytes(after.Vector)) {
				t.Errorf("%s: looking for a vector that is there finds none", kind)
			}
		}
	}
}

func noise(r *rand.Rand, n int) []byte {
	b := make([]byte, n)
	for i := range b {
		b[i] = byte(r.Uint32())
	}
	return b
}

func vectorBytes(v []float32) []byte {
	var b []byte
	for _, x := range v {
		b = binary.LittleEndian.AppendUint32(b, math.Float32bits(x))
	}
	return b
}

// build makes a file of 300 items and some more.
func build(t *testing.T, path string, opts *local.Options, at time.Time, more ...engine.Record) {
	t.Helper()
	e := mustOpen(t, path, opts)
	dim := len(more[0].Vector)
	if err := e.Bind(ctx, engine.Spec{Dim: dim}); err != nil {
		t.Fatal(err)
	}
	r := rand.New(rand.NewPCG(1, 9))
	var records []engine.Record
	for i := range 300 {
		records = append(records, engine.Record{ID: fmt.Sprint(i), Vector: unit(r, dim), Created: at, Updated: at})
	}
	for _, batch := range [][]engine.Record{records, more} {
		if _, err := e.Put(ctx, batch, engine.Create); err != nil {
			t.Fatal(err)
		}
	}
	mustClose(t, e)
}

type window [16]byte

// windows yields the stretches of 16 bytes that are not mostly repetition.
func windows(b []byte) func(func(window) bool) {
	return func(yield func(window) bool) {
		for i := 0; i+16 <= len(b); i++ {
			w := window(b[i : i+16])
			if distinct(w) >= 12 && !yield(w) {
				return
			}
		}
	}
}

func distinct(w window) (n int) {
	var seen [256]bool
	for _, x := range w {
		if !seen[x] {
			seen[x] = true
			n++
		}
	}
	return n
}

func tracesIn(t *testing.T, path string, traces map[window]bool) (n int) {
	t.Helper()
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	for w := range windows(b) {
		if traces[w] {
			n++
		}
	}
	return n
}

// onlyIn returns the windows of one file that another lacks.
func onlyIn(t *testing.T, path, other string) map[window]bool {
	t.Helper()
	a, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	b, err := os.ReadFile(other)
	if err != nil {
		t.Fatal(err)
	}
	out := map[window]bool{}
	for w := range windows(a) {
		out[w] = true
	}
	for w := range windows(b) {
		delete(out, w)
	}
	return out
}
