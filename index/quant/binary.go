package quant

import (
	"math"
	"sync"

	"github.com/clipdb/clipdb/internal/simd"
)

// Binary codes a vector with one bit a component and two float32 factors, in
// the manner of RaBitQ (Gao and Long, "RaBitQ: Quantizing High-Dimensional
// Vectors with a Theoretical Error Bound for Approximate Nearest Neighbor
// Search", SIGMOD 2024). A codec does not change once it is made, and is safe
// for several goroutines.
//
// With c the mean of the training sample, R the rotation of P components,
// r = R(v-c), b its signs as 0 and 1, and for a query q
//
//	T = <q,c>/|c|^2, s = R(q-T*c) ≈ w*u, u from -8 to 7
//
// the cosine of unit vectors is
//
//	<v,q> = <r,s> + T*<v-c,c> + <c,q>
//	<r,s> ≈ Mul * sum((2b-1)*w*u) = Mul * (A*dot + B)
//	Mul = |r|^2/|r|_1, A = 2w, B = -w*sum(u), dot = sum(b*u)
//
// which is the paper's unbiased estimator <b̄,s>/<b̄,r>. The part of the query
// along the mean is taken out because <v-c,c>, the factor Add, is known
// exactly: the less there is to estimate, the less goes wrong.
type Binary struct {
	dim     int
	seed    uint64
	mean    []float32 // padded with zeros
	meanSq  float32
	rot     rotation
	scratch sync.Pool
}

// Factors belong to a 1-bit code.
type Factors struct {
	Mul float32 // |r|^2/|r|_1
	Add float32 // <v-c,c>
}

// TrainBinary makes a codec from a sample of the unit vectors to be coded,
// under the same rules as TrainInt8.
func TrainBinary(dim int, seed uint64, sample [][]float32) *Binary {
	mean, _ := meanOf(dim, sample)
	return newBinary(dim, seed, mean)
}

func newBinary(dim int, seed uint64, mean []float32) *Binary {
	b := &Binary{dim: dim, seed: seed, rot: newRotation(dim, seed)}
	b.mean = make([]float32, b.rot.padded)
	copy(b.mean, mean)
	b.meanSq = dotExact(b.mean, b.mean)
	b.scratch.New = func() any { s := make([]float32, b.rot.padded); return &s }
	return b
}

// Dim is the dimension of the vectors.
func (b *Binary) Dim() int { return b.dim }

// Bytes is the length of a code in bytes, without its factors.
func (b *Binary) Bytes() int { return b.rot.padded / 8 }

// Encode writes the code of v, Bytes bytes, to dst and returns its factors.
func (b *Binary) Encode(dst []uint8, v []float32) Factors {
	p := b.scratch.Get().(*[]float32)
	x := *p
	n := copy(x, v[:b.dim])
	for i, m := range b.mean[:n] {
		x[i] -= m
	}
	clear(x[n:])
	f := Factors{Add: dotExact(x, b.mean)}
	b.rot.apply(x)
	var sum, sq float64
	for k := range dst[:b.Bytes()] {
		var code uint8
		for i, y := range x[8*k : 8*k+8 : 8*k+8] {
			bits := math.Float32bits(y)
			code |= uint8(^bits>>31) << i
			a := float64(math.Float32frombits(bits &^ (1 << 31)))
			sum += a
			sq += a * a
		}
		dst[k] = code
	}
	if sum > 0 {
		f.Mul = float32(sq / sum)
	}
	b.scratch.Put(p)
	return f
}

// BinaryQuery is a query made ready for 1-bit codes. One may be used again for
// the next query, but not by two goroutines at once.
type BinaryQuery struct {
	// Bits holds the table of u and the A, B, T of Binary's formula.
	Bits simd.BitQuery
	// Offset is <c,q>: what is added to an estimate of simd.ScanBits to make
	// it one of the cosine.
	Offset float32

	components     []int8  // u
	normSq, lostSq float32 // |s|^2, |s-w*u|^2
	padded, meanSq float32
}

