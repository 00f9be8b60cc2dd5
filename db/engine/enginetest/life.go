package enginetest

import (
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/clipdb/clipdb/db/engine"
)

// testScan changes the database from inside a scan.
func testScan(t *testing.T, h Harness) {
	e, m := open(t, h, folder(t)), model{}
	bind(t, e, 8)
	r := random(6)
	m.put(t, e, engine.Create, people(r, 700, 8)...)
	var got []string
	for rec, err := range e.All(ctx, engine.Scan{After: "item-00009"}) {
		if err != nil {
			t.Fatal(err)
		}
		got = append(got, rec.ID)
		if len(got)%20 == 0 {
			m.delete(t, e, rec.ID, "item-00699")
		}
		if len(got) == 5 {
			m.put(t, e, engine.Create, engine.Record{ID: "a-new-one", Vector: unit(r, 8)})
		}
	}
	if len(got) != 689 || got[0] != "item-00010" || !slices.IsSorted(got) {
		t.Errorf("scan yields %d ids", len(got))
	}
	m.check(t, e)
	for rec := range e.All(ctx, engine.Scan{}) { // and leaves early
		if rec.ID != "a-new-one" {
			t.Errorf("first is %q", rec.ID)
		}
		break
	}
}

// testHistory runs random changes with reopening and compaction between them,
// and compares with the model all along.
func testHistory(t *testing.T, h Harness) {
	const dim = 16
	for seed := range uint64(h.rounds(2)) {
		r := random(100 + seed)
		dir := folder(t)
		e, m := open(t, h, dir), model{}
		bind(t, e, dim)
		pool := people(r, 400, dim)
		draw := func() engine.Record {
			rec := pool[r.IntN(len(pool))]
			if r.IntN(3) > 0 {
				rec.Vector = unit(r, dim)
			}
			if r.IntN(2) == 0 {
				rec.Attrs = attributes(r)
			}
			rec.Caption = fmt.Sprint(r.Uint32())
			return rec
		}
		for step := range h.rounds(100) {
			switch r.IntN(12) {
			case 0, 1, 2:
				var batch []engine.Record
				seen := map[string]bool{}
				for range r.IntN(40) {
					if rec := draw(); !seen[rec.ID] {
						seen[rec.ID] = true
						batch = append(batch, rec)
					}
				}
				m.put(t, e, engine.Replace, batch...)
			case 3, 4, 5:
				m.put(t, e, engine.Replace, draw())
			case 6, 7, 8:
				var ids []string
				for range 1 + r.IntN(10) {
					ids = append(ids, draw().ID)
				}
				slices.Sort(ids)
				m.delete(t, e, slices.Compact(ids)...)
			case 9:
				m.checkFilter(t, e, h, randomFilter(r, 2), unit(r, dim))
			case 10:
				e = reopen(t, h, e, dir)
			case 11:
				if err := e.Compact(ctx); err != nil {
					t.Fatalf("step %d: Compact: %v", step, err)
				}
			}
		}
		m.check(t, e)
		for range h.rounds(20) {
			m.checkFilter(t, e, h, engine.Filter{}, unit(r, dim))
		}
	}
}

