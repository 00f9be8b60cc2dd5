package db

import (
	"cmp"
	"context"
	"fmt"
	"image"
	"io"
	"slices"

	"github.com/clipdb/clipdb/db/engine"
)

// Classifier classifies pictures among the same labels, without a database. It
// is safe for several goroutines and holds a vector for each label.
type Classifier struct {
	e                 *embedder
	labels, templates []string
	temperature       float64
}

// NewClassifier returns a classifier. Of dbOpts the encoder and the limits of
// pictures count; the encoder stays the caller's to close. It asks the model
// for nothing yet.
func NewClassifier(labels []string, opts *ClassifyOptions, dbOpts *Options) (*Classifier, error) {
	e := newEmbedder(dbOpts)
	if e.enc() == nil {
		return nil, fmt.Errorf("%w: give one in the options", ErrNoEncoder)
	}
	return e.classifier(labels, opts)
}

func (e *embedder) classifier(labels []string, opts *ClassifyOptions) (*Classifier, error) {
	c := &Classifier{e: e, labels: slices.Clone(labels)}
	if opts != nil {
		c.templates, c.temperature = slices.Clone(opts.Templates), float64(opts.Temperature)
	}
	if !(c.temperature >= 0 && c.temperature <= maxTemperature) {
		return nil, fmt.Errorf("%w: the temperature is %v, want 0 to %d", ErrQuery, c.temperature, maxTemperature)
	}
	if err := checkLabels(c.labels, c.templates); err != nil {
		return nil, err
	}
	return c, nil
}

// Classify tells which of the labels fits a picture best, as DB.Classify does.
func (c *Classifier) Classify(ctx context.Context, img io.Reader) ([]LabelScore, error) {
	picture, err := c.e.open(ctx, img)
	if err != nil {
		return nil, err
	}
	vs, err := c.e.images(ctx, c.e.enc(), []image.Image{picture})
	if err != nil {
		return nil, err
	}
	return c.ClassifyVector(ctx, vs[0])
}

// ClassifyVector tells which of the labels fits best a picture whose vector is
// known: that of a stored item, say. The vector may be of any length but zero.
func (c *Classifier) ClassifyVector(ctx context.Context, vector []float32) ([]LabelScore, error) {
	enc := c.e.enc()
	m := enc.Model()
	if len(vector) != m.Dim {
		return nil, &DimensionError{Want: m.Dim, Got: len(vector)}
	}
	v, err := engine.Unit(vector)
	if err != nil {
		return nil, err
	}
	of, err := c.e.labels(ctx, enc, c.labels, c.templates)
	if err != nil {
		return nil, err
	}
	scores := make([]LabelScore, len(of))
	for i, label := range of {
		scores[i] = LabelScore{Label: c.labels[i], Score: dot(v, label)}
	}
	probabilities(scores, m, c.temperature)
	slices.SortStableFunc(scores, func(a, b LabelScore) int { return cmp.Compare(b.Score, a.Score) })
	return scores, nil
}

// Warnings tells which labels the model cannot take as they were meant, in the
// order of the labels. It works where the model cannot run.
func (c *Classifier) Warnings(ctx context.Context) ([]Warning, error) {
	var all []Warning
	for _, l := range c.labels {
		list, err := c.e.warnings(ctx, c.e.enc(), l)
		if err != nil {
			return nil, err
		}
		all = append(all, list...)
	}
	return all, nil
}
