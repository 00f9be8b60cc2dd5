package quant

import (
	"math"
	"math/bits"

	"github.com/clipdb/clipdb/internal/simd"
)

// rounds of sign flips and Hadamard transforms in a rotation.
const rounds = 3

// rotation is a seeded orthogonal map made of rounds of random sign flips and
// fast Walsh-Hadamard transforms. A transform needs a power of two; where the
// dimension is none, each round transforms the first and then the last window
// of the largest power of two that fits, which overlap by half or more, so that codes need
// no padding beyond a multiple of 64.
type rotation struct {
	padded int
	window int
	scale  float32
	signs  [rounds][]uint32
}

// padTo is the multiple that rotated vectors are padded to: one cache line of
// int8 components, one word of 1-bit components.
const padTo = 64

func newRotation(dim int, seed uint64) rotation {
	padded := (dim + padTo - 1) / padTo * padTo
	window := 1 << (bits.Len(uint(padded)) - 1)
	r := rotation{padded: padded, window: window, scale: float32(1 / math.Sqrt(float64(window)))}
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

// apply rotates x, padded components, in place.
func (r *rotation) apply(x []float32) {
	for i := range r.signs {
		simd.FlipSigns(x, r.signs[i])
		simd.Hadamard(x[:r.window], r.scale)
		if r.window < r.padded {
			simd.Hadamard(x[r.padded-r.window:], r.scale)
		}
	}
}

// invert undoes apply.
func (r *rotation) invert(x []float32) {
	for i := rounds - 1; i >= 0; i-- {
		if r.window < r.padded {
			simd.Hadamard(x[r.padded-r.window:], r.scale)
		}
		simd.Hadamard(x[:r.window], r.scale)
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
