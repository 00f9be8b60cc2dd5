package db

import (
	"cmp"
	"context"
	"fmt"
	"image"
	"io"
	"slices"

	"github.com/clipdb/clipdb/db/engine"
	"github.com/clipdb/clipdb/encoder"
)

// Classifier classifies many pictures among the same labels. It asks the model
// for the labels' vectors with the first picture and holds them. It is safe for
// several goroutines, whose pictures the model takes together.
type Classifier struct {
	e                 *embedder
	ready             func(context.Context) error // nil without a database
	labels, templates []string
	temperature       float64
	held              chan labelVectors // one, taken out by whoever looks at it
}

// labelVectors are the vectors of a classifier's labels, by one model.
type labelVectors struct {
	fingerprint string
	vectors     [][]float32
}

// NewClassifier returns a classifier that needs no database. Of dbOpts the
// encoder, the limits of pictures and TextCache count; the encoder stays the
// caller's to close. It asks the model for nothing yet. It returns ErrQuery for
// labels, templates or a temperature out of bounds, ErrText for texts too long.
func NewClassifier(labels []string, opts *ClassifyOptions, dbOpts *Options) (*Classifier, error) {
	return newEmbedder(dbOpts).classifier(labels, opts)
}

// Classifier returns a classifier with the database's model, which works until
// the database is closed. After Reembed it goes on with the new model. See
// NewClassifier for the errors.
func (d *DB) Classifier(labels []string, opts *ClassifyOptions) (*Classifier, error) {
	c, err := d.classifier(labels, opts)
	if err != nil {
		return nil, err
	}
	c.ready = d.ready
	return c, nil
}

func (e *embedder) classifier(labels []string, opts *ClassifyOptions) (*Classifier, error) {
	if e.enc() == nil {
		return nil, fmt.Errorf("%w: give one in the options", ErrNoEncoder)
	}
	c := &Classifier{e: e, labels: slices.Clone(labels), held: make(chan labelVectors, 1)}
	c.held <- labelVectors{}
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
	enc, err := c.encoder(ctx)
	if err != nil {
		return nil, err
	}
	picture, err := c.e.open(ctx, img)
	if err != nil {
		return nil, err
	}
	vs, err := c.e.images(ctx, enc, []image.Image{picture})
	if err != nil {
		return nil, err
	}
	return c.scores(ctx, enc, vs[0])
}

// ClassifyVector tells which of the labels fits best a picture whose vector by
// the same model is known: that of a stored item, say. It has the model's
// number of dimensions and any length but zero; others are ErrDimension or
// ErrVector.
func (c *Classifier) ClassifyVector(ctx context.Context, vector []float32) ([]LabelScore, error) {
	enc, err := c.encoder(ctx)
	if err != nil {
		return nil, err
	}
	if m := enc.Model(); len(vector) != m.Dim {
		return nil, &DimensionError{Want: m.Dim, Got: len(vector)}
	}
	v, err := engine.Unit(vector)
	if err != nil {
		return nil, err
	}
	return c.scores(ctx, enc, v)
}

// encoder is the model of this moment; a call keeps to it.
func (c *Classifier) encoder(ctx context.Context) (encoder.Encoder, error) {
	if c.ready != nil {
		if err := c.ready(ctx); err != nil {
			return nil, err
		}
	}
	return c.e.enc(), ctx.Err()
}

// scores holds a unit vector against the labels.
func (c *Classifier) scores(ctx context.Context, enc encoder.Encoder, v []float32) ([]LabelScore, error) {
	of, err := c.vectors(ctx, enc)
	if err != nil {
		return nil, err
	}
	scores := make([]LabelScore, len(of))
	for i, label := range of {
		scores[i] = LabelScore{Label: c.labels[i], Score: dot(v, label)}
	}
	probabilities(scores, enc.Model(), c.temperature)
	slices.SortStableFunc(scores, func(a, b LabelScore) int { return cmp.Compare(b.Score, a.Score) })
	return scores, nil
}

// Warnings tells which labels the model cannot take as they were meant, in the
// order of the labels. It works where the model cannot run.
func (c *Classifier) Warnings(ctx context.Context) ([]Warning, error) {
	enc, err := c.encoder(ctx)
	if err != nil {
		return nil, err
	}
	var all []Warning
	for _, l := range c.labels {
		list, err := c.e.warnings(ctx, enc, l)
		if err != nil {
			return nil, err
		}
		all = append(all, list...)
	}
	return all, nil
}

// vectors returns the labels' vectors. Of several goroutines one asks the
// model, the others wait for it.
func (c *Classifier) vectors(ctx context.Context, enc encoder.Encoder) ([][]float32, error) {
	select {
	case held := <-c.held:
		defer func() { c.held <- held }()
		model := enc.Model().Fingerprint
		if held.vectors == nil || held.fingerprint != model {
			vs, err := c.e.labels(ctx, enc, c.labels, c.templates)
			if err != nil {
				return nil, err
			}
			held = labelVectors{model, vs}
		}
		return held.vectors, nil
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}
