package local_test

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io/fs"
	"math"
	"math/rand/v2"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"go.etcd.io/bbolt"

	"github.com/clipdb/clipdb/db/engine"
	"github.com/clipdb/clipdb/db/local"
	"github.com/clipdb/clipdb/storage"
)

var ctx = context.Background()

func unit(r *rand.Rand, dim int) []float32 {
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

func mustOpen(t testing.TB, path string, opts *local.Options) *local.Engine {
	t.Helper()
	e, err := local.Open(path, opts)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { mustClose(t, e) })
	return e
}

func mustClose(t testing.TB, e *local.Engine) {
	t.Helper()
	if err := e.Close(); err != nil {
		t.Error(err)
	}
}

// fill binds and puts n random vectors under ids from first on.
func fill(t testing.TB, e *local.Engine, dim, first, n int) {
	t.Helper()
	if err := e.Bind(ctx, engine.Spec{Dim: dim}); err != nil {
		t.Fatal(err)
	}
	var batch []engine.Record
	for i := first; i < first+n; i++ {
		batch = append(batch, engine.Record{ID: fmt.Sprint(i), Vector: unit(rand.New(rand.NewPCG(uint64(i), 0)), dim), Attrs: engine.Attrs{"n": engine.Int(int64(i))}})
		if len(batch) == 1000 || i == first+n-1 {
			results, err := e.Put(ctx, batch, engine.Replace)
			if err != nil {
				t.Fatal(err)
			}
			for _, r := range results {
				if r.Err != nil {
					t.Fatal(r.Err)
				}
			}
			batch = nil
		}
	}
}

// findsItself makes sure that items first to last are found by their vectors.
func findsItself(t testing.TB, e *local.Engine, dim int, ids ...int) {
	t.Helper()
	for _, i := range ids {
		v := unit(rand.New(rand.NewPCG(uint64(i), 0)), dim)
		hits, err := e.Search(ctx, engine.Query{Vector: v, K: 1})
		if err != nil || len(hits) != 1 || hits[0].Record.ID != fmt.Sprint(i) {
			t.Fatalf("item %d is not found by its vector: %v, %v", i, hits, err)
		}
	}
}

func verified(t testing.TB, e *local.Engine) {
	t.Helper()
	rep, err := e.Verify(ctx)
	if err != nil || !rep.OK() {
		t.Errorf("Verify: %v, %v", rep.Problems, err)
	}
}

type heard struct {
	mu     sync.Mutex
	events []engine.Event
}

func (h *heard) listen(ev engine.Event) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.events = append(h.events, ev)
}

func (h *heard) finished(kind engine.EventKind) (n int, reasons string) {
	h.mu.Lock()
	defer h.mu.Unlock()
	for _, ev := range h.events {
		if ev.Kind == kind && ev.Finished {
			n++
			reasons += ev.Reason + ";"
		}
	}
	return n, reasons
}

func TestOpenRefuses(t *testing.T) {
	dir := t.TempDir()
	good := filepath.Join(dir, "good.clipdb")
	e := mustOpen(t, good, nil)
	fill(t, e, 4, 0, 10)
	mustClose(t, e)

	newer := filepath.Join(dir, "newer.clipdb")
	b, err := os.ReadFile(good)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(newer, b, 0o600); err != nil {
		t.Fatal(err)
	}
	setFormat(t, newer, storage.Format+1)
	text := filepath.Join(dir, "text")
	if err := os.WriteFile(text, []byte("some text"), 0o600); err != nil {
		t.Fatal(err)
	}
	cut := filepath.Join(dir, "cut")
	if err := os.WriteFile(cut, b[:3*4096], 0o600); err != nil {
		t.Fatal(err)
	}
	locked := filepath.Join(dir, "locked.clipdb")
	holder := mustOpen(t, locked, nil)
	defer mustClose(t, holder)
	for _, c := range []struct {
		name, path string
		opts       local.Options
		want       error
	}{
		{"newer", newer, local.Options{}, engine.ErrNewerFormat},
		{"text", text, local.Options{}, engine.ErrNotDatabase},
		{"folder", dir, local.Options{}, engine.ErrNotDatabase},
		{"cut", cut, local.Options{}, engine.ErrCorrupt},
		{"missing, read-only", filepath.Join(dir, "none"), local.Options{ReadOnly: true}, fs.ErrNotExist},
		{"missing folder", filepath.Join(dir, "no", "such"), local.Options{}, fs.ErrNotExist},
		{"locked", locked, local.Options{LockTimeout: 50 * time.Millisecond}, engine.ErrLocked},
		{"locked, read-only", locked, local.Options{LockTimeout: 50 * time.Millisecond, ReadOnly: true}, engine.ErrLocked},
		{"unknown index", good, local.Options{Index: local.IndexOptions{Kind: "tree"}}, nil},
		{"silly M", good, local.Options{Index: local.IndexOptions{M: 1}}, nil},
	} {
		before, _ := os.ReadFile(c.path)
		_, err := local.Open(c.path, &c.opts)
		if err == nil || c.want != nil && !errors.Is(err, c.want) {
			t.Errorf("%s: %v, want %v", c.name, err, c.want)
		}
		if err != nil && c.want != nil && !strings.Contains(err.Error(), c.path) {
			t.Errorf("%s: the error does not name the file: %v", c.name, err)
		}
		if after, _ := os.ReadFile(c.path); !bytes.Equal(before, after) {
			t.Errorf("%s: the file was changed", c.name)
		}
	}
}

