package quant

import (
	"math"

	"github.com/clipdb/clipdb/internal/simd"
)

// Drift tells how far data have moved away from the sample of an int8 codec.
type Drift struct {
	Vectors int     // usable vectors that were looked at
	Mean    float64 // distance of their mean from the codec's, in units of the spread that it was made for
	Spread  float64 // root mean square distance from their own mean, in the same unit
	Clipped float64 // share of code components that are clipped; 2e-5 for a fresh codec
}

// Stale reports whether codes should be made again with a codec trained anew.
// Scores stay right on average whatever the drift, since the codec's own mean
// is in its formula: a mean that has moved by as much as the data spread makes
// the error of a score half as large again, no more. It is only that steps
// become too narrow or too wide. The limits are where the error is about
// twice that of a codec trained anew: one component in 400 clipped, or data in
// less than half the spread.
func (d Drift) Stale() bool {
	return d.Vectors > 0 && (d.Clipped > maxClipped || d.Spread < minSpread)
}

const (
	maxClipped = 1.0 / 400
	minSpread  = 0.5
)

// Drift measures sample, a few hundred vectors drawn from what is coded now.
func (c *Int8) Drift(sample [][]float32) Drift {
	unit := float64(c.step) * 127 / clipSigma * math.Sqrt(float64(c.rot.padded))
	var d Drift
	sum := make([]float64, c.dim)
	code := make([]uint8, c.Stride())
	var sq float64
	clipped := 0
	for _, v := range sample {
		if !usable(c.dim, v) {
			continue
		}
		d.Vectors++
		for i, x := range v {
			r := float64(x) - float64(c.mean[i])
			sum[i] += r
			sq += r * r
		}
		c.Encode(code, v)
		for _, u := range code {
			if u == 1 || u == 255 {
				clipped++
			}
		}
	}
	if d.Vectors == 0 {
		return d
	}
	n := float64(d.Vectors)
	var off float64
	for _, s := range sum {
		off += s / n * s / n
	}
	d.Mean = math.Sqrt(off) / unit
	d.Spread = math.Sqrt(max(0, sq/n-off)) / unit
	d.Clipped = float64(clipped) / n / float64(len(code))
	return d
}

// SquaredDistance is |v-w|^2 of two coded vectors. For unit vectors it is
// 2-2*cosine: symmetric, and without a correction per vector, it suits
// comparing codes with each other. dist is simd.L2SqU8 of the codes.
func (c *Int8) SquaredDistance(dist int32) float32 { return c.step * c.step * float32(dist) }

// Distance is dist for SquaredDistance.
func (c *Int8) Distance(a, b []uint8) int32 { return simd.L2SqU8(a, b) }