// querySigma is the step of a query's 4-bit components in standard
// deviations: the best for sixteen levels and a Gaussian (Max 1960).
const querySigma = 0.3352

// EncodeQuery makes q ready in dst, whose memory is used again.
func (b *Binary) EncodeQuery(dst *BinaryQuery, q []float32) {
	if len(dst.components) != b.rot.padded {
		dst.components = make([]int8, b.rot.padded)
		dst.Bits.Table = make([]uint8, 4*b.rot.padded)
	}
	p := b.scratch.Get().(*[]float32)
	x := *p
	n := copy(x, q[:b.dim])
	clear(x[n:])
	dst.Offset = simd.DotF32(x, b.mean)
	dst.Bits.T = 0
	if b.meanSq > 1e-12 {
		dst.Bits.T = dst.Offset / b.meanSq
		for i, m := range b.mean {
			x[i] -= float32(dst.Bits.T * m)
		}
	}
	b.rot.apply(x)
	normSq := simd.DotF32(x, x)
	step := querySigma * float32(math.Sqrt(float64(normSq)/float64(len(x))))
	var inv float32
	if step > 0 {
		inv = 1 / step
	}
	simd.QuantizeS8(dst.components, x, inv)
	var total, uu int32
	var along float64
	for i, y := range x {
		u := max(-8, min(7, dst.components[i]))
		dst.components[i] = u
		total += int32(u)
		uu += int32(u) * int32(u)
		along += float64(y) * float64(u)
	}
	simd.BitTable(dst.Bits.Table, dst.components)
	// The step that leaves least of s over, now that the levels are chosen.
	var w float64
	if uu > 0 {
		w = along / float64(uu)
	}
	dst.Bits.A = float32(2 * w)
	dst.Bits.B = float32(-w * float64(total))
	dst.normSq, dst.lostSq = normSq, max(0, normSq-float32(w*along))
	dst.padded, dst.meanSq = float32(len(x)), b.meanSq
	b.scratch.Put(p)
}

// Estimate is the estimate of the cosine of the query and the vector of a code.
func (q *BinaryQuery) Estimate(code []uint8, f Factors) float32 {
	dot := simd.DotBits(code, q.Bits.Table)
	return q.Offset + f.Mul*(q.Bits.A*float32(dot)+q.Bits.B) + q.Bits.T*f.Add
}

// Sigma is the standard deviation of an estimate over the choice of the
// rotation (theorem 3.2 of the paper), for the code of a unit vector:
//
//	sigma^2 = (P*Mul^2-|r|^2)/(P-1) * |s|^2 + Mul^2 * |s-w*u|^2
//
// where P*Mul^2 = |r|^2/<b̄,r̄>^2 and |r|^2 = 1-2*Add-|c|^2. The first term is
// the paper's, the second that of the query's levels. An estimate is off by
// more than e*Sigma with probability about 2*exp(-e*e/2): the paper takes
// e = 1.9 and re-ranks a vector exactly unless estimate + e*Sigma is below the
// k-th best exact score so far.
func (q *BinaryQuery) Sigma(f Factors) float32 {
	return q.sigma(f.spread(q.padded, q.meanSq), f.Mul)
}

// spread is P*Mul^2-|r|^2, what of Sigma does not depend on the query.
func (f Factors) spread(padded, meanSq float32) float32 {
	return max(0, padded*f.Mul*f.Mul-max(0, 1-2*f.Add-meanSq))
}

func (q *BinaryQuery) sigma(spread, mul float32) float32 {
	return float32(math.Sqrt(float64(spread/(q.padded-1)*q.normSq + mul*mul*q.lostSq)))
}

// dotExact sums in float64, the same on every machine: what goes into codes
// and factors must not depend on it.
func dotExact(a, b []float32) float32 {
	var s0, s1 float64
	b = b[:len(a)]
	for i := 0; i+2 <= len(a); i += 2 {
		s0 += float64(float64(a[i]) * float64(b[i]))
		s1 += float64(float64(a[i+1]) * float64(b[i+1]))
	}
	return float32(s0 + s1)
}
