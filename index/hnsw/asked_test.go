package hnsw_test

import (
	"context"
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/clipdb/clipdb/index"
	"github.com/clipdb/clipdb/index/hnsw"
	"github.com/clipdb/clipdb/index/indextest/cliplike"
)

// world is a graph beside the exact scan of the same vectors.
type world struct {
	graph, exact index.Index
	data         *cliplike.Set
	n            int
}

func newWorld(t *testing.T, n, dim int, seed uint64) *world {
	t.Helper()
	w := &world{data: cliplike.New(cliplike.Config{N: n, Dim: dim, Seed: seed}), n: n}
	var err error
	if w.graph, err = hnsw.New(index.Params{Dim: dim}); err != nil {
		t.Fatal(err)
	}
	if w.exact, err = index.NewFlat(index.Params{Dim: dim}); err != nil {
		t.Fatal(err)
	}
	slots := make([]index.Slot, n)
	for i := range slots {
		slots[i] = index.Slot(i)
	}
	for _, x := range []index.Index{w.graph, w.exact} {
		t.Cleanup(func() { _ = x.Close() })
		if err := x.Add(context.Background(), slots, w.data.Images()); err != nil {
			t.Fatal(err)
		}
	}
	return w
}

// recall returns recall@K of queries and the length of the shortest answer.
func (w *world) recall(t *testing.T, queries [][]float32, ask func(i int) index.Query) (float64, int) {
	t.Helper()
	found, wanted, least := 0, 0, int(^uint(0)>>1)
	for i, v := range queries {
		q := ask(i)
		q.Vector = v
		got, err := w.graph.Search(context.Background(), q)
		if err != nil {
			t.Fatal(err)
		}
		truth, err := w.exact.Search(context.Background(), q)
		if err != nil {
			t.Fatal(err)
		}
		for _, c := range got {
			if q.Allow != nil && !q.Allow.Has(c.Slot) {
				t.Fatalf("slot %d was filtered out and is in the answer", c.Slot)
			}
			if slices.ContainsFunc(truth, func(o index.Candidate) bool { return o.Slot == c.Slot }) {
				found++
			}
		}
		wanted += len(truth)
		least = min(least, len(got)-len(truth))
	}
	return float64(found) / float64(wanted), least
}

func skipQuality(t *testing.T) {
	if testing.Short() {
		t.Skip("builds a graph of thousands of vectors")
	}
	if raceDetector {
		t.Skip("counts answers, in minutes under the race detector; `make recall` runs it without")
	}
}

// TestRecallAsked holds the promise of Query.Recall: of new queries of either
// side, at most a point less than was asked for is found, before the index has
// measured itself, after, and when it has learnt from real queries. A hundredth
// more is allowed for the error of 300 queries.
func TestRecallAsked(t *testing.T) {
	skipQuality(t)
	w := newWorld(t, 20_000, 256, 5)
	g := w.graph.(*hnsw.Graph)
	images, texts := w.data.ImageQueries(2300), w.data.TextQueries(2300)
	check := func(when string) {
		for _, asked := range []float32{0.90, 0.95, 0.99} {
			for side, queries := range [][][]float32{images[:300], texts[:300]} {
				ask := index.Query{K: 10, Recall: asked, Side: index.Side(side)}
				got, _ := w.recall(t, queries, func(int) index.Query { return ask })
				t.Logf("%s, side %d: asked %.2f, found %.4f", when, side, asked, got)
				if got < float64(asked)-0.02 {
					t.Errorf("%s, side %d: asked for %.2f, found %.4f", when, side, asked, got)
				}
			}
		}
	}
	check("at first")
	if err := g.Calibrate(context.Background(), index.SideImage); err != nil {
		t.Fatal(err)
	}
	check("measured with stored vectors")
	for side, queries := range [][][]float32{images[300:], texts[300:]} {
		for _, v := range queries {
			if _, err := g.Search(context.Background(), index.Query{Vector: v, K: 10, Recall: 0.9, Side: index.Side(side)}); err != nil {
				t.Fatal(err)
			}
		}
		if err := g.Calibrate(context.Background(), index.Side(side)); err != nil {
			t.Fatal(err)
		}
	}
	known := g.Calibrations()
	if len(known) != 4 {
		t.Fatalf("%d curves are known, want those of both sides, with and without a filter", len(known))
	}
	check("measured with real queries")

	// What was measured is in the checkpoint.
	pages := map[uint32][]byte{}
	if err := g.Checkpoint(func(key uint32, p []byte) error { pages[key] = slices.Clone(p); return nil }); err != nil {
		t.Fatal(err)
	}
	again, err := hnsw.New(index.Params{Dim: 256})
	if err != nil {
		t.Fatal(err)
	}
	defer again.Close()
	if err := again.Restore(func(key uint32) ([]byte, error) { return pages[key], nil }); err != nil {
		t.Fatal(err)
	}
	if got := again.Calibrations(); fmt.Sprint(got) != fmt.Sprint(known) {
		t.Errorf("restored %v, saved %v", got, known)
	}
}

// TestRecallFiltered asks with filters that let 50 to 0.1 % through: at random,
// only the nearest to the query, only the farthest.
func TestRecallFiltered(t *testing.T) {
	skipQuality(t)
	const n = 20_000
	w := newWorld(t, n, 256, 6)
	queries := w.data.ImageQueries(100)
	rng := rand.New(rand.NewPCG(1, 2))
	order := make([][]index.Candidate, len(queries))
	for i, v := range queries {
		var err error
		if order[i], err = w.exact.Search(context.Background(), index.Query{Vector: v, K: n}); err != nil {
			t.Fatal(err)
		}
	}
	for _, share := range []float64{0.5, 0.1, 0.01, 0.001} {
		pass := int(share * n)
		for _, kind := range []string{"random", "nearest", "farthest"} {
			allow := func(i int) *index.Bitmap {
				b := index.NewBitmap(n)
				switch kind {
				case "random":
					for _, s := range rng.Perm(n)[:pass] {
						b.Set(index.Slot(s))
					}
				case "nearest":
					for _, c := range order[i][:pass] {
						b.Set(c.Slot)
					}
				case "farthest":
					for _, c := range order[i][n-pass:] {
						b.Set(c.Slot)
					}
				}
				return b
			}
			for _, ask := range []index.Query{{K: 10, Ef: 64}, {K: 10, Recall: 0.99}} {
				got, short := w.recall(t, queries, func(i int) index.Query { q := ask; q.Allow = allow(i); return q })
				t.Logf("%.1f %% pass, %s, ef %d, asked %v: %.4f", 100*share, kind, ask.Ef, ask.Recall, got)
				if short < 0 {
					t.Errorf("%.1f %% pass, %s: an answer is short of %d", 100*share, kind, -short)
				}
				if ask.Recall > 0 && got < 0.98 || got < 0.93 {
					t.Errorf("%.1f %% pass, %s, %+v: recall %.4f", 100*share, kind, ask, got)
				}
			}
		}
	}
}
