package hnsw

import (
	"context"
	"math"
	"testing"

	"github.com/clipdb/clipdb/index"
	"github.com/clipdb/clipdb/index/indextest/cliplike"
)

// Fixed-point cosines and distances are those of float64 arithmetic, to the
// last digits of float32, for vectors far apart, almost equal and equal.
func TestFloatDistances(t *testing.T) {
	const dim = 100
	g, err := New(index.Params{Dim: dim, Quant: index.QuantFloat32})
	if err != nil {
		t.Fatal(err)
	}
	defer g.Close()
	data := cliplike.New(cliplike.Config{N: 200, Dim: dim, Latent: 32, Seed: 1})
	vectors := append(data.Images(), data.Burst(data.Images()[3], 100, 0.001)...)
	vectors = append(vectors, vectors[3])
	slots := make([]index.Slot, len(vectors))
	for i := range slots {
		slots[i] = index.Slot(i)
	}
	if err := g.Add(context.Background(), slots, vectors); err != nil {
		t.Fatal(err)
	}
	v := g.view.Load()
	out := make([]int32, len(slots))
	for _, at := range []int{3, 77, 250} {
		v.scoreFloats(v.vector(slots[at]), slots, out)
		for i, w := range vectors {
			cosine, _ := inFloat64(vectors[at], w)
			if got := float64(out[i]) / (1 << cosineBits); math.Abs(got-cosine) > 3e-6 {
				t.Fatalf("cosine of %d and %d is %v, not %v", at, i, got, cosine)
			}
		}
		v.floatDistances(v.code(slots[at]), slots, out)
		for i, w := range vectors {
			_, squared := inFloat64(vectors[at], w)
			// Marks part what is equal, and only that is changed by them.
			allowed := 3e-6 + 8*4*scatterBy*scatterBy*markStep*markStep
			if got := float64(out[i]) / (1 << distanceBits); math.Abs(got-squared) > allowed {
				t.Fatalf("distance of %d and %d is %v, not %v", at, i, got, squared)
			}
		}
	}
	if v.floatDistances(v.code(3), slots[len(slots)-1:], out); out[0] == 0 {
		t.Error("equal vectors are not parted")
	}
}

func inFloat64(a, b []float32) (dot, squared float64) {
	for i := range a {
		dot += float64(a[i]) * float64(b[i])
		squared += float64(a[i]-b[i]) * float64(a[i]-b[i])
	}
	return dot, squared
}

// The vectors are held once.
func TestFloatBytes(t *testing.T) {
	const dim, n = 128, 2000
	data := cliplike.New(cliplike.Config{N: n, Dim: dim, Latent: 32, Seed: 1})
	slots := make([]index.Slot, n)
	for i := range slots {
		slots[i] = index.Slot(i)
	}
	g, err := New(index.Params{Dim: dim, Quant: index.QuantFloat32})
	if err != nil {
		t.Fatal(err)
	}
	defer g.Close()
	if err := g.Add(context.Background(), slots, data.Images()); err != nil {
		t.Fatal(err)
	}
	// Row, plane, 33 links, and a little for upper layers and states.
	want := float64(floatStride(dim) + dim/8 + factorBytes + 4*33)
	if got := g.Stats().BytesPerVector; got < want || got > want+16 {
		t.Errorf("%.0f bytes a vector, want about %.0f", got, want)
	}
	if g.copies != nil {
		t.Error("there is a second copy of the vectors")
	}
}
