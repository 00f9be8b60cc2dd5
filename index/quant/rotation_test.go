package quant

import (
	"fmt"
	"hash/crc32"
	"math"
	"testing"

	"github.com/clipdb/clipdb/internal/simd"
)

var dims = []int{1, 3, 64, 100, 128, 200, 256, 384, 448, 512, 576, 640, 768, 960, 1024, 1152}

// arbitrary fills v with numbers that are the same on every machine.
func arbitrary(seed uint64, n int) []float32 {
	v := make([]float32, n)
	for i := range v {
		v[i] = float32(int64(splitmix64(&seed))>>40) * 0x1p-23
	}
	return v
}

func TestRotationIsOrthogonal(t *testing.T) {
	for _, dim := range dims {
		r := newRotation(dim, 5)
		if r.padded%padTo != 0 || r.padded < dim || r.padded > dim/7*8+padTo {
			t.Errorf("dim %d is padded to %d", dim, r.padded)
		}
		a, b := arbitrary(1, r.padded), arbitrary(2, r.padded)
		x, y := append([]float32(nil), a...), append([]float32(nil), b...)
		r.apply(x)
		r.apply(y)
		for _, c := range []struct{ got, want float64 }{
			{cosine(x, y), cosine(a, b)}, {cosine(x, x), cosine(a, a)}, {cosine(y, y), cosine(b, b)},
		} {
			if math.Abs(c.got-c.want) > 1e-4*math.Sqrt(float64(r.padded)) {
				t.Errorf("dim %d: product %v after rotation, %v before", dim, c.got, c.want)
			}
		}
		r.invert(x)
		for i := range x {
			if math.Abs(float64(x[i]-a[i])) > 1e-5 {
				t.Fatalf("dim %d: component %d comes back as %v, was %v", dim, i, x[i], a[i])
			}
		}
	}
}

// TestRotationSpreads wants a vector along one axis, as a rogue dimension is,
// spread like a Gaussian one: no component above 6.5 standard deviations, and
// a fourth moment near 3.
func TestRotationSpreads(t *testing.T) {
	for _, dim := range dims {
		if dim < 256 {
			continue
		}
		var fourth, n float64
		for seed := range uint64(20) {
			r := newRotation(dim, seed)
			for _, axis := range []int{0, 1, dim / 4, dim / 2, dim - 1} {
				x := make([]float32, r.padded)
				x[axis] = 1
				r.apply(x)
				for _, v := range x {
					s := float64(v) * math.Sqrt(float64(r.padded))
					if math.Abs(s) > 6.5 {
						t.Errorf("dim %d seed %d axis %d: a component of %.1f standard deviations", dim, seed, axis, s)
					}
					fourth += s * s * s * s
					n++
				}
			}
		}
		if k := fourth / n; k < 2.5 || k > 3.6 {
			t.Errorf("dim %d: fourth moment %.2f, want about 3", dim, k)
		}
	}
}

// TestCodesAreTheSameEverywhere holds codes and factors to sums taken once:
// every machine and every path of the kernels must make the same ones, since
// files move from machine to machine.
func TestCodesAreTheSameEverywhere(t *testing.T) {
	want := map[int][3]uint32{
		512: {0x2828979, 0x46e4443c, 0x35977857},
		768: {0x68168e28, 0x29b510ce, 0x9ed071c4},
	}
	for dim, sums := range want {
		mean := arbitrary(3, dim)
		for i := range mean {
			mean[i] *= 0.02
		}
		c, b := newInt8(dim, 42, 0.001, mean), newBinary(dim, 42, mean)
		var codes, queries, bits []byte
		for i := range uint64(50) {
			v := arbitrary(100+i, dim)
			for j := range v {
				v[j] *= 0.06
			}
			code, query, word := make([]uint8, c.Stride()), make([]int8, c.Stride()), make([]uint8, b.Bytes())
			c.Encode(code, v)
			c.EncodeQuery(query, v)
			f := b.Encode(word, v)
			codes = append(codes, code...)
			for _, q := range query {
				queries = append(queries, byte(q))
			}
			bits = fmt.Append(bits, word, math.Float32bits(f.Mul), math.Float32bits(f.Add))
		}
		got := [3]uint32{crc32.ChecksumIEEE(codes), crc32.ChecksumIEEE(queries), crc32.ChecksumIEEE(bits)}
		if got != sums {
			t.Errorf("dim %d with kernels %s: sums %#x, want %#x", dim, simd.Features(), got, sums)
		}
	}
}
