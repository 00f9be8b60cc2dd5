package hnsw_test

import (
	"context"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/clipdb/clipdb/index"
	"github.com/clipdb/clipdb/index/hnsw"
	"github.com/clipdb/clipdb/index/indextest/cliplike"
)

// raceDetector says that the test binary was built with -race.
var raceDetector bool

// TestRecall holds the promise made of 20,000 CLIP-like vectors of 512
// components: recall@10 of 0.95 at ef 64 and 0.99 at ef 200, and the same after
// 30 % have been deleted and inserted again.
func TestRecall(t *testing.T) {
	if testing.Short() {
		t.Skip("builds a graph of 20,000 vectors")
	}
	if raceDetector {
		t.Skip("counts answers, in minutes under the race detector; `make recall` runs it without")
	}
	ctx := context.Background()
	const n, dim, k = 20000, 512, 10
	data := cliplike.New(cliplike.Config{N: n, Dim: dim, Seed: 20})
	vectors := slices.Clone(data.Images())
	queries := data.ImageQueries(500)
	g, err := hnsw.New(index.Params{Dim: dim})
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = g.Close() }()
	exact, err := index.NewFlat(index.Params{Dim: dim})
	if err != nil {
		t.Fatal(err)
	}
	slots := make([]index.Slot, n)
	for i := range slots {
		slots[i] = index.Slot(i)
	}
	add := func(slots []index.Slot, v [][]float32) {
		t.Helper()
		for _, x := range []index.Index{g, exact} {
			if err := x.Add(ctx, slots, v); err != nil {
				t.Fatal(err)
			}
		}
	}
	dead := map[index.Slot]bool{}
	check := func(when string) {
		t.Helper()
		truth := make([][]index.Candidate, len(queries))
		for i, q := range queries {
			if truth[i], err = exact.Search(ctx, index.Query{Vector: q, K: k}); err != nil {
				t.Fatal(err)
			}
		}
		for _, c := range []struct {
			ef   int
			want float64
		}{{64, 0.95}, {200, 0.99}} {
			hit := 0
			for i, q := range queries {
				got, err := g.Search(ctx, index.Query{Vector: q, K: k, Ef: c.ef})
				if err != nil {
					t.Fatal(err)
				}
				if !slices.IsSortedFunc(got, index.Candidate.Compare) {
					t.Fatalf("%s: answers are out of order: %v", when, got)
				}
				again, err := g.Search(ctx, index.Query{Vector: q, K: k, Ef: c.ef})
				if err != nil || !slices.Equal(got, again) {
					t.Fatalf("%s: the same query gives %v and %v (%v)", when, got, again, err)
				}
				for _, a := range got {
					if dead[a.Slot] {
						t.Fatalf("%s: slot %d is dead and was answered", when, a.Slot)
					}
					if slices.ContainsFunc(truth[i], func(w index.Candidate) bool { return w.Slot == a.Slot }) {
						hit++
					}
				}
			}
			recall := float64(hit) / float64(k*len(queries))
			t.Logf("%s: ef %d recall@10 %.4f", when, c.ef, recall)
			if recall < c.want {
				t.Errorf("%s: recall@10 at ef %d is %.4f, want %.2f", when, c.ef, recall, c.want)
			}
		}
	}
	add(slots, vectors)
	check("built")

	rng := rand.New(rand.NewPCG(3, 3))
	rng.Shuffle(n, func(i, j int) {
		slots[i], slots[j] = slots[j], slots[i]
		vectors[i], vectors[j] = vectors[j], vectors[i]
	})
	gone := n * 3 / 10
	if got := g.Delete(slots[:gone]...); got != gone {
		t.Fatalf("%d deleted, want %d", got, gone)
	}
	exact.Delete(slots[:gone]...)
	for _, s := range slots[:gone] {
		dead[s] = true
	}
	check("30 % deleted")

	// Back under slots that are free again, or else under fresh ones.
	next := index.Slot(n)
	for at := 0; at < gone; at += 500 {
		back := vectors[at:min(at+500, gone)]
		var under []index.Slot
		for s := range dead {
			if len(under) < len(back) && g.Reusable(s) {
				under = append(under, s)
			}
		}
		slices.Sort(under)
		for len(under) < len(back) {
			under = append(under, next)
			next++
		}
		for _, s := range under {
			delete(dead, s)
		}
		add(under, back)
	}
	check("inserted again")
	if err := g.Repair(ctx); err != nil {
		t.Fatal(err)
	}
	if st := g.Stats(); st.Tombstones != 0 || st.Live != n {
		t.Errorf("after Repair: %+v", st)
	}
	check("repaired")
}

// The graph depends on Params and the calls alone, not on the number of
// goroutines that build it.
func TestWorkersBuildOneGraph(t *testing.T) {
	data := cliplike.New(cliplike.Config{N: 5000, Dim: 64, Latent: 32, Seed: 4})
	pages := func(workers int) map[uint32][]byte {
		g, err := hnsw.New(index.Params{Dim: 64, M: 8, Seed: 9, Workers: workers})
		if err != nil {
			t.Fatal(err)
		}
		defer func() { _ = g.Close() }()
		slots := make([]index.Slot, len(data.Images()))
		for i := range slots {
			slots[i] = index.Slot(i)
		}
		v := data.Images()
		for _, cut := range [][2]int{{0, 3}, {3, 4000}, {4000, 5000}} {
			if err := g.Add(context.Background(), slots[cut[0]:cut[1]], v[cut[0]:cut[1]]); err != nil {
				t.Fatal(err)
			}
			g.Delete(slots[cut[0] : cut[0]+(cut[1]-cut[0])/3]...)
		}
		out := map[uint32][]byte{}
		if err := g.Checkpoint(func(key uint32, p []byte) error { out[key] = slices.Clone(p); return nil }); err != nil {
			t.Fatal(err)
		}
		return out
	}
	one := pages(1)
	for _, workers := range []int{2, 7} {
		for key, p := range pages(workers) {
			if !slices.Equal(p, one[key]) {
				t.Errorf("page %#x differs between 1 and %d workers", key, workers)
			}
		}
	}
}
