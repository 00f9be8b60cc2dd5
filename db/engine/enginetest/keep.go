package enginetest

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/clipdb/clipdb/db/engine"
)

func testBackup(t *testing.T, h Harness) {
	e, m := open(t, h, folder(t)), model{}
	if !e.Caps().Backup {
		t.Skip("the engine makes no backups")
	}
	const dim = 16
	r := random(8)
	bind(t, e, dim)
	m.put(t, e, engine.Create, people(r, 500, dim)...)

	// While somebody writes: each record is written with its neighbour, so a
	// copy of one moment has both or none.
	stop, stopped := make(chan struct{}), make(chan error, 1)
	vec := unit(r, dim)
	go func() {
		for i := 0; ; i++ {
			select {
			case <-stop:
				stopped <- nil
				return
			default:
			}
			pair := []engine.Record{{ID: fmt.Sprintf("pair-%d-a", i), Vector: vec}, {ID: fmt.Sprintf("pair-%d-b", i), Vector: vec}}
			if _, err := e.Put(ctx, pair, engine.Create); err != nil {
				stopped <- err
				return
			}
		}
	}()
	path := filepath.Join(t.TempDir(), "copy")
	f, err := os.Create(path)
	if err != nil {
		t.Fatal(err)
	}
	time.Sleep(20 * time.Millisecond)
	n, err := e.WriteTo(f)
	close(stop)
	if err := errors.Join(err, <-stopped, f.Close()); err != nil {
		t.Fatal(err)
	}
	if info, err := os.Stat(path); err != nil || info.Size() != n {
		t.Errorf("WriteTo says %d bytes, the file has %v (%v)", n, info.Size(), err)
	}
	c := h.OpenBackup(t, path)
	defer finish(t, h, c)
	pairs := map[string]int{}
	for rec, err := range c.All(ctx, engine.Scan{}) {
		if err != nil {
			t.Fatal(err)
		}
		if want, ok := m[rec.ID]; ok {
			sameRecord(t, rec, &want)
			delete(m, rec.ID)
			continue
		}
		pairs[rec.ID[:len(rec.ID)-2]]++
	}
	if len(m) > 0 {
		t.Errorf("%d records are not in the copy", len(m))
	}
	for id, n := range pairs {
		if n != 2 {
			t.Errorf("%s is in the copy by half", id)
		}
	}
	hits, err := c.Search(ctx, engine.Query{Vector: vec, K: len(pairs)*2 + 500, Exact: true})
	if err != nil || len(hits) != len(pairs)*2+500 {
		t.Errorf("the copy finds %d of %d (%v)", len(hits), len(pairs)*2+500, err)
	}
	if _, err := e.WriteTo(failing{}); !errors.Is(err, errFull) {
		t.Errorf("a writer that fails: %v", err)
	}
}

var errFull = errors.New("no space left")

type failing struct{}

func (failing) Write([]byte) (int, error) { return 0, errFull }

func testCompact(t *testing.T, h Harness) {
	dir := folder(t)
	e, m := open(t, h, dir), model{}
	if !e.Caps().Compact {
		t.Skip("the engine does not compact")
	}
	const dim = 32
	r := random(9)
	bind(t, e, dim)
	records := people(r, 2000, dim)
	m.put(t, e, engine.Create, records...)
	if err := e.Compact(ctx); err != nil {
		t.Fatal(err)
	}
	before, err := e.Stats(ctx)
	if err != nil {
		t.Fatal(err)
	}
	var gone []string
	for _, rec := range records[:1800] {
		gone = append(gone, rec.ID)
	}
	m.delete(t, e, gone...)
	if err := e.Compact(ctx); err != nil {
		t.Fatal(err)
	}
	after, err := e.Stats(ctx)
	if err != nil {
		t.Fatal(err)
	}
	if after.Bytes.File > before.Bytes.File*2/3 || after.Index.Tombstones != 0 {
		t.Errorf("2000 items take %d bytes, 200 of them %d; %d tombstones", before.Bytes.File, after.Bytes.File, after.Index.Tombstones)
	}
	for range 2 {
		m.check(t, e)
		m.checkFilter(t, e, h, engine.Exists("camera"), unit(r, dim))
		e = reopen(t, h, e, dir)
	}
	m.put(t, e, engine.Create, records[:100]...)
	m.check(t, e)
	done, cancel := context.WithCancel(ctx)
	cancel()
	if err := e.Compact(done); !errors.Is(err, context.Canceled) {
		t.Errorf("Compact after the end: %v", err)
	}
	m.check(t, e)
}