// setFormat writes another format number, as docs/format.md lays it out.
func setFormat(t testing.TB, path string, format uint32) {
	t.Helper()
	db, err := bbolt.Open(path, 0o600, nil)
	if err != nil {
		t.Fatal(err)
	}
	value := binary.LittleEndian.AppendUint32(nil, format)
	value = binary.LittleEndian.AppendUint32(value, crcOf("format", value))
	err = db.Update(func(tx *bbolt.Tx) error { return tx.Bucket([]byte("clipdb")).Put([]byte("format"), value) })
	if err := errors.Join(err, db.Close()); err != nil {
		t.Fatal(err)
	}
}

// TestCrashImages opens copies of the file as a crash would leave them: with
// changes after the checkpoint, of every kind.
func TestCrashImages(t *testing.T) {
	const dim = 16
	for _, kind := range []local.Kind{local.Flat, local.HNSW, local.Scan} {
		t.Run(string(kind), func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "test.clipdb")
			opts := &local.Options{Index: local.IndexOptions{Kind: kind}}
			e := mustOpen(t, path, opts)
			fill(t, e, dim, 0, 400)
			mustClose(t, e) // a checkpoint of 400
			e = mustOpen(t, path, opts)
			fill(t, e, dim, 400, 200)
			ids := func(from, to int) (out []string) {
				for i := from; i < to; i++ {
					out = append(out, fmt.Sprint(i))
				}
				return out
			}
			if _, err := e.Delete(ctx, append(ids(100, 150), ids(450, 500)...)); err != nil {
				t.Fatal(err)
			}
			fill(t, e, dim, 120, 10) // back again, in other slots
			for i := range 20 {      // other vectors
				if _, err := e.Put(ctx, []engine.Record{{ID: fmt.Sprint(i), Vector: unit(rand.New(rand.NewPCG(uint64(1000+i), 0)), dim)}}, engine.Replace); err != nil {
					t.Fatal(err)
				}
			}
			image := filepath.Join(t.TempDir(), "image.clipdb")
			b, err := os.ReadFile(path)
			if err != nil {
				t.Fatal(err)
			}
			if err := os.WriteFile(image, b, 0o600); err != nil {
				t.Fatal(err)
			}
			var h heard
			c := mustOpen(t, image, &local.Options{Index: opts.Index, Listener: h.listen})
			if n, reasons := h.finished(engine.EventRebuild); n > 0 {
				t.Errorf("the index was built anew: %s", reasons)
			}
			if n, _ := h.finished(engine.EventReplay); kind != local.Flat && n != 1 {
				t.Errorf("%d replays", n)
			}
			verified(t, c)
			findsItself(t, c, dim, 20, 99, 120, 129, 150, 399, 400, 449, 500, 599)
			q := unit(rand.New(rand.NewPCG(1, 2)), dim)
			got, err := c.Search(ctx, engine.Query{Vector: q, K: 1000})
			if err != nil {
				t.Fatal(err)
			}
			want, err := e.Search(ctx, engine.Query{Vector: q, K: 1000})
			if err != nil || len(want) != 510 {
				t.Fatalf("%d hits, %v", len(want), err)
			}
			if !slices.EqualFunc(got, want, func(a, b engine.Hit) bool { return a.Record.ID == b.Record.ID && a.Score == b.Score }) {
				t.Errorf("the copy answers otherwise: %d hits, %d in the original", len(got), len(want))
			}
			// Life goes on, the slots of what was deleted included.
			fill(t, c, dim, 2000, 100)
			mustClose(t, c)
			c = mustOpen(t, image, opts)
			findsItself(t, c, dim, 2000, 2099, 120)
			verified(t, c)
		})
	}
}

