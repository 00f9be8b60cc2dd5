package db

import (
	"context"
	"io"
	"math"

	"github.com/clipdb/clipdb/encoder"
)

// ClassifyOptions say how to classify. Nil is the zero value.
type ClassifyOptions struct {
	// Templates are captions of a label, which takes the place of {}: "a photo
	// of a {}.". The vector of a label is the mean of its captions' unit
	// vectors, brought back to unit length (Radford et al. 2021, section
	// 3.1.4). None takes those of the model, see encoder.Model; "{}" alone
	// takes the label as it is.
	Templates []string

	// Temperature divides the logits: above 1 probabilities are more even, below
	// 1 more decided; the order stays. 0 takes the model's own, which is 1 where
	// none was measured. One that fits your pictures and labels makes
	// probabilities say how often they are right (Guo et al. 2017); bench/zeroshot
	// --fit finds it from labelled pictures.
	Temperature float32
}

// LabelScore is how well a label fits a picture.
type LabelScore struct {
	Label string

	// Probability compares the labels with one another, and all add up to 1;
	// of a model whose Sigmoid is set, each stands alone: that the label fits,
	// whatever the others do.
	Probability float32

	Score float32 // cosine between the picture and the label's vector
}

// Limits of Classify.
const (
	MaxLabels    = 10_000
	MaxTemplates = 100
)

// maxTemperature bounds ClassifyOptions.Temperature.
const maxTemperature = 1000

// Classify tells which of the labels fits the picture best, best first.
//
// Probabilities are the softmax over the labels of cosine times logit scale
// (Radford et al. 2021, section 2.3), so a picture of none of them still gets a
// best one; or, of models trained so, the logistic function of each label's
// logit (Zhai et al. 2023), and then all may be small.
//
// Nothing is stored. The labels need not be in the database, and the database
// may be empty. The vectors of up to MaxLabels labels are kept unless
// Options.TextCache is below zero, so that the next picture among the same
// labels asks the model for the picture alone; DB.Classifier does so for any.
func (d *DB) Classify(ctx context.Context, img io.Reader, labels []string, opts *ClassifyOptions) ([]LabelScore, error) {
	if err := d.ready(ctx); err != nil {
		return nil, err
	}
	c, err := d.Classifier(labels, opts)
	if err != nil {
		return nil, err
	}
	return c.Classify(ctx, img)
}

// probabilities fills in what the scores mean to a model.
func probabilities(scores []LabelScore, m encoder.Model, temperature float64) {
	scale := logitScale(m)
	if temperature == 0 {
		temperature = float64(m.Temperature)
	}
	if !(temperature > 0) {
		temperature = 1
	}
	if !m.Sigmoid {
		softmax(scores, scale/temperature)
		return
	}
	for i, s := range scores {
		logit := (scale*float64(s.Score) + float64(m.LogitBias)) / temperature
		scores[i].Probability = float32(1 / (1 + math.Exp(-logit)))
	}
}

// logitScale is that of a model; one that names none gets 100, where the
// training of CLIP ends.
func logitScale(m encoder.Model) float64 {
	if m.LogitScale > 0 {
		return float64(m.LogitScale)
	}
	return 100
}

func softmax(scores []LabelScore, scale float64) {
	best := math.Inf(-1)
	for _, s := range scores {
		best = max(best, float64(s.Score))
	}
	var sum float64
	for _, s := range scores {
		sum += math.Exp(scale * (float64(s.Score) - best))
	}
	for i, s := range scores {
		scores[i].Probability = float32(math.Exp(scale*(float64(s.Score)-best)) / sum)
	}
}

func dot(a, b []float32) float32 {
	var sum float64
	for i, x := range a {
		sum += float64(x) * float64(b[i])
	}
	return float32(sum)
}
