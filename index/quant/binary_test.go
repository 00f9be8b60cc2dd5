package quant

import (
	"math"
	"slices"
	"testing"

	"github.com/clipdb/clipdb/internal/simd"
)

// bitCodes is a coded set.
type bitCodes struct {
	b     *Binary
	codes *BinaryCodes
	buf   []uint8
}

func encodeBits(b *Binary, base [][]float32) *bitCodes {
	s := &bitCodes{b, b.NewCodes(), make([]uint8, b.Bytes())}
	for i, v := range base {
		f := b.Encode(s.buf, v)
		s.codes.Put(uint32(i), s.buf, f)
	}
	return s
}

func (s *bitCodes) code(i int) ([]uint8, Factors) {
	f, ok := s.codes.Get(s.buf, uint32(i))
	if !ok {
		panic("no code")
	}
	return s.buf, f
}

// TestBinaryErrorBound holds estimates to the theorem: no bias, and errors
// whose size in units of Sigma is that of a normal variable, on either side of
// the modality gap.
func TestBinaryErrorBound(t *testing.T) {
	for _, dim := range []int{384, 512, 768} {
		f := clipFixture(dim)
		for side, queries := range map[string][][]float32{"image": f.images, "text": f.texts} {
			var sq, bias, n float64
			var beyond [4]float64
			for seed := range uint64(4) { // the bound is over the choice of the rotation
				b := TrainBinary(dim, seed, f.base[:1000])
				set := encodeBits(b, f.base[:1500])
				var q BinaryQuery
				for _, v := range queries[:30] {
					b.EncodeQuery(&q, v)
					for i := range 1500 {
						code, factors := set.code(i)
						z := (float64(q.Estimate(code, factors)) - float64(simd.DotF32(f.base[i], v))) / float64(q.Sigma(factors))
						sq += z * z
						bias += z
						n++
						for k := range beyond {
							if math.Abs(z) > float64(k) {
								beyond[k]++
							}
						}
					}
				}
			}
			t.Logf("dim %d %s: rms %.3f sigma, bias %.4f, beyond 1, 2, 3 sigma %.4f %.4f %.5f",
				dim, side, math.Sqrt(sq/n), bias/n, beyond[1]/n, beyond[2]/n, beyond[3]/n)
			if r := math.Sqrt(sq / n); r < 0.9 || r > 1.05 {
				t.Errorf("dim %d %s: errors are %v of Sigma", dim, side, r)
			}
			if math.Abs(bias/n) > 0.1 || beyond[2]/n > 0.06 || beyond[3]/n > 0.006 {
				t.Errorf("dim %d %s: bias %v sigma, %v beyond 2, %v beyond 3", dim, side, bias/n, beyond[2]/n, beyond[3]/n)
			}
		}
	}
}

// TestBinaryRerank finds the ten nearest exactly from few estimates: among
// the best R, and by the paper's rule, which stops looking at a vector when
// its estimate and three Sigma stay below the tenth best score.
func TestBinaryRerank(t *testing.T) {
	const dim = 512
	f := clipFixture(dim)
	b := TrainBinary(dim, 1, f.base[:1000])
	set := encodeBits(b, f.base)
	for _, c := range []struct {
		side    string
		queries [][]float32
		floor   float64 // recall of the best 100
	}{{"image", f.images, 0.995}, {"text", f.texts, 0.9}} {
		var q BinaryQuery
		var s Scan
		var among, bounded, looked float64
		for _, v := range c.queries {
			b.EncodeQuery(&q, v)
			exact := exactScores(f.base, v)
			want := nearest(exact, 10)
			s.Run(set.codes, &q, nil)
			var rows []int
			for _, r := range s.Best(100, nil) {
				rows = append(rows, int(r))
			}
			among += float64(overlap(rows, want)) / 10

			est := make([]float32, len(f.base))
			for i := range est {
				code, factors := set.code(i)
				est[i] = q.Estimate(code, factors)
			}
			var found []int
			for _, i := range nearest(est, len(est)) {
				_, factors := set.code(i)
				if len(found) == 10 && float64(est[i]+3*q.Sigma(factors)) < exact[found[9]] {
					continue
				}
				looked++
				found = append(found, i)
				slices.SortFunc(found, func(x, y int) int {
					if exact[x] > exact[y] {
						return -1
					}
					return 1
				})
				found = found[:min(10, len(found))]
			}
			bounded += float64(overlap(found, want)) / 10
		}
		n := float64(len(c.queries))
		t.Logf("%s: recall %.4f among 100, %.4f by the bound from %.0f exact scores of %d", c.side, among/n, bounded/n, looked/n, len(f.base))
		if among/n < c.floor || bounded/n < 0.998 {
			t.Errorf("%s: recall %v among 100, %v by the bound", c.side, among/n, bounded/n)
		}
		if looked/n > float64(len(f.base))/3 {
			t.Errorf("%s: the bound leaves %v of %d vectors to look at", c.side, looked/n, len(f.base))
		}
	}
}

// TestBinaryEdges codes vectors and queries at which a factor has nothing to
// divide by.
func TestBinaryEdges(t *testing.T) {
	for _, dim := range dims {
		vs := imagesLike(dim, 30, 2)
		for name, b := range map[string]*Binary{"no mean": TrainBinary(dim, 1, nil), "trained": TrainBinary(dim, 1, vs)} {
			code := make([]uint8, b.Bytes())
			mean := slices.Clone(b.mean[:dim])
			var q BinaryQuery
			zero := make([]float32, dim)
			for _, v := range [][]float32{mean, zero, vs[0]} {
				f := b.Encode(code, v)
				for _, w := range [][]float32{make([]float32, dim), mean, vs[1], vs[0]} {
					b.EncodeQuery(&q, w)
					got, sigma, want := float64(q.Estimate(code, f)), float64(q.Sigma(f)), cosine(v, w)
					if got-got != 0 || sigma-sigma != 0 {
						t.Errorf("dim %d %s: estimate %v ± %v", dim, name, got, sigma)
					}
					// Sigma is right for unit vectors, and for the codec's own mean.
					if &v[0] != &zero[0] && dim >= 100 && math.Abs(got-want) > 6*sigma+1e-4 {
						t.Errorf("dim %d %s: estimate %v ± %v, want %v", dim, name, got, sigma, want)
					}
				}
			}
		}
	}
}