// TestIndexIsDisposable damages and removes what the file holds of the index.
func TestIndexIsDisposable(t *testing.T) {
	const dim = 16
	opts := local.Options{Index: local.IndexOptions{Kind: local.HNSW}}
	path := filepath.Join(t.TempDir(), "test.clipdb")
	e := mustOpen(t, path, &opts)
	fill(t, e, dim, 0, 500)
	mustClose(t, e)
	for name, damage := range map[string]func(tx *storage.Tx) error{
		"no pages": func(tx *storage.Tx) error { return tx.DropPages("index") },
		"no meta":  func(tx *storage.Tx) error { return tx.PutMeta("index", nil) },
		"odd meta": func(tx *storage.Tx) error { return tx.PutMeta("index", []byte("{")) },
		"later": func(tx *storage.Tx) error {
			return tx.PutMeta("index", []byte(`{"version":1,"kind":"hnsw","dim":16,"m":16,"ef_construction":200,"log":100000}`))
		},
		"other links": func(tx *storage.Tx) error {
			return tx.PutMeta("index", []byte(`{"version":1,"kind":"hnsw","dim":16,"m":8,"ef_construction":200,"log":500}`))
		},
		"newer": func(tx *storage.Tx) error { return tx.PutMeta("index", []byte(`{"version":99,"kind":"hnsw"}`)) },
		"half a page": func(tx *storage.Tx) error {
			for key := range uint32(1 << 16) {
				if p := tx.Page("index", key); p != nil {
					return tx.PutPage("index", key, append([]byte{}, p[:len(p)/2]...))
				}
			}
			return errors.New("there is no page")
		},
		"log cut": func(tx *storage.Tx) error {
			slot := uint32(3)
			for range 3 {
				if _, err := tx.AppendLog(storage.LogDelete, slot); err != nil {
					return err
				}
			}
			return tx.TrimLog(tx.LastLog() - 1)
		},
	} {
		t.Run(name, func(t *testing.T) {
			copied := filepath.Join(t.TempDir(), "copy.clipdb")
			b, err := os.ReadFile(path)
			if err != nil {
				t.Fatal(err)
			}
			if err := os.WriteFile(copied, b, 0o600); err != nil {
				t.Fatal(err)
			}
			s, err := storage.Open(copied, nil)
			if err != nil {
				t.Fatal(err)
			}
			if err := errors.Join(s.Update(damage), s.Close()); err != nil {
				t.Fatal(err)
			}
			for _, readOnly := range []bool{true, false} {
				var h heard
				o := opts
				o.Listener, o.ReadOnly = h.listen, readOnly
				e := mustOpen(t, copied, &o)
				if n, _ := h.finished(engine.EventRebuild); n != 1 {
					t.Errorf("read-only %v: the index was built %d times", readOnly, n)
				}
				findsItself(t, e, dim, 0, 250, 499)
				verified(t, e)
				mustClose(t, e)
			}
			var h heard
			o := opts
			o.Listener = h.listen
			e := mustOpen(t, copied, &o)
			if n, _ := h.finished(engine.EventRestore); n != 1 {
				t.Error("the new index was not kept")
			}
			findsItself(t, e, dim, 7)
		})
	}
}

