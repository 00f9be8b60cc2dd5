// Package cliplike makes seeded sets of unit vectors that behave as CLIP
// embeddings do under nearest-neighbour search.
//
// What is imitated, and where it was seen:
//
//   - the narrow cone: image vectors have a mean cosine of about 0.5 with each
//     other (Liang et al. 2022, "Mind the Gap"; ViT-B/32 sets: 0.52);
//   - a rogue dimension: one component with a mean of about -0.61 that eats
//     the range of naive int8 codes;
//   - clusters and a low intrinsic dimension: points are a projection of
//     64-dimensional latents around the centres of clusters, with a little
//     noise in every direction;
//   - near-duplicates: 3 % of the vectors are an earlier one with slight noise
//     (bursts, crops, re-encoded files);
//   - the modality gap: text vectors lie outside the cloud of image vectors,
//     with a mean cosine of 0.22 to them and about 0.40 to the nearest.
//
// # Caveats
//
// A set depends on its Config alone, bit by bit on one machine; sums of
// products may differ in the last bit between machines. It imitates
// statistics, not meaning: measure on real embeddings before you believe a
// small difference.
package cliplike

import (
	"math"
	"math/rand/v2"

	"github.com/clipdb/clipdb/internal/simd"
)

// Config of a set. The zero value of each field but N takes the default.
type Config struct {
	N        int     // image vectors
	Dim      int     // components; default 512
	Latent   int     // intrinsic dimension; default 64
	Clusters int     // default 2,000, or N/10 where that is less
	Spread   float64 // radius of a cluster over the distance of centres; default 1
	Noise    float64 // share of the spread around the mean that lies in every direction; default 0.06
	NearDup  float64 // share of near-duplicates; default 0.03, negative for none
	Seed     uint64
}

func (c Config) withDefaults() Config {
	def := func(v *int, d int) {
		if *v == 0 {
			*v = d
		}
	}
	def(&c.Dim, 512)
	def(&c.Latent, min(64, c.Dim))
	def(&c.Clusters, max(1, min(2000, c.N/10)))
	if c.Spread == 0 {
		c.Spread = 1
	}
	if c.Noise == 0 {
		c.Noise = 0.06
	}
	if c.NearDup == 0 {
		c.NearDup = 0.03
	}
	return c
}

const (
	meanNorm2 = 0.515 // squared length of the mean of images: their mean cosine
	rogue     = -0.61 // one component of that mean

	textAlongMean = 0.22  // cosine of a text to the mean image vector, before division by its length
	textContent   = 0.375 // length of the part of a text that images share
	textTopics    = 3     // clusters that a text touches
)

// Set makes vectors of one Config.
type Set struct {
	c       Config
	mean    []float32
	proj    []float32 // Dim rows of Latent components
	centres []float32 // Clusters rows of Latent components
	gap     []float32 // direction of the texts that no image has
	images  [][]float32
	latent  []float32
	normal  *rand.Rand
}

// New returns the set of c with its N image vectors made.
func New(c Config) *Set {
	c = c.withDefaults()
	s := &Set{c: c, normal: rand.New(rand.NewPCG(c.Seed, 0x9e3779b97f4a7c15))}
	s.mean = make([]float32, c.Dim)
	s.gauss(s.mean)
	at := s.normal.IntN(c.Dim)
	s.mean[at] = 0
	rest := meanNorm2 - rogue*rogue
	if c.Dim == 1 {
		rest = 0
	}
	scaleTo(s.mean, math.Sqrt(rest))
	s.mean[at] = rogue

	s.gap = make([]float32, c.Dim)
	s.gauss(s.gap)
	orthogonal(s.gap, s.mean)
	scaleTo(s.gap, 1)

	s.proj = make([]float32, c.Dim*c.Latent)
	s.gauss(s.proj)
	s.centres = make([]float32, c.Clusters*c.Latent)
	s.gauss(s.centres)
	s.latent = make([]float32, c.Latent)

	flat := make([]float32, c.N*c.Dim)
	s.images = make([][]float32, c.N)
	for i := range s.images {
		s.images[i] = flat[i*c.Dim : (i+1)*c.Dim : (i+1)*c.Dim]
		if i > 0 && s.normal.Float64() < c.NearDup {
			s.nearDuplicate(s.images[i], s.images[s.normal.IntN(i)])
		} else {
			s.image(s.images[i], s.normal)
		}
	}
	return s
}

// Images returns the N image vectors. They are not copied.
func (s *Set) Images() [][]float32 { return s.images }

