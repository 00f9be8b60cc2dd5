package main

import (
	"math"
	"strings"
)

// agreement compares the vectors of a faster kind of a model with those of its
// fp32 kind.
type agreement struct {
	Model      string  `json:"model"`
	Images     nearer  `json:"images"`
	Texts      nearer  `json:"texts"`
	Apart      float64 `json:"apart"`       // mean cosine of two different pictures in fp32
	ApartTexts float64 `json:"apart_texts"` // and of two different texts
}

// nearer holds cosines between the vectors of one input in both kinds. Vectors
// of one model share a direction that says nothing, so that even wrong ones
// look alike; Centred are the cosines once the mean fp32 vector is taken off
// both, which is where pictures differ.
type nearer struct {
	Mean    float64 `json:"mean"`
	Least   float64 `json:"least"`
	Centred float64 `json:"centred"`
}

// agreements compares what kinds of a model, told apart by the last part of
// their names, computed for the sample.
func agreements(models []subject, computed map[string]vectors) []agreement {
	var all []agreement
	for _, m := range models {
		cut := strings.LastIndexByte(m.Name, '-')
		if cut < 0 || strings.HasSuffix(m.Name, "-fp32") {
			continue
		}
		full, ok := computed[m.Name[:cut]+"-fp32"]
		if !ok {
			continue
		}
		v := computed[m.Name]
		all = append(all, agreement{
			Model: m.Name, Images: compare(v.Images, full.Images), Texts: compare(v.Texts, full.Texts),
			Apart: between(full.Images), ApartTexts: between(full.Texts),
		})
	}
	return all
}

func compare(a, b [][]float32) nearer {
	n := nearer{Least: 1}
	mean := make([]float64, len(b[0]))
	for _, v := range b {
		for i, x := range v {
			mean[i] += float64(x) / float64(len(b))
		}
	}
	for i := range a {
		c := cosine(a[i], b[i], nil)
		n.Mean += c / float64(len(a))
		n.Least = min(n.Least, c)
		n.Centred += cosine(a[i], b[i], mean) / float64(len(a))
	}
	return n
}

// between is the mean cosine of two different vectors.
func between(vs [][]float32) float64 {
	sum, n := 0.0, 0
	for i := range vs {
		for j := range i {
			sum += cosine(vs[i], vs[j], nil)
			n++
		}
	}
	return sum / float64(max(n, 1))
}

// cosine of two vectors, with the same one taken off both if there is one.
func cosine(a, b []float32, off []float64) float64 {
	var ab, aa, bb float64
	for i := range a {
		x, y := float64(a[i]), float64(b[i])
		if off != nil {
			x, y = x-off[i], y-off[i]
		}
		ab, aa, bb = ab+x*y, aa+x*x, bb+y*y
	}
	if aa == 0 || bb == 0 {
		return 0
	}
	return ab / math.Sqrt(aa*bb)
}
