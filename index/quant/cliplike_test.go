package quant

import (
	"math"
	"math/rand/v2"
)

// clipLike draws vectors that imitate CLIP's: images in a narrow cone (mean
// pairwise cosine about 0.5) made of clusters of low intrinsic dimension, with
// a rogue component that every vector shares and a few near-duplicates, and
// texts that describe an image from behind the modality gap.
type clipLike struct {
	r        *rand.Rand
	dim      int
	mean     []float64
	textMean []float64
	axes     [][]float64 // directions of the latent space
	centres  [][]float64 // latent
}

func newClipLike(dim, clusters int, seed uint64) *clipLike {
	c := &clipLike{r: rand.New(rand.NewPCG(seed, 7)), dim: dim}
	latent := min(64, max(1, dim/2))
	for range latent {
		c.axes = append(c.axes, c.gauss(1/math.Sqrt(float64(dim)*float64(latent))))
	}
	c.mean = c.gauss(0.38 / math.Sqrt(float64(dim)))
	c.mean[dim/4] = -0.61
	c.mean[dim/2] = 0.2
	c.textMean = c.gauss(0.5 / math.Sqrt(float64(dim)))
	for range clusters {
		z := make([]float64, latent)
		for i := range z {
			z[i] = c.r.NormFloat64() * 0.5
		}
		c.centres = append(c.centres, z)
	}
	return c
}

func (c *clipLike) gauss(sigma float64) []float64 {
	v := make([]float64, c.dim)
	for i := range v {
		v[i] = c.r.NormFloat64() * sigma
	}
	return v
}

func addScaled(v, d []float64, s float64) {
	for i := range v {
		v[i] += s * d[i]
	}
}

func (c *clipLike) raw() []float64 {
	k := int(float64(len(c.centres)) * math.Pow(c.r.Float64(), 1.5)) // some clusters are larger
	v := c.gauss(0.3 / math.Sqrt(float64(c.dim)))
	for i, axis := range c.axes {
		addScaled(v, axis, c.centres[k][i]+c.r.NormFloat64()*0.5)
	}
	return v
}

func (c *clipLike) images(n int) [][]float32 {
	out := make([][]float32, n)
	for i := range out {
		if i > 10 && c.r.IntN(33) == 0 {
			v := c.gauss(0.03 / math.Sqrt(float64(c.dim)))
			for j, x := range out[c.r.IntN(i)] {
				v[j] += float64(x)
			}
			out[i] = unit(v)
			continue
		}
		v := c.raw()
		addScaled(v, c.mean, 1)
		out[i] = unit(v)
	}
	return out
}

func (c *clipLike) texts(n int) [][]float32 {
	out := make([][]float32, n)
	for i := range out {
		v := c.raw()
		for j := range v {
			v[j] *= 0.44
		}
		addScaled(v, c.gauss(0.5/math.Sqrt(float64(c.dim))), 1)
		addScaled(v, c.textMean, 1)
		addScaled(v, c.mean, 0.33)
		out[i] = unit(v)
	}
	return out
}

func unit(v []float64) []float32 {
	var s float64
	for _, x := range v {
		s += x * x
	}
	out := make([]float32, len(v))
	for i, x := range v {
		out[i] = float32(x / math.Sqrt(s))
	}
	return out
}

func cosine(a, b []float32) float64 {
	var s float64
	for i := range a {
		s += float64(a[i]) * float64(b[i])
	}
	return s
}
