package quant

import (
	"math"
	"sync"

	"github.com/clipdb/clipdb/internal/simd"
)

// clipSigma is where int8 codes are clipped, in standard deviations of a
// rotated component.
const clipSigma = 4.3

// Int8 codes a vector with one byte a component. A codec does not change once
// it is made, and is safe for several goroutines.
//
// With c the mean of the training sample, R the rotation, D and S the steps
// of code and query:
//
//	code u = clamp(round(R(v-c)/D), ±127) + 128      1..255, uint8
//	query t = clamp(round(R(q)/S), ±127)             S = max|R(q)|/127, int8
//	<v,q> = <v-c,q> + <c,q> = <R(v-c),R(q)> + <c,q>
//	      ≈ D*S*sum((u-128)*t) + <c,q>
//	      = scale*dot(u,t) + offset
//	scale = D*S, offset = <c,q> - D*S*128*sum(t)
//
// For unit vectors this is the cosine. Nothing of it depends on the coded
// vector but u: dot products of one query order codes as scores do.
type Int8 struct {
	dim     int
	seed    uint64
	step    float32
	mean    []float32 // padded with zeros
	rotMean []float32
	neutral []uint8 // the code of the mean: all 128
	rot     rotation
	scratch sync.Pool
}

// TrainInt8 makes a codec from a sample of the unit vectors to be coded; a
// thousand drawn at random are plenty. Vectors of another dimension and those
// with NaN or infinities are passed over. Small samples are trusted less: the
// mean is drawn to zero and the range widened as if 16 vectors of mean zero
// stood beside the sample, so that no sample at all makes a codec, too. dim is
// between 1 and MaxDim.
func TrainInt8(dim int, seed uint64, sample [][]float32) *Int8 {
	mean, rms := meanOf(dim, sample)
	step := clipSigma * rms / math.Sqrt(float64(paddedDim(dim))) / 127
	return newInt8(dim, seed, float32(max(minStep, min(1, step))), mean)
}

func newInt8(dim int, seed uint64, step float32, mean []float32) *Int8 {
	c := &Int8{dim: dim, seed: seed, step: step, rot: newRotation(dim, seed)}
	c.mean = make([]float32, c.rot.padded)
	copy(c.mean, mean)
	c.rotMean = append([]float32(nil), c.mean...)
	c.rot.apply(c.rotMean)
	c.neutral = make([]uint8, c.rot.padded)
	for i := range c.neutral {
		c.neutral[i] = 128
	}
	c.scratch.New = func() any { s := make([]float32, c.rot.padded); return &s }
	return c
}

// Dim is the dimension of the vectors.
func (c *Int8) Dim() int { return c.dim }

// Stride is the length of a code in bytes: Dim rounded up to a multiple of 64.
func (c *Int8) Stride() int { return c.rot.padded }

// Encode writes the code of v, Stride bytes, to dst.
func (c *Int8) Encode(dst []uint8, v []float32) {
	p := c.scratch.Get().(*[]float32)
	x := *p
	n := copy(x, v[:c.dim])
	for i, m := range c.mean[:n] {
		x[i] -= m
	}
	clear(x[n:])
	c.rot.apply(x)
	simd.QuantizeU8(dst[:len(x)], x, 1/c.step)
	c.scratch.Put(p)
}

// EncodeQuery writes the query form of q, Stride bytes, to dst. The cosine of
// q and the vector behind a code is about offset + scale*dot(code, dst).
func (c *Int8) EncodeQuery(dst []int8, q []float32) (scale, offset float32) {
	p := c.scratch.Get().(*[]float32)
	x := *p
	n := copy(x, q[:c.dim])
	clear(x[n:])
	along := simd.DotF32(x[:n], c.mean[:n])
	c.rot.apply(x)
	scale = c.quantizeQuery(dst[:len(x)], x)
	c.scratch.Put(p)
	return scale, along - scale*float32(simd.DotU8S8(c.neutral, dst[:len(x)]))
}

// CodeQuery writes the query form of the vector behind code, as EncodeQuery
// does it for the vector itself: for scoring codes against each other when
// the vectors are not at hand.
func (c *Int8) CodeQuery(dst []int8, code []uint8) (scale, offset float32) {
	p := c.scratch.Get().(*[]float32)
	x := *p
	code = code[:len(x)]
	for i, m := range c.rotMean {
		x[i] = m + float32(c.step*float32(int32(code[i])-128))
	}
	along := simd.DotF32(x, c.rotMean)
	scale = c.quantizeQuery(dst[:len(x)], x)
	c.scratch.Put(p)
	return scale, along - scale*float32(simd.DotU8S8(c.neutral, dst[:len(x)]))
}

// quantizeQuery scales x into dst and returns the scale of a dot product.
func (c *Int8) quantizeQuery(dst []int8, x []float32) float32 {
	m := simd.MaxAbs(x)
	if m < minStep {
		m = minStep
	}
	simd.QuantizeS8(dst, x, 127/m)
	return c.step * (m / 127)
}

// minStep keeps divisions by the largest component of a zero vector finite.
const minStep = 1e-20

// Decode writes the vector that code stands for, Dim components, to dst.
func (c *Int8) Decode(dst []float32, code []uint8) {
	p := c.scratch.Get().(*[]float32)
	x := *p
	for i, u := range code[:len(x)] {
		x[i] = float32(int32(u)-128) * c.step
	}
	c.rot.invert(x)
	for i := range dst[:c.dim] {
		dst[i] = x[i] + c.mean[i]
	}
	c.scratch.Put(p)
}