// testConcurrency lets writers, readers and searches loose on the same
// database. Every record's caption tells its vector, so a record that comes
// with the score of another is noticed.
func testConcurrency(t *testing.T, h Harness) {
	const dim, fixed, moving = 16, 300, 60
	dir := folder(t)
	e, m := open(t, h, dir), model{}
	bind(t, e, dim)
	versions := make([][]float32, 500)
	r := random(10)
	for i := range versions {
		versions[i] = unit(r, dim)
	}
	record := func(id string, version int) engine.Record {
		return engine.Record{ID: id, Caption: fmt.Sprint(version), Vector: versions[version], Attrs: engine.Attrs{"moving": engine.Bool(id[0] == 'm')}}
	}
	var list []engine.Record
	for i := range fixed {
		list = append(list, record(fmt.Sprintf("fixed-%d", i), i))
	}
	for i := range moving {
		list = append(list, record(fmt.Sprintf("moving-%d", i), i))
	}
	m.put(t, e, engine.Create, list...)

	var group sync.WaitGroup
	var failed atomic.Bool
	fail := func(format string, args ...any) {
		failed.Store(true)
		t.Errorf(format, args...)
	}
	deadline := time.Now().Add(time.Second)
	running := func() bool { return time.Now().Before(deadline) && !failed.Load() }
	for w := range 3 { // each moves its own share about
		group.Go(func() {
			r := random(uint64(20 + w))
			for running() {
				id := fmt.Sprintf("moving-%d", r.IntN(moving/3)*3+w)
				if _, err := e.Put(ctx, []engine.Record{record(id, r.IntN(len(versions)))}, engine.Replace); err != nil {
					fail("Put: %v", err)
				}
			}
		})
	}
	group.Go(func() { // comes and goes
		r := random(30)
		for running() {
			id := fmt.Sprintf("passing-%d", r.IntN(20))
			if _, err := e.Put(ctx, []engine.Record{record(id, r.IntN(len(versions)))}, engine.Create); err != nil {
				fail("Put: %v", err)
			}
			if _, err := e.Delete(ctx, []string{fmt.Sprintf("passing-%d", r.IntN(20))}); err != nil {
				fail("Delete: %v", err)
			}
		}
	})
	for s := range 3 {
		group.Go(func() {
			r := random(uint64(40 + s))
			for running() {
				q := engine.Query{Vector: unit(r, dim), K: 1 + r.IntN(40), Exact: r.IntN(4) == 0, Fetch: engine.Fetch{Vector: true}}
				if s == 2 {
					// All that move are there all the time, wherever they are.
					q = engine.Query{Vector: q.Vector, K: 1000, Filter: engine.Eq("moving", engine.Bool(true)), Fetch: q.Fetch}
				}
				hits, err := e.Search(ctx, q)
				if err != nil {
					fail("Search: %v", err)
					return
				}
				if s == 2 && len(hits) != moving {
					fail("%d of %d moving items found", len(hits), moving)
				}
				if s < 2 && len(hits) != q.K {
					fail("%d hits, want %d", len(hits), q.K)
				}
				for _, hit := range hits {
					var version int
					fmt.Sscan(hit.Record.Caption, &version)
					var dot float64
					for i, x := range versions[version] {
						dot += float64(x) * float64(q.Vector[i])
					}
					if d := dot - float64(hit.Score); d > tolerance || d < -tolerance || !slices.Equal(hit.Record.Vector, versions[version]) {
						fail("%s at version %d comes with the score of another: %v, not %v", hit.Record.ID, version, hit.Score, dot)
					}
				}
			}
		})
	}
	group.Go(func() {
		for running() {
			n := 0
			for _, err := range e.All(ctx, engine.Scan{Filter: engine.Eq("moving", engine.Bool(false))}) {
				if err != nil {
					fail("All: %v", err)
					return
				}
				n++
			}
			if n < fixed {
				fail("All yields %d of %d", n, fixed)
			}
			if _, err := e.Get(ctx, "moving-0", engine.Fetch{Vector: true}); err != nil {
				fail("Get: %v", err)
			}
		}
	})
	group.Go(func() {
		for running() {
			if e.Caps().Compact {
				if err := e.Compact(ctx); err != nil {
					fail("Compact: %v", err)
				}
			}
			if _, err := e.WriteTo(io.Discard); err != nil {
				fail("WriteTo: %v", err)
			}
			time.Sleep(50 * time.Millisecond)
		}
	})
	group.Wait()
	e = reopen(t, h, e, dir)
	for i := range fixed {
		rec, err := e.Get(ctx, fmt.Sprintf("fixed-%d", i), engine.Fetch{Vector: true})
		if err != nil {
			t.Fatal(err)
		}
		want := list[i]
		sameRecord(t, rec, &want)
	}
}