// ImageQueries returns n further image vectors, not of the set.
func (s *Set) ImageQueries(n int) [][]float32 {
	rng := rand.New(rand.NewPCG(s.c.Seed, 0x1a6e))
	return s.queries(n, func(v []float32) { s.image(v, rng) })
}

// TextQueries returns n text vectors, which lie outside the cloud of images.
func (s *Set) TextQueries(n int) [][]float32 {
	rng := rand.New(rand.NewPCG(s.c.Seed, 0x7e87))
	return s.queries(n, func(v []float32) { s.text(v, rng) })
}

// Burst returns n copies of an image vector with slight noise: cosine about
// 1-noise² to it.
func (s *Set) Burst(of []float32, n int, noise float64) [][]float32 {
	rng := rand.New(rand.NewPCG(s.c.Seed, 0xb5e))
	return s.queries(n, func(v []float32) {
		gauss(v, rng)
		scaleTo(v, noise*math.Sqrt2)
		for i := range v {
			v[i] += of[i]
		}
		scaleTo(v, 1)
	})
}

func (s *Set) queries(n int, fill func([]float32)) [][]float32 {
	out := make([][]float32, n)
	for i := range out {
		out[i] = make([]float32, s.c.Dim)
		fill(out[i])
	}
	return out
}

// image draws a cluster and a point in it.
func (s *Set) image(v []float32, rng *rand.Rand) {
	s.clusterPoint(s.latent, rng)
	s.project(v, s.latent)
	scaleTo(v, math.Sqrt((1-meanNorm2)*(1-s.c.Noise)))
	// Isotropic noise has the length sigma*sqrt(dim).
	sigma := float32(math.Sqrt((1 - meanNorm2) * s.c.Noise / float64(s.c.Dim)))
	for i := range v {
		v[i] += s.mean[i] + sigma*float32(rng.NormFloat64())
	}
	scaleTo(v, 1)
}

func (s *Set) clusterPoint(z []float32, rng *rand.Rand) {
	at := rng.IntN(s.c.Clusters) * s.c.Latent
	for i := range z {
		z[i] = s.centres[at+i] + float32(s.c.Spread*rng.NormFloat64())
	}
}

// text mixes a few topics into what images share, and lays that beside the
// directions that only texts have.
func (s *Set) text(v []float32, rng *rand.Rand) {
	z := make([]float32, s.c.Latent)
	weight := float32(1)
	for range textTopics {
		s.clusterPoint(s.latent, rng)
		for i, x := range s.latent {
			z[i] += weight * x
		}
		weight *= 0.6
	}
	s.project(v, z)
	scaleTo(v, textContent)
	along := float32(textAlongMean / meanNorm2)
	left := math.Sqrt(max(0, 1-textContent*textContent-textAlongMean*textAlongMean/meanNorm2))
	own := make([]float32, len(v))
	gauss(own, rng)
	orthogonal(own, s.mean)
	scaleTo(own, 0.6*left)
	for i := range v {
		v[i] += along*s.mean[i] + own[i] + float32(0.8*left)*s.gap[i]
	}
	scaleTo(v, 1)
}

func (s *Set) nearDuplicate(v, of []float32) {
	s.gauss(v)
	// Cosines of 0.985 to 0.999 to the original.
	scaleTo(v, 0.04+0.13*s.normal.Float64())
	for i := range v {
		v[i] += of[i]
	}
	scaleTo(v, 1)
}

func (s *Set) project(v, z []float32) {
	for i := range v {
		v[i] = simd.DotF32(s.proj[i*len(z):(i+1)*len(z)], z)
	}
}

func (s *Set) gauss(v []float32) { gauss(v, s.normal) }

func gauss(v []float32, rng *rand.Rand) {
	for i := range v {
		v[i] = float32(rng.NormFloat64())
	}
}

func scaleTo(v []float32, length float64) {
	var n float64
	for _, x := range v {
		n += float64(x) * float64(x)
	}
	if n == 0 {
		return
	}
	f := float32(length / math.Sqrt(n))
	for i := range v {
		v[i] *= f
	}
}

// orthogonal takes from v what lies along u.
func orthogonal(v, u []float32) {
	var dot, n float64
	for i := range v {
		dot += float64(v[i]) * float64(u[i])
		n += float64(u[i]) * float64(u[i])
	}
	f := float32(dot / n)
	for i := range v {
		v[i] -= f * u[i]
	}
}
