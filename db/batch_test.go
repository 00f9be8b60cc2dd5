package db_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"iter"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/clipdb/clipdb/db"
	"github.com/clipdb/clipdb/db/engine"
)

var names = []string{"red", "green", "blue", "yellow", "white", "black", "purple", "cyan"}

// photos yields n pictures by number, with one that is bad at every tenth.
func photos(t testing.TB, n int) iter.Seq[db.Item] {
	return func(yield func(db.Item) bool) {
		for i := range n {
			item := db.Item{ID: fmt.Sprintf("%04d", i), Image: picture(t, names[i%len(names)], i), Source: fmt.Sprintf("photos/%d.png", i)}
			if i%10 == 9 {
				item.Image = strings.NewReader("no picture")
			}
			if !yield(item) {
				return
			}
		}
	}
}

func TestInsertAll(t *testing.T) {
	const n = 150
	path := newPath(t)
	enc := &palette{}
	d := open(t, path, &db.Options{Encoder: enc})
	var results []db.ItemResult
	var progress []db.Progress
	opts := &db.BatchOptions{
		Total: n, BatchSize: 8, Workers: 3,
		Result:   func(r db.ItemResult) { results = append(results, r) },
		Progress: func(p db.Progress) { progress = append(progress, p) },
	}
	rep, err := d.InsertAll(ctx, photos(t, n), opts)
	if err != nil || rep.Added != 135 || rep.Failed != 15 || rep.Skipped != 0 || rep.Replaced != 0 || rep.Elapsed <= 0 {
		t.Fatalf("%v, %v", rep, err)
	}
	if len(results) != n || len(rep.Failures) != 15 {
		t.Fatalf("%d results, %d failures", len(results), len(rep.Failures))
	}
	for i, r := range results {
		bad := i%10 == 9
		if r.Index != i || r.ID != fmt.Sprintf("%04d", i) || r.Source != fmt.Sprintf("photos/%d.png", i) || (r.Status == db.Failed) != bad || errors.Is(r.Err, db.ErrImageFormat) != bad {
			t.Errorf("result %d: %+v", i, r)
		}
	}
	last := progress[len(progress)-1]
	if last.Done != n || last.Total != n || last.Added != 135 || last.Failed != 15 || last.Rate <= 0 || last.ETA != 0 || last.Elapsed <= 0 {
		t.Errorf("progress ends with %+v", last)
	}
	for i, p := range progress[1:] {
		if p.Done < progress[i].Done || p.Elapsed < progress[i].Elapsed {
			t.Errorf("progress goes back: %+v", p)
		}
	}
	if calls := enc.calls.Load(); calls > 100 { // a slow machine makes smaller groups
		t.Errorf("the model was called %d times for 135 pictures in groups of 8", calls)
	}
	var failed []string
	for f, err := range d.Failures(ctx) {
		if err != nil || !strings.Contains(f.Reason, "image") || f.Time.IsZero() {
			t.Errorf("%+v, %v", f, err)
		}
		failed = append(failed, f.ID)
	}
	if len(failed) != 15 || failed[0] != "0009" {
		t.Errorf("failures: %v", failed)
	}
	// Equal sequences give equal order: the first of two equal ids wins.
	for i, name := range names {
		if ms, err := d.SearchByText(ctx, name, &db.SearchOptions{K: 5}); err != nil || len(ms) != 5 || number(ms[0].ID)%len(names) != i {
			t.Errorf("%s: %v, %v", name, ids(ms), err)
		}
	}

	// Again: everything is skipped without asking the model; what failed is
	// tried again, and one of them is mended.
	asked := enc.images.Load()
	again := func(yield func(db.Item) bool) {
		for item := range photos(t, n) {
			if item.ID == "0009" {
				item.Image = picture(t, "red", 9)
			}
			if !yield(item) {
				return
			}
		}
	}
	rep, err = d.InsertAll(ctx, again, nil)
	if err != nil || rep.Added != 1 || rep.Failed != 14 || rep.Skipped != 135 {
		t.Errorf("%v, %v", rep, err)
	}
	if n := enc.images.Load() - asked; n != 1 {
		t.Errorf("the model was asked for %d pictures", n)
	}
	for f := range d.Failures(ctx) {
		if f.ID == "0009" {
			t.Error("an item that was stored is still remembered as failed")
		}
	}
	rep, err = d.InsertAll(ctx, photos(t, 20), &db.BatchOptions{OnExists: db.Fail})
	if err != nil || rep.Failed != 20 || rep.Added != 0 {
		t.Errorf("%v, %v", rep, err)
	}
	rep, err = d.InsertAll(ctx, photos(t, 20), &db.BatchOptions{OnExists: db.Replace})
	if err != nil || rep.Replaced != 18 || rep.Failed != 2 || rep.Added != 0 {
		t.Errorf("%v, %v", rep, err)
	}
	if n := count(t, d); n != 136 {
		t.Errorf("%d items", n)
	}
}

