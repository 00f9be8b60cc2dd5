package db

import (
	"cmp"
	"context"
	"fmt"
	"image"
	"io"
	"math"
	"slices"
	"strings"
)

// DefaultTemplate turns a label into the caption that Classify compares with.
const DefaultTemplate = "a photo of a {}."

// ClassifyOptions say how to classify. Nil is the zero value.
type ClassifyOptions struct {
	// Template is the caption of a label, which takes the place of {}. The
	// empty template is DefaultTemplate; "{}" takes the label as it is.
	Template string
}

// LabelScore is how well a label fits a picture.
type LabelScore struct {
	Label       string
	Probability float32 // among the labels given: they add up to 1
	Score       float32 // cosine between the picture and the caption
}

// MaxLabels is the most labels that Classify takes.
const MaxLabels = 10_000

// Classify tells which of the labels fits the picture best, best first. The
// probabilities are the softmax of the cosines times the model's logit scale
// (Radford et al. 2021, section 2.3), so they compare the labels with one
// another: a picture of none of them still gets a best one.
//
// Nothing is stored. The labels need not be in the database, and the database
// may be empty.
func (d *DB) Classify(ctx context.Context, img io.Reader, labels []string, opts *ClassifyOptions) ([]LabelScore, error) {
	if err := d.ready(ctx); err != nil {
		return nil, err
	}
	if d.enc() == nil {
		return nil, fmt.Errorf("%w: give one in the options", ErrNoEncoder)
	}
	return d.classify(ctx, img, labels, opts)
}

// Classify is DB.Classify for programs that need no database. Of dbOpts the
// encoder and the limits of pictures count.
func Classify(ctx context.Context, img io.Reader, labels []string, opts *ClassifyOptions, dbOpts *Options) ([]LabelScore, error) {
	e := newEmbedder(dbOpts)
	if e.enc() == nil {
		return nil, fmt.Errorf("%w: give one in the options", ErrNoEncoder)
	}
	return e.classify(ctx, img, labels, opts)
}

func (e *embedder) classify(ctx context.Context, img io.Reader, labels []string, opts *ClassifyOptions) ([]LabelScore, error) {
	template := DefaultTemplate
	if opts != nil && opts.Template != "" {
		template = opts.Template
	}
	switch {
	case len(labels) == 0 || len(labels) > MaxLabels:
		return nil, fmt.Errorf("%w: %d labels; 1 to %d are allowed", ErrQuery, len(labels), MaxLabels)
	case !strings.Contains(template, "{}"):
		return nil, fmt.Errorf("%w: the template %.60q has no place {} for the label", ErrQuery, template)
	}
	captions := make([]string, len(labels))
	for i, l := range labels {
		if strings.TrimSpace(l) == "" {
			return nil, fmt.Errorf("%w: label %d is empty", ErrQuery, i+1)
		}
		captions[i] = strings.ReplaceAll(template, "{}", l)
	}
	enc := e.enc()
	picture, err := e.open(ctx, img)
	if err != nil {
		return nil, err
	}
	vs, err := e.images(ctx, enc, []image.Image{picture})
	if err != nil {
		return nil, err
	}
	texts, err := e.texts(ctx, enc, captions)
	if err != nil {
		return nil, err
	}
	scores := make([]LabelScore, len(labels))
	for i, t := range texts {
		scores[i] = LabelScore{Label: labels[i], Score: dot(vs[0], t)}
	}
	softmax(scores, float64(enc.Model().LogitScale))
	slices.SortStableFunc(scores, func(a, b LabelScore) int { return cmp.Compare(b.Score, a.Score) })
	return scores, nil
}

// softmax fills in the probabilities. A model without a logit scale gets 100,
// where the training of CLIP ends.
func softmax(scores []LabelScore, scale float64) {
	if !(scale > 0) {
		scale = 100
	}
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
