package quant

import (
	"cmp"
	"math"
	"slices"
	"sync"
	"testing"

	"github.com/clipdb/clipdb/index/indextest/cliplike"
	"github.com/clipdb/clipdb/internal/simd"
)

// fixture is one CLIP-like set with queries of both sides.
type fixture struct {
	base, images, texts [][]float32
}

var fixtures = struct {
	sync.Mutex
	of map[int]*fixture
}{of: map[int]*fixture{}}

func clipFixture(dim int) *fixture {
	fixtures.Lock()
	defer fixtures.Unlock()
	if fixtures.of[dim] == nil {
		s := cliplike.New(cliplike.Config{N: 5000, Dim: dim, Seed: uint64(dim)})
		fixtures.of[dim] = &fixture{s.Images(), s.ImageQueries(60), s.TextQueries(60)}
	}
	return fixtures.of[dim]
}

func imagesLike(dim, n int, seed uint64) [][]float32 {
	return cliplike.New(cliplike.Config{N: n, Dim: dim, Seed: seed}).Images()
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

func encodeAll(c *Int8, base [][]float32) []uint8 {
	codes := make([]uint8, len(base)*c.Stride())
	for i, v := range base {
		c.Encode(codes[i*c.Stride():(i+1)*c.Stride()], v)
	}
	return codes
}

// nearest returns the rows of the n highest scores.
func nearest[T cmp.Ordered](scores []T, n int) []int {
	rows := make([]int, len(scores))
	for i := range rows {
		rows[i] = i
	}
	slices.SortStableFunc(rows, func(a, b int) int { return cmp.Compare(scores[b], scores[a]) })
	return rows[:n]
}

func overlap(got, want []int) int {
	n := 0
	for _, w := range want {
		if slices.Contains(got, w) {
			n++
		}
	}
	return n
}

func exactScores(base [][]float32, q []float32) []float64 {
	s := make([]float64, len(base))
	for i, v := range base {
		s[i] = float64(simd.DotF32(v, q))
	}
	return s
}

// measured is what a codec does to a set.
type measured struct{ rms, bias, worst, recall10, recall15 float64 }

func measure(c *Int8, base, queries [][]float32) measured {
	var m measured
	codes := encodeAll(c, base)
	query, dots := make([]int8, c.Stride()), make([]int32, len(base))
	for _, q := range queries {
		scale, offset := c.EncodeQuery(query, q)
		simd.DotU8S8Rows(codes, query, dots)
		exact := exactScores(base, q)
		for i, dot := range dots {
			e := float64(offset+scale*float32(dot)) - exact[i]
			m.rms += e * e
			m.bias += e
			m.worst = max(m.worst, math.Abs(e))
		}
		want := nearest(exact, 10)
		m.recall10 += float64(overlap(nearest(dots, 10), want)) / 10
		m.recall15 += float64(overlap(nearest(dots, 15), want)) / 10
	}
	n := float64(len(base) * len(queries))
	m.rms, m.bias = math.Sqrt(m.rms/n), m.bias/n
	m.recall10 /= float64(len(queries))
	m.recall15 /= float64(len(queries))
	return m
}

// TestInt8OnClipLike holds what the package promises: errors of a few 1e-4
// without bias, on either side of the modality gap and at every dimension of
// a CLIP model, and all of the ten nearest among the best fifteen codes.
func TestInt8OnClipLike(t *testing.T) {
	for _, dim := range []int{384, 512, 768, 1152} {
		f := clipFixture(dim)
		c := TrainInt8(dim, 1, f.base[:1000])
		for side, queries := range map[string][][]float32{"image": f.images, "text": f.texts} {
			m := measure(c, f.base, queries)
			t.Logf("dim %d %s: %+v", dim, side, m)
			scale := math.Sqrt(512 / float64(dim))
			if m.rms > 4.5e-4*scale || math.Abs(m.bias) > 5e-5 || m.worst > 0.012 {
				t.Errorf("dim %d %s: error too large: %+v", dim, side, m)
			}
			if m.recall10 < 0.97 || m.recall15 < 0.999 {
				t.Errorf("dim %d %s: recall too low: %+v", dim, side, m)
			}
		}
	}
}

// TestInt8RogueDimension wants a component that stands out in every vector,
// or wildly in some, to cost next to nothing.
func TestInt8RogueDimension(t *testing.T) {
	const dim = 512
	f := clipFixture(dim)
	plain := measure(TrainInt8(dim, 1, f.base[:1000]), f.base, f.images)
	spoil := func(vs [][]float32) [][]float32 {
		out := make([][]float32, len(vs))
		for i, v := range vs {
			w := make([]float64, dim)
			for j, x := range v {
				w[j] = float64(x)
			}
			w[17] += 1.2
			w[400] += []float64{0, 0.9, -0.9}[i%3]
			out[i] = unit(w)
		}
		return out
	}
	base, queries := spoil(f.base), spoil(f.images)
	rogue := measure(TrainInt8(dim, 1, base[:1000]), base, queries)
	t.Logf("plain %+v, with rogue dimensions %+v", plain, rogue)
	if rogue.rms > 1.5*plain.rms || rogue.recall15 < 0.99 {
		t.Errorf("rogue dimensions hurt: %+v, without %+v", rogue, plain)
	}
}

// TestInt8Formula holds the score to the sum over decoded code and query that
// it stands for.
func TestInt8Formula(t *testing.T) {
	for _, dim := range dims {
		vs := imagesLike(dim, 40, 3)
		c := TrainInt8(dim, 9, vs[:20])
		code, query := make([]uint8, c.Stride()), make([]int8, c.Stride())
		x, back := make([]float32, c.Stride()), make([]float32, dim)
		for i, v := range vs[:20] {
			q := vs[20+i]
			c.Encode(code, v)
			scale, offset := c.EncodeQuery(query, q)
			score := float64(offset + scale*float32(simd.DotU8S8(code, query)))
			// The query as its components say, turned back.
			for j, u := range query {
				x[j] = float32(u) * scale / c.step
			}
			c.rot.invert(x)
			c.Decode(back, code)
			want := cosine(q, c.mean[:dim])
			for j, m := range c.mean {
				r := -m
				if j < dim {
					r += back[j]
				} else {
					r = 0
				}
				want += float64(r) * float64(x[j])
			}
			// The part of a code in the padding is lost in Decode only.
			if dim == c.Stride() && math.Abs(score-want) > 1e-5 {
				t.Fatalf("dim %d: score %v, by the formula %v", dim, score, want)
			}
			// Half a step in each component, or one more when it is clipped.
			var sq float64
			for j := range v {
				d := float64(v[j] - back[j])
				sq += d * d
			}
			if bound := float64(c.step) * math.Sqrt(float64(c.Stride())); !slices.ContainsFunc(code, clippedByte) && math.Sqrt(sq) > bound {
				t.Errorf("dim %d: decoded vector is off by %v, more than %v", dim, math.Sqrt(sq), bound)
			}
		}
	}
}

func clippedByte(u uint8) bool { return u == 1 || u == 255 }

// TestInt8BetweenCodes compares what codes say of each other with the cosines
// of their vectors.
func TestInt8BetweenCodes(t *testing.T) {
	for _, dim := range []int{512, 768} {
		f := clipFixture(dim)
		c := TrainInt8(dim, 1, f.base[:500])
		codes := encodeAll(c, f.base[:400])
		query := make([]int8, c.Stride())
		var cross, l2 float64
		for i := range 399 {
			a, b := codes[i*c.Stride():(i+1)*c.Stride()], codes[(i+1)*c.Stride():(i+2)*c.Stride()]
			want := cosine(f.base[i], f.base[i+1])
			scale, offset := c.CodeQuery(query, a)
			e := float64(offset+scale*float32(simd.DotU8S8(b, query))) - want
			cross += e * e
			e = 1 - float64(c.SquaredDistance(simd.L2SqU8(a, b)))/2 - want
			l2 += e * e
			if simd.L2SqU8(a, b) != simd.L2SqU8(b, a) || simd.L2SqU8(a, a) != 0 {
				t.Fatal("distance of codes is not symmetric")
			}
		}
		cross, l2 = math.Sqrt(cross/399), math.Sqrt(l2/399)
		if cross > 8e-4 || l2 > 8e-4 {
			t.Errorf("dim %d: errors %v by query form, %v by distance", dim, cross, l2)
		}
	}
}

// TestInt8OfItself: no vector is nearer than the one that is searched.
func TestInt8OfItself(t *testing.T) {
	f := clipFixture(512)
	c := TrainInt8(512, 4, f.base[:1000])
	codes := encodeAll(c, f.base)
	query, dots := make([]int8, c.Stride()), make([]int32, len(f.base))
	for i := 0; i < len(f.base); i += 100 {
		c.EncodeQuery(query, f.base[i])
		simd.DotU8S8Rows(codes, query, dots)
		top := nearest(dots, 1)[0]
		// Near-duplicates share the place up to the error of a code.
		if cosine(f.base[i], f.base[top]) < 0.998 {
			t.Errorf("vector %d finds %d first, cosine %v", i, top, cosine(f.base[i], f.base[top]))
		}
	}
}

// TestInt8Samples trains on too little, nothing and rubbish.
func TestInt8Samples(t *testing.T) {
	const dim = 512
	f := clipFixture(dim)
	nan, inf := slices.Clone(f.base[0]), slices.Clone(f.base[1])
	nan[3], inf[4] = float32(math.NaN()), float32(math.Inf(-1))
	long := slices.Clone(f.base[2])
	for i := range long {
		long[i] *= 1e30
	}
	for name, sample := range map[string][][]float32{
		"none":     nil,
		"one":      f.base[:1],
		"five":     f.base[:5],
		"the same": slices.Repeat(f.base[:1], 50),
		"rubbish":  {nan, inf, f.base[0][:10], nil, make([]float32, dim+1)},
		"zeros":    {make([]float32, dim), make([]float32, dim)},
	} {
		m := measure(TrainInt8(dim, 1, sample), f.base[:2000], f.images[:20])
		t.Logf("%s: %+v", name, m)
		if m.recall15 < 0.99 {
			t.Errorf("trained on %s: recall %v among 15", name, m.recall15)
		}
	}
	b, _ := TrainInt8(dim, 1, [][]float32{long, long}).MarshalBinary()
	if _, err := ReadInt8(b); err != nil {
		t.Errorf("a codec trained on huge vectors cannot be read back: %v", err)
	}
}

func TestInt8Seeds(t *testing.T) {
	f := clipFixture(512)
	same := encodeAll(TrainInt8(512, 7, f.base[:300]), f.base[:50])
	if again := encodeAll(TrainInt8(512, 7, f.base[:300]), f.base[:50]); !slices.Equal(same, again) {
		t.Error("equal seeds give other codes")
	}
	if other := encodeAll(TrainInt8(512, 8, f.base[:300]), f.base[:50]); slices.Equal(same, other) {
		t.Error("other seeds give equal codes")
	}
}

func TestInt8Goroutines(t *testing.T) {
	f := clipFixture(512)
	c := TrainInt8(512, 7, f.base[:300])
	want := encodeAll(c, f.base[:200])
	query := make([]int8, c.Stride())
	scale, offset := c.EncodeQuery(query, f.texts[0])
	var wg sync.WaitGroup
	for range 4 {
		wg.Go(func() {
			if !slices.Equal(encodeAll(c, f.base[:200]), want) {
				t.Error("codes made by several goroutines differ")
			}
			q := make([]int8, c.Stride())
			if s, o := c.EncodeQuery(q, f.texts[0]); s != scale || o != offset || !slices.Equal(q, query) {
				t.Error("queries made by several goroutines differ")
			}
		})
	}
	wg.Wait()
}

// TestInt8Drift lets the data move and looks at what Drift says and at what
// becomes of scores: where it says stale, training anew must help, and before
// it does errors stay within about twice those of a fresh codec.
func TestInt8Drift(t *testing.T) {
	const dim = 512
	f := clipFixture(dim)
	old := TrainInt8(dim, 1, f.base[:1000])
	shifted := func(mean, spread float64) (base, queries [][]float32) {
		dir := make([]float64, dim)
		for j, x := range arbitrary(9, dim) {
			dir[j] = float64(x)
		}
		dir32 := unit(dir)
		move := func(vs [][]float32) [][]float32 {
			out := make([][]float32, len(vs))
			for i, v := range vs {
				w := make([]float64, dim)
				for j, x := range v {
					m := float64(old.mean[j])
					w[j] = m + spread*(float64(x)-m) + mean*float64(dir32[j])
				}
				out[i] = unit(w)
			}
			return out
		}
		return move(f.base[1000:3000]), move(f.images[:30])
	}
	for _, c := range []struct {
		name         string
		mean, spread float64
		stale        bool
	}{
		{"unmoved", 0, 1, false},
		{"mean moved a little", 0.3, 1, false},
		{"mean moved by the spread", 0.7, 1, false},
		{"mean moved far", 3, 1, true},
		{"half as wide", 0, 0.6, false},
		{"much narrower", 0, 0.2, true},
	} {
		base, queries := shifted(c.mean, c.spread)
		d := old.Drift(base[:500])
		before, after := measure(old, base, queries), measure(TrainInt8(dim, 1, base[:1000]), base, queries)
		t.Logf("%s: %+v, error %.2e, anew %.2e, recall of 15 %.3f, anew %.3f", c.name, d, before.rms, after.rms, before.recall15, after.recall15)
		if d.Stale() != c.stale {
			t.Errorf("%s: stale is %v: %+v", c.name, d.Stale(), d)
		}
		if !d.Stale() && before.rms > 2.5*after.rms {
			t.Errorf("%s: not stale with an error of %v, %v if trained anew", c.name, before.rms, after.rms)
		}
		if math.Abs(before.bias) > 0.02 {
			t.Errorf("%s: bias of %v", c.name, before.bias)
		}
	}
	if (Drift{}).Stale() || old.Drift(nil).Vectors != 0 {
		t.Error("nothing seen is no drift")
	}
}
