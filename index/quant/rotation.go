package quant

import (
	"math"
	"math/bits"

	"github.com/clipdb/clipdb/internal/simd"
)

// A rotation has three rounds where the dimension is a power of two, else
// four. After them unit vectors along an axis have components as Gaussian
// (kurtosis 3) as after six; with fewer rounds over windows they do not.
const (
	wholeRounds  = 3
	windowRounds = 4
)

// padTo is the multiple that rotated vectors are padded to: one cache line of
// int8 components, one word of 1-bit components.
const padTo = 64

// rotation is a seeded orthogonal map: rounds of random sign flips and a fast
// Walsh-Hadamard transform. A transform needs a power of two. Where the
// dimension is none, the rounds transform the first and the last window of
// the largest power of two that fits in turn. Through their overlap they mix
// what lies outside either, so that codes of 384 or 768 components need no
// padding. Just below a power of two the overlap is too small to mix well;
// there vectors are padded to it.
type rotation struct {
	padded int
	window int
	scale  float32
	signs  [][]uint32 // of each round
}

// paddedDim is the length of a rotated vector.
func paddedDim(dim int) int {
	padded := (dim + padTo - 1) / padTo * padTo
	if whole := 1 << bits.Len(uint(padded-1)); padded >= whole/8*7 {
		return whole
	}
	return padded
}

func newRotation(dim int, seed uint64) rotation {
	padded := paddedDim(dim)
	window := 1 << (bits.Len(uint(padded)) - 1)
	r := rotation{padded: padded, window: window, scale: float32(1 / math.Sqrt(float64(window)))}
	r.signs = make([][]uint32, wholeRounds)
	if window < padded {
		r.signs = make([][]uint32, windowRounds)
	}
	state := seed
	for i := range r.signs {
		r.signs[i] = make([]uint32, padded)
		var word uint64
		for j := range r.signs[i] {
			if j%64 == 0 {
				word = splitmix64(&state)
			}
			r.signs[i][j] = uint32(word&1) << 31
			word >>= 1
		}
	}
	return r
}

// at is where the window of a round begins.
func (r *rotation) at(round int) int { return (round & 1) * (r.padded - r.window) }

// apply rotates x, padded components, in place.
func (r *rotation) apply(x []float32) {
	for i, signs := range r.signs {
		simd.FlipSigns(x, signs)
		at := r.at(i)
		simd.Hadamard(x[at:at+r.window], r.scale)
	}
}

// invert undoes apply.
func (r *rotation) invert(x []float32) {
	for i := len(r.signs) - 1; i >= 0; i-- {
		at := r.at(i)
		simd.Hadamard(x[at:at+r.window], r.scale)
		simd.FlipSigns(x, r.signs[i])
	}
}

// splitmix64 is the generator of Steele, Lea and Flood (2014): rotations are
// remade from their seed, so the generator is part of the stored format.
func splitmix64(state *uint64) uint64 {
	*state += 0x9e3779b97f4a7c15
	z := *state
	z = (z ^ z>>30) * 0xbf58476d1ce4e5b9
	z = (z ^ z>>27) * 0x94d049bb133111eb
	return z ^ z>>31
}