func number(id string) (n int) {
	fmt.Sscanf(id, "%d", &n)
	return n
}

func TestInsertAllOddSequences(t *testing.T) {
	d := open(t, newPath(t), &db.Options{Encoder: &palette{}})
	if rep, err := d.InsertAll(ctx, slices.Values([]db.Item(nil)), nil); err != nil || rep.Added != 0 {
		t.Errorf("no items: %v, %v", rep, err)
	}
	same := []db.Item{
		{ID: "a", Image: picture(t, "red", 1)}, {ID: "a", Image: picture(t, "blue", 1)}, {ID: "b", Vector: vector(1, paletteDim)},
		{Image: picture(t, "green", 1)}, {Image: picture(t, "green", 1)}, {}, {ID: "c", Vector: vector(1, 3)},
		{ID: strings.Repeat("x", 5000), Image: picture(t, "red", 2)}, {Vector: vector(2, paletteDim)},
	}
	var got []db.Status
	rep, err := d.InsertAll(ctx, slices.Values(same), &db.BatchOptions{Result: func(r db.ItemResult) { got = append(got, r.Status) }})
	want := []db.Status{db.Added, db.Skipped, db.Added, db.Added, db.Skipped, db.Failed, db.Failed, db.Failed, db.Added}
	if err != nil || !slices.Equal(got, want) {
		t.Errorf("%v, %v: %v, want %v", rep, err, got, want)
	}
	if ms, err := d.SearchByText(ctx, "red", &db.SearchOptions{K: 1}); err != nil || ms[0].ID != "a" {
		t.Errorf("of two equal ids the first wins: %v, %v", ids(ms), err)
	}
	var failed []string
	for f := range d.Failures(ctx) {
		failed = append(failed, f.ID)
	}
	if !slices.Equal(failed, []string{"#5", "#7", "c"}) {
		t.Errorf("failures: %q", failed)
	}

	// The sequence may use the database, and may panic.
	uses := func(yield func(db.Item) bool) {
		for i := range 40 {
			if _, err := d.Get(ctx, "a"); err != nil {
				t.Error(err)
			}
			if n, err := d.Delete(ctx, fmt.Sprint("gone", i-1)); err != nil || n > 1 {
				t.Error(n, err)
			}
			if !yield(db.Item{ID: fmt.Sprint("gone", i), Image: picture(t, "cyan", i)}) {
				return
			}
		}
	}
	if rep, err := d.InsertAll(ctx, uses, nil); err != nil || rep.Added != 40 {
		t.Errorf("%v, %v", rep, err)
	}
	before := runtime.NumGoroutine()
	func() {
		defer func() {
			if recover() != "the sequence panics" {
				t.Error("the panic did not come through")
			}
		}()
		_, _ = d.InsertAll(ctx, func(yield func(db.Item) bool) {
			yield(db.Item{ID: "before the panic", Image: picture(t, "red", 5)})
			panic("the sequence panics")
		}, nil)
	}()
	if _, err := d.Get(ctx, "before the panic"); err != nil {
		t.Error(err)
	}
	settle(t, before)
}

func settle(t testing.TB, before int) {
	t.Helper()
	for range 100 {
		if runtime.NumGoroutine() <= before {
			return
		}
		time.Sleep(20 * time.Millisecond)
	}
	t.Errorf("%d goroutines, %d before", runtime.NumGoroutine(), before)
}

