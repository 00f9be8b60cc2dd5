package main

import (
	"cmp"
	"math"

	"github.com/clipdb/clipdb"
	"github.com/clipdb/clipdb/encoder"
)

// outcome is what was said of a picture, best first, and what it is.
type outcome struct {
	scores []clipdb.LabelScore
	truth  string
}

type outcomes []outcome

// top is the share of pictures whose label is among the first n.
func (all outcomes) top(n int) float64 {
	hits := 0
	for _, o := range all {
		for _, s := range o.scores[:min(n, len(o.scores))] {
			if s.Label == o.truth {
				hits++
			}
		}
	}
	return float64(hits) / float64(len(all))
}

// probability is that of label i at a temperature.
func (o outcome) probability(m encoder.Model, i int, temperature float64) float64 {
	scale := cmp.Or(float64(m.LogitScale), 100) / temperature
	if m.Sigmoid {
		return 1 / (1 + math.Exp(-(scale*float64(o.scores[i].Score) + float64(m.LogitBias)/temperature)))
	}
	best, sum := float64(o.scores[0].Score), 0.0
	for _, s := range o.scores {
		sum += math.Exp(scale * (float64(s.Score) - best))
	}
	return math.Exp(scale*(float64(o.scores[i].Score)-best)) / sum
}

// calibrationError is the expected calibration error over 15 bins of equal
// width (Naeini et al. 2015; Guo et al. 2017): how far, on average, the
// probability of the best label is off how often it is right.
func (all outcomes) calibrationError(m encoder.Model, temperature float64) (ece float64) {
	const bins = 15
	var said, right [bins]float64
	for _, o := range all {
		p := o.probability(m, 0, temperature)
		b := min(int(p*bins), bins-1)
		said[b] += p
		if o.scores[0].Label == o.truth {
			right[b]++
		}
	}
	for b := range bins {
		ece += math.Abs(said[b] - right[b])
	}
	return ece / float64(len(all))
}

// loss is the mean negative logarithm of what was said of the truth: of the
// true label, or of every label where each is judged alone.
func (all outcomes) loss(m encoder.Model, temperature float64) (sum float64) {
	for _, o := range all {
		for i, s := range o.scores {
			switch p := o.probability(m, i, temperature); {
			case s.Label == o.truth:
				sum -= math.Log(max(p, 1e-12))
			case m.Sigmoid:
				sum -= math.Log(max(1-p, 1e-12))
			}
		}
	}
	return sum / float64(len(all))
}

// fit returns the temperature of the least loss, by golden section over its
// logarithm; the loss has one minimum there.
func (all outcomes) fit(m encoder.Model) float64 {
	ratio := (math.Sqrt(5) - 1) / 2
	lo, hi := math.Log(0.05), math.Log(20)
	for hi-lo > 1e-4 {
		a, b := hi-ratio*(hi-lo), lo+ratio*(hi-lo)
		if all.loss(m, math.Exp(a)) < all.loss(m, math.Exp(b)) {
			hi = b
		} else {
			lo = a
		}
	}
	return math.Exp((lo + hi) / 2)
}
