package cliplike

import (
	"math"
	"slices"
	"testing"
)

func dot(a, b []float32) float64 {
	var s float64
	for i := range a {
		s += float64(a[i]) * float64(b[i])
	}
	return s
}

// The statistics that the package promises.
func TestStatistics(t *testing.T) {
	s := New(Config{N: 4000, Seed: 7})
	im, text := s.Images(), s.TextQueries(50)
	var pair, n float64
	for i := 0; i+1 < len(im); i += 2 {
		pair += dot(im[i], im[i+1])
		n++
	}
	if pair /= n; pair < 0.47 || pair > 0.56 {
		t.Errorf("mean pairwise cosine of images is %.3f", pair)
	}
	var mean, nearest float64
	for _, q := range text {
		if d := dot(q, q); math.Abs(d-1) > 1e-5 {
			t.Fatalf("text of length² %v", d)
		}
		best := -1.0
		for _, v := range im {
			d := dot(q, v)
			mean += d
			best = max(best, d)
		}
		nearest += best
	}
	mean /= float64(len(text) * len(im))
	nearest /= float64(len(text))
	if mean < 0.20 || mean > 0.24 || nearest < 0.34 || nearest > 0.43 {
		t.Errorf("texts: mean cosine %.3f, nearest %.3f", mean, nearest)
	}
	rogueDim := 0
	for d := range im[0] {
		var m float64
		for _, v := range im {
			m += float64(v[d])
		}
		if m /= float64(len(im)); m < -0.5 {
			rogueDim++
		}
	}
	if rogueDim != 1 {
		t.Errorf("%d rogue dimensions", rogueDim)
	}
	dups := 0
	for i, v := range im[:1000] {
		for _, w := range im[:i] {
			if dot(v, w) > 0.98 {
				dups++
				break
			}
		}
	}
	if dups < 12 || dups > 60 {
		t.Errorf("%d near-duplicates of 1,000", dups)
	}
	t.Logf("pairwise %.3f, text mean %.3f nearest %.3f, near-duplicates %d/1000", pair, mean, nearest, dups)
}

func TestSeeded(t *testing.T) {
	a, b := New(Config{N: 50, Dim: 96, Seed: 3}), New(Config{N: 50, Dim: 96, Seed: 3})
	for i := range a.Images() {
		if !slices.Equal(a.Images()[i], b.Images()[i]) {
			t.Fatal("equal configurations, other vectors")
		}
	}
	if !slices.Equal(a.ImageQueries(3)[2], b.ImageQueries(5)[2]) || !slices.Equal(a.TextQueries(3)[2], b.TextQueries(3)[2]) {
		t.Error("queries depend on more than the configuration")
	}
}
