package hnsw_test

import (
	"context"
	"errors"
	"slices"
	"testing"

	"github.com/clipdb/clipdb/index"
	"github.com/clipdb/clipdb/index/hnsw"
	"github.com/clipdb/clipdb/index/indextest/cliplike"
)

// stored are the caller's exact vectors.
type stored [][]float32

func (s stored) Vector(slot index.Slot, dst []float32) ([]float32, bool) {
	return append(dst[:0], s[slot]...), true
}

func TestPreviewFinds(t *testing.T) {
	const n, dim, k = 3000, 100, 10
	ctx := context.Background()
	data := cliplike.New(cliplike.Config{N: n, Dim: dim, Latent: 32, Seed: 8})
	base := stored(data.Images())
	g, err := hnsw.New(index.Params{Dim: dim, Vectors: base})
	if err != nil {
		t.Fatal(err)
	}
	defer g.Close()
	slots := make([]index.Slot, n)
	for i := range slots {
		slots[i] = index.Slot(i)
	}
	if err := g.Add(ctx, slots, base); err != nil {
		t.Fatal(err)
	}
	g.Delete(slots[:100]...)
	pages := map[uint32][]byte{}
	if err := g.Checkpoint(func(key uint32, p []byte) error { pages[key] = slices.Clone(p); return nil }); err != nil {
		t.Fatal(err)
	}
	get := func(key uint32) ([]byte, error) { return pages[key], nil }
	p, err := hnsw.OpenPreview(index.Params{Dim: dim, Vectors: base}, get)
	if err != nil {
		t.Fatal(err)
	}
	defer p.Close()
	if a, b := p.Stats(), g.Stats(); a.Live != b.Live || a.Tombstones != b.Tombstones || a.BytesPerVector > 30 {
		t.Errorf("preview %+v, index %+v", a, b)
	}
	filter := index.NewBitmap(n)
	for i := 0; i < n; i += 3 {
		filter.Set(index.Slot(i))
	}
	for side, queries := range [][][]float32{data.ImageQueries(100), data.TextQueries(100)} {
		for _, allow := range []*index.Bitmap{nil, filter} {
			found := 0
			for _, v := range queries {
				q := index.Query{Vector: v, K: k, Side: index.Side(side), Allow: allow}
				got, err := p.Search(ctx, q)
				if err != nil || len(got) != k || !slices.IsSortedFunc(got, index.Candidate.Compare) {
					t.Fatalf("%d answers, %v", len(got), err)
				}
				q.Exact = true
				want, err := g.Search(ctx, q)
				if err != nil {
					t.Fatal(err)
				}
				if same, err := p.Search(ctx, q); err != nil || !slices.Equal(same, want) {
					t.Fatalf("exact: %v, want %v; %v", same, want, err)
				}
				for _, c := range got {
					if slices.Contains(want, c) {
						found++
					}
				}
			}
			if recall := float64(found) / float64(k*len(queries)); recall < 0.98 {
				t.Errorf("side %d, filtered %v: recall %.4f", side, allow != nil, recall)
			}
		}
	}
	for name, err := range map[string]error{
		"Add":        p.Add(ctx, slots[:1], base[:1]),
		"Checkpoint": p.Checkpoint(func(uint32, []byte) error { return nil }),
		"Restore":    p.Restore(get),
	} {
		if !errors.Is(err, hnsw.ErrPreview) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if n := p.Delete(200); n != 1 || p.Stats().Live != n-1+2900-1 {
		t.Errorf("%d deleted, %d live", n, p.Stats().Live)
	}
	const plane = 9 << 24
	pages[plane][100] ^= 1
	if _, err := hnsw.OpenPreview(index.Params{Dim: dim, Vectors: base}, get); !errors.Is(err, index.ErrSnapshot) {
		t.Errorf("a damaged page: %v", err)
	}
	if _, err := hnsw.OpenPreview(index.Params{Dim: dim}, get); err == nil {
		t.Error("a preview without exact vectors")
	}
}