func TestInsertAllCancel(t *testing.T) {
	before := runtime.NumGoroutine()
	path := newPath(t)
	d := open(t, path, &db.Options{Encoder: &palette{}})
	c, cancel := context.WithCancel(ctx)
	defer cancel()
	acked := map[string]bool{}
	yielded := 0
	items := func(yield func(db.Item) bool) {
		for i := 0; ; i++ {
			if i == 120 {
				cancel()
			}
			yielded++
			if !yield(db.Item{ID: fmt.Sprintf("%05d", i), Image: picture(t, names[i%8], i)}) {
				return
			}
		}
	}
	rep, err := d.InsertAll(c, items, &db.BatchOptions{BatchSize: 4, Result: func(r db.ItemResult) {
		if r.Status != db.Added {
			t.Errorf("%+v", r)
		}
		acked[r.ID] = true
	}})
	if !errors.Is(err, context.Canceled) || rep.Failed != 0 || rep.Added != len(acked) || rep.Added == 0 || yielded > 200 {
		t.Errorf("%v, %v; %d acknowledged of %d", rep, err, len(acked), yielded)
	}
	if err := d.Close(); err != nil {
		t.Fatal(err)
	}
	settle(t, before)
	d = open(t, path, &db.Options{Encoder: &palette{}})
	n := 0
	for r, err := range d.All(ctx) {
		if err != nil || !acked[r.ID] {
			t.Errorf("%v was not acknowledged, %v", r, err)
		}
		n++
	}
	if n != len(acked) {
		t.Errorf("%d items, %d acknowledged", n, len(acked))
	}
	for range d.Failures(ctx) {
		t.Error("what was cut off counts as failed")
	}
	rep, err = d.InsertAll(ctx, photosNoBad(t, 150), nil)
	if err != nil || rep.Added+rep.Skipped != 150 {
		t.Errorf("the second run: %v, %v", rep, err)
	}
}

func photosNoBad(t testing.TB, n int) iter.Seq[db.Item] {
	return func(yield func(db.Item) bool) {
		for i := range n {
			if !yield(db.Item{ID: fmt.Sprintf("%05d", i), Image: picture(t, names[i%8], i)}) {
				return
			}
		}
	}
}

// TestInsertAllEncoderFails: one picture that the model refuses does not spoil
// its neighbours; a model that is gone ends the run.
func TestInsertAllEncoderFails(t *testing.T) {
	enc := &palette{}
	seen := atomic.Int64{}
	enc.fail = func(n int) error {
		if n == 5 || n == 9 { // once in its group, once again alone or in the next
			seen.Add(1)
			return errNoPower
		}
		return nil
	}
	d := open(t, newPath(t), &db.Options{Encoder: enc})
	rep, err := d.InsertAll(ctx, photosNoBad(t, 40), &db.BatchOptions{BatchSize: 8})
	if err != nil || rep.Added+rep.Failed != 40 || rep.Failed > 1 || seen.Load() != 2 {
		t.Errorf("%v, %v, %d", rep, err, seen.Load())
	}
	for _, f := range rep.Failures {
		if !errors.Is(f.Err, errNoPower) {
			t.Errorf("%+v", f)
		}
	}
	enc = &palette{}
	enc.fail = func(n int) error {
		if n == 60 {
			enc.Close()
		}
		return nil
	}
	d = open(t, newPath(t), &db.Options{Encoder: enc})
	rep, err = d.InsertAll(ctx, photosNoBad(t, 100_000), &db.BatchOptions{BatchSize: 8})
	if err == nil || rep.Added < 40 || rep.Added > 80 || rep.Failed > 0 {
		t.Errorf("%v, %v", rep, err)
	}
	if n := count(t, d); n != rep.Added {
		t.Errorf("%d items, %d reported", n, rep.Added)
	}
}

