package local_test

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"path/filepath"
	"sync"
	"testing"

	"github.com/clipdb/clipdb/db/engine"
	"github.com/clipdb/clipdb/db/local"
	"github.com/clipdb/clipdb/storage"
)

// Searches are answered before the index has been read, changes wait for it,
// and all is as without a preview afterwards.
func TestPreview(t *testing.T) {
	const dim, n = 32, 2000
	opts := local.Options{Index: local.IndexOptions{Kind: local.HNSW}}
	path := filepath.Join(t.TempDir(), "p.clipdb")
	e := mustOpen(t, path, &opts)
	fill(t, e, dim, 0, n)
	mustClose(t, e)
	defer local.PreviewLeast(local.PreviewLeast(100))
	previewed := false
	for round := range 8 {
		var h heard
		o := opts
		o.Listener, o.ReadOnly = h.listen, round%2 == 1
		e := mustOpen(t, path, &o)
		previewed = previewed || e.Previewing()
		var wg sync.WaitGroup
		for g := range 3 {
			wg.Go(func() {
				for i := g; i < n; i += 97 {
					findsItself(t, e, dim, i)
				}
			})
		}
		id := fmt.Sprint("new ", round)
		v := unit(rand.New(rand.NewPCG(uint64(round), 7)), dim)
		if !o.ReadOnly {
			if _, err := e.Put(ctx, []engine.Record{{ID: id, Vector: v}}, engine.Create); err != nil {
				t.Fatal(err)
			}
			if hits, err := e.Search(ctx, engine.Query{Vector: v, K: 1}); err != nil || len(hits) != 1 || hits[0].Record.ID != id {
				t.Fatalf("what was put meanwhile is not found: %v, %v", hits, err)
			}
		}
		wg.Wait()
		e.Loaded()
		if e.Previewing() {
			t.Fatal("the preview is still there")
		}
		findsItself(t, e, dim, 0, n/2, n-1)
		verified(t, e)
		if !o.ReadOnly {
			if gone, err := e.Delete(ctx, []string{id}); err != nil || gone != 1 {
				t.Fatalf("%d deleted, %v", gone, err)
			}
		}
		if n, _ := h.finished(engine.EventRebuild); n != 0 {
			t.Errorf("the index was built %d times", n)
		}
		mustClose(t, e)
	}
	if !previewed {
		t.Error("no preview was seen: the test tries nothing")
	}
}

// A checkpoint whose plane is sound and whose graph is not: the index is built
// from the vectors while the preview answers.
func TestPreviewOfDamagedGraph(t *testing.T) {
	const dim, n = 32, 1000
	opts := local.Options{Index: local.IndexOptions{Kind: local.HNSW}}
	path := filepath.Join(t.TempDir(), "p.clipdb")
	e := mustOpen(t, path, &opts)
	fill(t, e, dim, 0, n)
	mustClose(t, e)
	s, err := storage.Open(path, nil)
	if err != nil {
		t.Fatal(err)
	}
	const links = 3 << 24 // see hnsw's snapshot
	damage := func(tx *storage.Tx) error {
		p := append([]byte{}, tx.Page("index", links)...)
		if len(p) == 0 {
			return errors.New("no page of links")
		}
		p[len(p)/2] ^= 1
		return tx.PutPage("index", links, p)
	}
	if err := errors.Join(s.Update(damage), s.Close()); err != nil {
		t.Fatal(err)
	}
	defer local.PreviewLeast(local.PreviewLeast(100))
	for round := range 2 {
		var h heard
		o := opts
		o.Listener = h.listen
		e := mustOpen(t, path, &o)
		findsItself(t, e, dim, 1, n/3, n-1)
		e.Loaded()
		if got, _ := h.finished(engine.EventRebuild); got != 1-round {
			t.Errorf("round %d: built %d times", round, got)
		}
		findsItself(t, e, dim, 1, n/3, n-1)
		verified(t, e)
		mustClose(t, e)
	}
}
