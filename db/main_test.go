package db_test

import (
	"bytes"
	"context"
	"math"
	"math/rand/v2"
	"os"
	"path/filepath"
	"testing"

	"github.com/clipdb/clipdb/db"
	"github.com/clipdb/clipdb/db/engine"
	"github.com/clipdb/clipdb/db/local"
	"github.com/clipdb/clipdb/storage/storagetest"
)

var ctx = context.Background()

func TestMain(m *testing.M) {
	os.Exit(storagetest.Main(m, map[string]func([]string){"insert": insertChild, "batch": batchChild, "reembed": reembedChild}))
}

func newPath(t testing.TB) string { return filepath.Join(t.TempDir(), "test.clipdb") }

// open opens a database that is verified and closed at the end of the test.
func open(t testing.TB, path string, opts *db.Options) *db.DB {
	t.Helper()
	return openLocal(t, path, nil, opts)
}

func openLocal(t testing.TB, path string, lo *local.Options, opts *db.Options) *db.DB {
	t.Helper()
	eng, err := local.Open(path, lo)
	if err != nil {
		t.Fatal(err)
	}
	d, err := db.Open(eng, opts)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if _, err := d.Stats(ctx); err == nil {
			verified(t, d)
		}
		if err := d.Close(); err != nil {
			t.Error(err)
		}
	})
	return d
}

func verified(t testing.TB, d *db.DB) {
	t.Helper()
	rep, err := d.Verify(ctx)
	if err != nil || !rep.OK() {
		t.Errorf("Verify: %v, %v", rep.Problems, err)
	}
}

func mustInsert(t testing.TB, d *db.DB, item db.Item) string {
	t.Helper()
	id, err := d.Insert(ctx, item)
	if err != nil {
		t.Fatalf("Insert: %v", err)
	}
	return id
}

func count(t testing.TB, d *db.DB) (n int) {
	t.Helper()
	for _, err := range d.All(ctx) {
		if err != nil {
			t.Fatal(err)
		}
		n++
	}
	return n
}

func picture(t testing.TB, colour string, seed int) *bytes.Reader {
	t.Helper()
	return bytes.NewReader(asPNG(t, painted(colour, seed)))
}

func vector(seed, dim int) []float32 {
	r := rand.New(rand.NewPCG(uint64(seed), 5))
	v := make([]float32, dim)
	var norm float64
	for i := range v {
		x := r.NormFloat64()
		v[i] = float32(x)
		norm += x * x
	}
	for i := range v {
		v[i] /= float32(math.Sqrt(norm))
	}
	return v
}

var _ engine.Engine = (*local.Engine)(nil)