// TestDamagedVector: what is lost is one item, not the database.
func TestDamagedVector(t *testing.T) {
	const dim = 64
	for _, kind := range []local.Kind{local.Flat, local.HNSW, local.Scan} {
		path := filepath.Join(t.TempDir(), "test.clipdb")
		opts := &local.Options{Index: local.IndexOptions{Kind: kind}}
		e := mustOpen(t, path, opts)
		fill(t, e, dim, 0, 200)
		mustClose(t, e)
		b, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		at := bytes.Index(b, vectorBytes(unit(rand.New(rand.NewPCG(77, 0)), dim)))
		if at < 0 {
			t.Fatal("vector 77 is not in the file")
		}
		b[at+100] ^= 4
		if err := os.WriteFile(path, b, 0o600); err != nil {
			t.Fatal(err)
		}
		e = mustOpen(t, path, opts)
		findsItself(t, e, dim, 0, 76, 78, 199)
		rep, err := e.Verify(ctx)
		if err != nil || rep.OK() {
			t.Errorf("%s: Verify of a damaged vector: %+v, %v", kind, rep, err)
		}
		if _, err := e.Get(ctx, "77", engine.Fetch{Vector: true}); !errors.Is(err, engine.ErrCorrupt) {
			t.Errorf("%s: Get: %v", kind, err)
		}
		fill(t, e, dim, 77, 1)
		findsItself(t, e, dim, 0, 77)
		verified(t, e)
		if err := e.Compact(ctx); err != nil {
			t.Error(err)
		}
		mustClose(t, e)
		e = mustOpen(t, path, opts)
		findsItself(t, e, dim, 77)
		verified(t, e)
		mustClose(t, e)
	}
}

func TestKindGrowsAndChanges(t *testing.T) {
	const dim = 8
	path := filepath.Join(t.TempDir(), "test.clipdb")
	e := mustOpen(t, path, nil)
	kind := func(want string) {
		t.Helper()
		st, err := e.Stats(ctx)
		if err != nil || st.Index.Kind != want || st.Index.Live != st.Records {
			t.Errorf("index %+v of %d records (%v), want %s", st.Index, st.Records, err, want)
		}
	}
	fill(t, e, dim, 0, local.FlatLimit)
	kind("flat")
	fill(t, e, dim, local.FlatLimit, 1)
	kind("hnsw")
	findsItself(t, e, dim, 0, local.FlatLimit)
	mustClose(t, e)
	e = mustOpen(t, path, nil)
	kind("hnsw")
	var ids []string
	for i := 100; i <= local.FlatLimit; i++ {
		ids = append(ids, fmt.Sprint(i))
	}
	if n, err := e.Delete(ctx, ids); n != len(ids) || err != nil {
		t.Fatal(n, err)
	}
	kind("hnsw")
	if err := e.Compact(ctx); err != nil {
		t.Fatal(err)
	}
	kind("flat")
	// Options that differ from the file make another index, zero ones do not.
	var h heard
	mustClose(t, e)
	e = mustOpen(t, path, &local.Options{Index: local.IndexOptions{Kind: local.HNSW, M: 8}, Listener: h.listen})
	if n, _ := h.finished(engine.EventRebuild); n != 1 {
		t.Errorf("%d rebuilds for other options", n)
	}
	mustClose(t, e)
	h = heard{}
	e = mustOpen(t, path, &local.Options{Listener: h.listen})
	if n, _ := h.finished(engine.EventRebuild); n != 0 {
		t.Errorf("%d rebuilds for zero options", n)
	}
	for _, k := range []local.Kind{local.HNSW, local.Flat, local.HNSW, local.Auto} {
		mustClose(t, e)
		e = mustOpen(t, path, &local.Options{Index: local.IndexOptions{Kind: k}})
		if k == local.Auto {
			k = local.HNSW // what the file has
		}
		kind(string(k))
		findsItself(t, e, dim, 0, 99)
		verified(t, e)
	}
}