func testReadOnly(t *testing.T, h Harness) {
	dir := folder(t)
	e, m := open(t, h, dir), model{}
	bind(t, e, 8)
	r := random(11)
	m.put(t, e, engine.Create, people(r, 300, 8)...)
	m.delete(t, e, "item-00000")
	finish(t, h, e)

	e = h.Open(t, dir, true)
	defer e.Close()
	if !e.Caps().ReadOnly {
		t.Error("Caps does not say that it is read-only")
	}
	m.check(t, e)
	m.checkFilter(t, e, h, engine.Exists("camera"), unit(r, 8))
	verify(t, h, e)
	calls := map[string]func() error{
		"Put": func() error {
			_, err := e.Put(ctx, []engine.Record{{ID: "x", Vector: unit(r, 8)}}, engine.Create)
			return err
		},
		"Delete":      func() error { _, err := e.Delete(ctx, []string{"item-00001"}); return err },
		"Bind":        func() error { return e.Bind(ctx, engine.Spec{Dim: 4, Fingerprint: "x"}) },
		"PutFailures": func() error { return e.PutFailures(ctx, []engine.Failure{{ID: "x"}}) },
		"Compact":     func() error { return e.Compact(ctx) },
	}
	for name, call := range calls {
		if err := call(); !errors.Is(err, engine.ErrReadOnly) && (name != "Bind" || !errors.Is(err, engine.ErrModelMismatch)) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if err := e.Bind(ctx, own(8)); err != nil {
		t.Errorf("Bind to what is there: %v", err)
	}
	m.check(t, e)
}

func testClosed(t *testing.T, h Harness) {
	e := open(t, h, folder(t))
	bind(t, e, 2)
	if err := e.Close(); err != nil {
		t.Fatal(err)
	}
	if err := e.Close(); err != nil {
		t.Errorf("second Close: %v", err)
	}
	for name, err := range calls(e, ctx) {
		if !errors.Is(err, engine.ErrClosed) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if _, err := e.WriteTo(io.Discard); !errors.Is(err, engine.ErrClosed) {
		t.Errorf("WriteTo: %v", err)
	}
	e.Caps()
}

func testCancelled(t *testing.T, h Harness) {
	e, m := open(t, h, folder(t)), model{}
	bind(t, e, 2)
	m.put(t, e, engine.Create, engine.Record{ID: "a", Vector: []float32{1, 0}})
	done, cancel := context.WithCancel(ctx)
	cancel()
	for name, err := range calls(e, done) {
		if !errors.Is(err, context.Canceled) {
			t.Errorf("%s: %v", name, err)
		}
	}
	m.check(t, e)
}

// calls makes every call that takes a context.
func calls(e engine.Engine, ctx context.Context) map[string]error {
	out := map[string]error{}
	_, out["Put"] = e.Put(ctx, []engine.Record{{ID: "new", Vector: []float32{0, 1}}}, engine.Create)
	_, out["Get"] = e.Get(ctx, "a", engine.Fetch{})
	_, out["Exists"] = e.Exists(ctx, []string{"a"})
	_, out["Delete"] = e.Delete(ctx, []string{"a"})
	_, out["Search"] = e.Search(ctx, engine.Query{Vector: []float32{1, 0}, K: 1})
	_, out["Search with a filter"] = e.Search(ctx, engine.Query{Vector: []float32{1, 0}, K: 1, Filter: engine.Exists("x")})
	_, out["Verify"] = e.Verify(ctx)
	_, out["Stats"] = e.Stats(ctx)
	out["Bind"] = e.Bind(ctx, engine.Spec{Dim: 3, Fingerprint: "x"})
	out["PutFailures"] = e.PutFailures(ctx, []engine.Failure{{ID: "x"}})
	out["Compact"] = e.Compact(ctx)
	out["Warm"] = e.Warm(ctx)
	for _, err := range e.All(ctx, engine.Scan{}) {
		out["All"] = err
	}
	for _, err := range e.Failures(ctx) {
		out["Failures"] = err
	}
	for _, name := range slices.Collect(maps.Keys(out)) {
		if out[name] == nil {
			out[name] = errors.New("no error")
		}
	}
	for _, name := range []string{"All", "Failures"} {
		if _, ok := out[name]; !ok {
			out[name] = errors.New("no error")
		}
	}
	return out
}
