package simd

import (
	"math"
	"math/rand/v2"
	"slices"
	"testing"
)

func randFloats(r *rand.Rand, n int) []float32 {
	x := make([]float32, n)
	kind := r.IntN(3)
	for i := range x {
		x[i] = float32(r.NormFloat64())
		if kind == 1 {
			x[i] *= float32(math.Exp2(float64(r.IntN(40) - 20)))
		}
	}
	return x
}

// TestDotFloat allows what any order of float32 sums can lose: n roundings of
// the sum of the sizes.
func TestDotFloat(t *testing.T) {
	eachPath(t, func(t testing.TB, _ string) {
		r := newRand(5)
		for _, n := range sizes {
			for range 10 {
				shift := r.IntN(20)
				a, b := randFloats(r, n+shift)[shift:], randFloats(r, n)
				h, wide := make([]uint16, n), make([]float32, n)
				F32ToF16(h, a)
				F16ToF32(wide, h)
				for _, c := range []struct {
					name string
					a    []float32
					got  float32
				}{{"f32", a, DotF32(a, b)}, {"f16", wide, DotF16(h, b)}} {
					var want, size float64
					for i := range c.a {
						p := float64(c.a[i]) * float64(b[i])
						want += p
						size += math.Abs(p)
					}
					if bound := float64(n+1) * 0x1p-24 * size; math.Abs(float64(c.got)-want) > bound && !math.IsInf(size, 0) {
						t.Fatalf("%s n=%d: %v, want %v ± %v", c.name, n, c.got, want, bound)
					}
				}
			}
		}
	})
}

// TestFloat16All takes every float16 there and back, and every rounding
// between neighbours.
func TestFloat16All(t *testing.T) {
	all := make([]uint16, 1<<16)
	for i := range all {
		all[i] = uint16(i)
	}
	eachPath(t, func(t testing.TB, path string) {
		wide, back := make([]float32, len(all)), make([]uint16, len(all))
		F16ToF32(wide, all)
		F32ToF16(back, wide)
		for i, h := range all {
			want := slowF16(h)
			if math.Float32bits(wide[i]) != math.Float32bits(want) && want == want {
				t.Fatalf("%04x widens to %v, want %v", h, wide[i], want)
			}
			nan := h&0x7c00 == 0x7c00 && h&0x3ff != 0
			switch {
			case nan && (wide[i] == wide[i] || back[i] != h|0x200):
				t.Fatalf("NaN %04x comes back as %v, %04x", h, wide[i], back[i])
			case !nan && back[i] != h:
				t.Fatalf("%04x comes back as %04x", h, back[i])
			}
		}
		// Between h and its neighbour: just below, at and just above the middle.
		for h := uint16(0); h < 0x7c00; h++ {
			lo, hi := float64(wide[h]), float64(wide[h+1])
			if h == 0x7bff {
				hi = 65536
			}
			mid := float32((lo + hi) / 2)
			even := h + h&1
			in := []float32{math.Nextafter32(mid, 0), mid, math.Nextafter32(mid, math.MaxFloat32), -mid, 0, 0, 0, 0}
			out := make([]uint16, len(in))
			F32ToF16(out, in)
			if want := []uint16{h, even, h + 1, even | 0x8000, 0, 0, 0, 0}; !slices.Equal(out, want) {
				t.Fatalf("around %04x: %04x, want %04x", h, out, want)
			}
		}
	})
}

func slowF16(h uint16) float32 {
	sign, e, m := 1.0, int(h>>10&31), float64(h&0x3ff)
	if h&0x8000 != 0 {
		sign = -1
	}
	switch {
	case e == 31 && m != 0:
		return float32(math.NaN())
	case e == 31:
		return float32(math.Inf(int(sign)))
	case e == 0:
		return float32(sign * math.Ldexp(m, -24) * 1)
	}
	return float32(sign * math.Ldexp(m+1024, e-25))
}

func FuzzFloat16(f *testing.F) {
	for _, v := range []float32{0, 1, 65504, 65519.996, 65520, 5.9604645e-08, 2.9802322e-08, 6.1e-05, float32(math.NaN())} {
		f.Add(math.Float32bits(v))
	}
	f.Fuzz(func(t *testing.T, bits uint32) {
		in := make([]float32, 9)
		for i := range in {
			in[i] = math.Float32frombits(bits + uint32(i))
		}
		want := make([]uint16, len(in))
		f32ToF16SliceGeneric(want, in)
		eachPath(t, func(t testing.TB, _ string) {
			got := make([]uint16, len(in))
			F32ToF16(got, in)
			if !slices.Equal(got, want) {
				t.Errorf("%08x: %04x, want %04x", bits, got, want)
			}
		})
	})
}