// TestCheckpointAndSlots changes the same few items over and over: the log and
// the slots must not grow for ever.
func TestCheckpointAndSlots(t *testing.T) {
	const dim, items = 4, 50
	for _, kind := range []local.Kind{local.Flat, local.HNSW, local.Scan} {
		var h heard
		path := filepath.Join(t.TempDir(), "test.clipdb")
		e := mustOpen(t, path, &local.Options{Index: local.IndexOptions{Kind: kind}, Listener: h.listen})
		if err := e.Bind(ctx, engine.Spec{Dim: dim}); err != nil {
			t.Fatal(err)
		}
		r := rand.New(rand.NewPCG(3, 3))
		for range 220 {
			var batch []engine.Record
			for i := range items {
				batch = append(batch, engine.Record{ID: fmt.Sprint(i), Vector: unit(r, dim)})
			}
			if _, err := e.Put(ctx, batch, engine.Replace); err != nil {
				t.Fatal(err)
			}
		}
		if n, _ := h.finished(engine.EventCheckpoint); n < 3 {
			t.Errorf("%s: %d checkpoints in 22,000 changes", kind, n)
		}
		st, err := e.Stats(ctx)
		if err != nil || st.Index.Tail > 10_000 || st.Index.Tombstones > 10_000 {
			t.Errorf("%s: %+v, %v", kind, st.Index, err)
		}
		verified(t, e)
		mustClose(t, e)
		s, err := storage.Open(path, nil)
		if err != nil {
			t.Fatal(err)
		}
		ss, err := s.Stats()
		if err != nil || ss.SlotLimit > 12_000 || ss.LogEntries > 0 {
			t.Errorf("%s: %d slots, %d log entries (%v)", kind, ss.SlotLimit, ss.LogEntries, err)
		}
		if err := s.Close(); err != nil {
			t.Fatal(err)
		}
		findsNothingLost(t, path, items)
	}
}

func findsNothingLost(t *testing.T, path string, items int) {
	t.Helper()
	e := mustOpen(t, path, nil)
	verified(t, e)
	n := 0
	for _, err := range e.All(ctx, engine.Scan{}) {
		if err != nil {
			t.Fatal(err)
		}
		n++
	}
	if n != items {
		t.Errorf("%d items of %d", n, items)
	}
	mustClose(t, e)
}

func TestCloseLetsGo(t *testing.T) {
	before := runtime.NumGoroutine()
	path := filepath.Join(t.TempDir(), "test.clipdb")
	for _, kind := range []local.Kind{local.Flat, local.HNSW, local.Scan} {
		e, err := local.Open(path, &local.Options{Index: local.IndexOptions{Kind: kind}})
		if err != nil {
			t.Fatal(err)
		}
		fill(t, e, 8, 0, 6000) // a checkpoint begins in the background
		for range e.All(ctx, engine.Scan{}) {
			break
		}
		if err := e.Close(); err != nil {
			t.Fatal(err)
		}
		e, err = local.Open(path, &local.Options{LockTimeout: -1})
		if err != nil {
			t.Fatalf("the lock is still held: %v", err)
		}
		if err := e.Close(); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.Remove(path); err != nil {
		t.Error(err)
	}
	if left, _ := os.ReadDir(filepath.Dir(path)); len(left) > 0 {
		t.Errorf("files are left: %v", left)
	}
	for range 100 {
		if runtime.NumGoroutine() <= before {
			return
		}
		time.Sleep(20 * time.Millisecond)
	}
	buf := make([]byte, 1<<16)
	t.Errorf("%d goroutines, %d before:\n%s", runtime.NumGoroutine(), before, buf[:runtime.Stack(buf, true)])
}

// TestCancelWhileWaiting ends calls that wait for the file's only writer.
func TestCancelWhileWaiting(t *testing.T) {
	e := mustOpen(t, filepath.Join(t.TempDir(), "test.clipdb"), nil)
	fill(t, e, 4, 0, 50)
	r := rand.New(rand.NewPCG(1, 1))
	var group sync.WaitGroup
	var mu sync.Mutex
	acked := map[string]bool{}
	for w := range 8 {
		vecs := [][]float32{}
		for range 40 {
			vecs = append(vecs, unit(r, 4))
		}
		group.Go(func() {
			for i, v := range vecs {
				c, cancel := context.WithTimeout(ctx, time.Duration(i%7)*time.Millisecond)
				id := fmt.Sprintf("w%d-%d", w, i)
				_, err := e.Put(c, []engine.Record{{ID: id, Vector: v}}, engine.Create)
				cancel()
				if err != nil && !errors.Is(err, context.DeadlineExceeded) {
					t.Error(err)
				}
				mu.Lock()
				acked[id] = err == nil
				mu.Unlock()
			}
		})
	}
	group.Wait()
	for id, want := range acked {
		_, err := e.Get(ctx, id, engine.Fetch{})
		if (err == nil) != want {
			t.Errorf("%s: acknowledged %v, stored %v", id, want, err)
		}
	}
	fill(t, e, 4, 100, 10)
	verified(t, e)
}