// TestInsertAllDiskFull ends with the error of the engine.
func TestInsertAllEngineFails(t *testing.T) {
	eng := &fullDisk{Engine: openEngine(t, newPath(t))}
	d, err := db.Open(eng, &db.Options{Encoder: &palette{}})
	if err != nil {
		t.Fatal(err)
	}
	defer d.Close()
	acked := 0
	rep, err := d.InsertAll(ctx, photosNoBad(t, 100_000), &db.BatchOptions{Result: func(db.ItemResult) { acked++ }})
	if !errors.Is(err, errNoPower) || rep.Added != acked || rep.Added == 0 {
		t.Errorf("%v, %v", rep, err)
	}
	if n := count(t, d); n != rep.Added {
		t.Errorf("%d items, %d reported", n, rep.Added)
	}
}

// fullDisk is an engine that can put three batches.
type fullDisk struct {
	engine.Engine
	puts int
}

func (f *fullDisk) Put(ctx context.Context, r []engine.Record, m engine.PutMode) ([]engine.PutResult, error) {
	if f.puts++; f.puts > 3 {
		return nil, errNoPower
	}
	return f.Engine.Put(ctx, r, m)
}

// TestFilesStayClosed stores a thousand files and looks at how many are open.
func TestFilesStayClosed(t *testing.T) {
	dir := t.TempDir()
	for i := range 300 {
		if err := os.WriteFile(filepath.Join(dir, fmt.Sprintf("%03d.png", i)), asPNG(t, painted(names[i%8], i)), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	d := open(t, newPath(t), &db.Options{Encoder: &palette{}})
	files, err := filepath.Glob(filepath.Join(dir, "*.png"))
	if err != nil {
		t.Fatal(err)
	}
	most, base := 0, descriptors()
	var items []db.Item
	for _, f := range files {
		items = append(items, db.Item{Image: db.File(f)})
	}
	watch := func(yield func(db.Item) bool) {
		for _, item := range items {
			most = max(most, descriptors())
			if !yield(item) {
				return
			}
		}
	}
	rep, err := d.InsertAll(ctx, watch, nil)
	if err != nil || rep.Added != 300 {
		t.Errorf("%v, %v", rep, err)
	}
	if most > base+10 {
		t.Errorf("%d descriptors, %d before", most, base)
	}
	r := db.File(files[0])
	if id, err := d.Insert(ctx, db.Item{Image: r}); !errors.Is(err, db.ErrExists) || id != "" || !strings.Contains(err.Error(), "000.png") {
		t.Errorf("%q, %v", id, err)
	}
	if n, err := r.Read(make([]byte, 10)); n != 0 || err == nil {
		t.Errorf("a file that was read gives %d bytes more, %v", n, err)
	}
	b := make([]byte, 1)
	if _, err := db.File(filepath.Join(dir, "none")).Read(b); !errors.Is(err, fs.ErrNotExist) {
		t.Error(err)
	}
	if base2 := descriptors(); base2 > base {
		t.Errorf("%d descriptors are left open", base2-base)
	}
}

func descriptors() int {
	if list, err := os.ReadDir("/proc/self/fd"); err == nil {
		return len(list)
	}
	return 0
}

// TestConcurrentInserts: many goroutines insert and search at once.
func TestConcurrentInserts(t *testing.T) {
	d := open(t, newPath(t), &db.Options{Encoder: &palette{}})
	const workers, each = 8, 12
	errs := make(chan error, workers)
	for w := range workers {
		data := make([][]byte, each)
		for i := range data {
			data[i] = asPNG(t, painted(names[w], 1000*w+i))
		}
		go func() {
			for i, b := range data {
				if _, err := d.Insert(ctx, db.Item{ID: fmt.Sprintf("%d-%d", w, i), Image: bytes.NewReader(b)}); err != nil {
					errs <- err
					return
				}
				ms, err := d.SearchByText(ctx, names[w], &db.SearchOptions{K: i + 1})
				if err != nil {
					errs <- err
					return
				}
				for _, m := range ms {
					if !strings.HasPrefix(m.ID, fmt.Sprint(w)) {
						errs <- fmt.Errorf("%s among %d of %s", m.ID, i+1, names[w])
						return
					}
				}
			}
			errs <- nil
		}()
	}
	for range workers {
		if err := <-errs; err != nil {
			t.Error(err)
		}
	}
	if n := count(t, d); n != workers*each {
		t.Errorf("%d items", n)
	}
}
