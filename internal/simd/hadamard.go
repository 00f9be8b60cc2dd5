package simd

import "math"

// Hadamard replaces x by its Walsh-Hadamard transform times scale. len(x) is
// a power of two; scale 1/sqrt(len(x)) makes the transform orthonormal and
// its own inverse. It costs n log n additions, and every path does them in the
// same order, so that results are bit-equal everywhere.
func Hadamard(x []float32, scale float32) {
	if n := len(x); n == 0 || n&(n-1) != 0 {
		panic("simd: Hadamard of a length that is no power of two")
	}
	hadamard(x, scale)
}

// FlipSigns flips the sign of x[i] where signs[i] is 1<<31 and keeps it where
// signs[i] is 0.
func FlipSigns(x []float32, signs []uint32) {
	if len(x) != len(signs) {
		panic("simd: FlipSigns of different lengths")
	}
	flipSigns(x, signs)
}

func hadamardGeneric(x []float32, scale float32) {
	n := len(x)
	h := 1
	for ; h < n; h <<= 1 {
		for i := 0; i < n; i += h << 1 {
			a, b := x[i:i+h], x[i+h:i+2*h]
			for j := range a {
				u, v := a[j], b[j]
				a[j], b[j] = u+v, u-v
			}
		}
	}
	for i := range x {
		x[i] *= scale
	}
}

func flipSignsGeneric(x []float32, signs []uint32) {
	signs = signs[:len(x)]
	for i := range x {
		x[i] = math.Float32frombits(math.Float32bits(x[i]) ^ signs[i])
	}
}
