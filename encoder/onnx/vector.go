package onnx

import (
	"errors"
	"math"
	"sync"
)

// errNoDirection is returned for vectors that cannot be made unit vectors.
var errNoDirection = errors.New("tower gave a vector without direction (zero, infinite or NaN)")

// normalise scales v to unit length in place. Towers mostly do it themselves;
// doing it again in float64 changes nothing but the last bit.
func normalise(v []float32) error {
	var sum float64
	for _, x := range v {
		sum += float64(x) * float64(x)
	}
	if sum == 0 || math.IsNaN(sum) || math.IsInf(sum, 0) {
		return errNoDirection
	}
	scale := 1 / math.Sqrt(sum)
	for i, x := range v {
		v[i] = float32(float64(x) * scale)
	}
	return nil
}

// Tensors of images are about a megabyte each and short-lived.
var pixelPool sync.Pool

func getPixels(n int) []float32 {
	if p, ok := pixelPool.Get().(*[]float32); ok && cap(*p) >= n {
		return (*p)[:n]
	}
	return make([]float32, n)
}

func putPixels(p []float32) { pixelPool.Put(&p) }

// vectors returns n slices of dim components over one block of memory.
func vectors(n, dim int) [][]float32 {
	block := make([]float32, n*dim)
	out := make([][]float32, n)
	for i := range out {
		out[i] = block[i*dim : (i+1)*dim : (i+1)*dim]
	}
	return out
}
