package simd

import (
	"math"
	"math/bits"
	"slices"
	"testing"
)

func bitsOf(x []float32) []uint32 {
	b := make([]uint32, len(x))
	for i, v := range x {
		b[i] = math.Float32bits(v)
	}
	return b
}

// TestHadamard holds every path bit-equal to plain Go, and plain Go to the
// matrix (-1)^popcount(i&j).
func TestHadamard(t *testing.T) {
	r := newRand(6)
	for n := 1; n <= 4096; n *= 2 {
		in := randFloats(r, n)
		scale := float32(1 / math.Sqrt(float64(n)))
		want := slices.Clone(in)
		hadamardGeneric(want, scale)
		if n <= 512 {
			for i := range n {
				var s, size float64
				for j, v := range in {
					size += math.Abs(float64(v))
					s += float64(v) * float64(1-2*(bits.OnesCount(uint(i&j))&1))
				}
				if d := math.Abs(float64(want[i]) - s*float64(scale)); d > 0x1p-20*size*float64(scale) {
					t.Fatalf("n=%d: element %d is %v, want %v", n, i, want[i], s*float64(scale))
				}
			}
		}
		eachPath(t, func(t testing.TB, _ string) {
			for shift := range 3 {
				got := append(make([]float32, shift), in...)[shift:]
				Hadamard(got, scale)
				if !slices.Equal(bitsOf(got), bitsOf(want)) {
					t.Fatalf("n=%d: not bit-equal to plain Go", n)
				}
			}
		})
	}
	mustPanic(t, "power of two", func() { Hadamard(nil, 1) })
	mustPanic(t, "power of two", func() { Hadamard(make([]float32, 12), 1) })
}

func TestFlipSigns(t *testing.T) {
	eachPath(t, func(t testing.TB, _ string) {
		r := newRand(7)
		for _, n := range sizes {
			x, signs := randFloats(r, n), make([]uint32, n)
			want := slices.Clone(x)
			for i := range signs {
				if r.IntN(2) == 1 {
					signs[i] = 1 << 31
					want[i] = -want[i]
				}
			}
			FlipSigns(x, signs)
			if !slices.Equal(bitsOf(x), bitsOf(want)) {
				t.Fatalf("n=%d: %v, want %v", n, x, want)
			}
		}
	})
}

func TestQuantize(t *testing.T) {
	eachPath(t, func(t testing.TB, _ string) {
		r := newRand(8)
		for _, n := range sizes {
			for _, scale := range []float32{1, 40, 1e9} {
				x := randFloats(r, n)
				for i := range x {
					switch r.IntN(8) {
					case 0:
						x[i] = float32(r.IntN(260)-130) / 2 // ties
					case 1:
						x[i] = math.MaxFloat32 * float32(r.IntN(3)-1)
					}
				}
				s8, u8 := make([]int8, n), make([]uint8, n)
				QuantizeS8(s8, x, scale)
				QuantizeU8(u8, x, scale)
				var m float32
				for i, v := range x {
					m = max(m, v, -v)
					want := int(math.RoundToEven(max(-127, min(127, float64(v*scale)))))
					if int(s8[i]) != want || int(u8[i])-128 != want {
						t.Fatalf("n=%d: %v*%v gives %d and %d, want %d", n, v, scale, s8[i], u8[i], want)
					}
				}
				if got := MaxAbs(x); got != m {
					t.Fatalf("n=%d: MaxAbs %v, want %v", n, got, m)
				}
			}
		}
	})
}
