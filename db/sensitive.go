package db

import (
	"context"
	"errors"
	"fmt"
	"math"
	"slices"
	"sync"

	"github.com/clipdb/clipdb/db/engine"
	"github.com/clipdb/clipdb/encoder"
)

// Attributes that rating an item stores.
const (
	AttrSensitive      = "sensitive"       // bool: the score is at or above the owner's threshold
	AttrSensitiveScore = "sensitive_score" // float: 0 to 1
)

// SensitiveOptions say how pictures are rated for sensitive content: by
// zero-shot classification with the database's own model. The score is the
// part of the probability that falls on Labels when the model has to choose
// among Labels and Neutral: a softmax of any model's cosines, without temperature.
//
// It is a help for sorting, not a safeguard: no model here was trained for it,
// it misses what it should find and flags what is harmless, and both differ
// between groups of people (see docs/governance.md for what was measured).
// Nothing is hidden or refused because of it; filters may use the attributes.
type SensitiveOptions struct {
	// Threshold is the score from which on a picture is called sensitive, above
	// 0 and at most 1. There is no default: it depends on model, labels and
	// pictures, and is the owner's to find out and answer for.
	Threshold float32

	Labels    []string // what is sensitive; none means SensitiveLabels
	Neutral   []string // what is not; none means NeutralLabels
	Templates []string // as ClassifyOptions.Templates; none means "a photo of a {}." alone
}

// SensitiveLabels is what SensitiveOptions.Labels stand for when there are none.
func SensitiveLabels() []string {
	return []string{"nudity", "a naked person", "sexual activity", "graphic violence", "blood and an open wound", "a dead body", "a person threatening someone with a weapon"}
}

// NeutralLabels is what SensitiveOptions.Neutral stand for when there are none.
func NeutralLabels() []string {
	return []string{"a dressed person", "people at work", "children playing", "a sports event", "a landscape", "a street with buildings",
		"a room", "an animal", "a plant", "food", "a vehicle", "a tool or household object", "a drawing or a page of text"}
}

func (o *SensitiveOptions) withDefaults() SensitiveOptions {
	v := *o
	if len(v.Labels) == 0 {
		v.Labels = SensitiveLabels()
	}
	if len(v.Neutral) == 0 {
		v.Neutral = NeutralLabels()
	}
	if len(v.Templates) == 0 {
		v.Templates = []string{"a photo of a {}."}
	}
	return v
}

func (o *SensitiveOptions) check() error {
	if o == nil {
		return nil
	}
	v := o.withDefaults()
	n := len(v.Labels) + len(v.Neutral)
	switch {
	case !(v.Threshold > 0 && v.Threshold <= 1):
		return fmt.Errorf("%w: the threshold of sensitive content is %v; it is above 0, at most 1, and has no default", ErrQuery, v.Threshold)
	case n > MaxLabels:
		return fmt.Errorf("%w: %d labels of sensitive content; %d are allowed", ErrQuery, n, MaxLabels)
	}
	if err := checkLabels(slices.Concat(v.Labels, v.Neutral), v.Templates); err != nil {
		return fmt.Errorf("sensitive content: %w", err)
	}
	return nil
}

// rating scores vectors.
type rating struct {
	threshold float32
	captions  [][]float32
	sensitive int // the first so many captions
	scale     float64
}

// newRating asks a model for the vectors of the labels.
func (d *DB) newRating(ctx context.Context, enc encoder.Encoder, o SensitiveOptions) (*rating, error) {
	vs, err := d.labels(ctx, enc, slices.Concat(o.Labels, o.Neutral), o.Templates)
	if err != nil {
		return nil, fmt.Errorf("labels of sensitive content: %w", err)
	}
	return &rating{threshold: o.Threshold, captions: vs, sensitive: len(o.Labels), scale: logitScale(enc.Model())}, nil
}

// score returns the part of the softmax that falls on the sensitive labels.
func (r *rating) score(vector []float32) float64 {
	scores := make([]LabelScore, len(r.captions))
	for i, c := range r.captions {
		scores[i].Score = dot(vector, c)
	}
	softmax(scores, r.scale)
	var sum float64
	for _, s := range scores[:r.sensitive] {
		sum += float64(s.Probability)
	}
	return math.Min(sum, 1)
}

// rate returns attrs with the rating of the vector, as a new map.
func (r *rating) rate(vector []float32, attrs Attrs) Attrs {
	attrs = attrs.Clone()
	if attrs == nil {
		attrs = Attrs{}
	}
	s := r.score(vector)
	attrs[AttrSensitiveScore] = engine.Float(s)
	attrs[AttrSensitive] = engine.Bool(s >= float64(r.threshold))
	return attrs
}

// rater keeps the rating of Options.Sensitive once it is known.
type rater struct {
	mu          sync.Mutex
	fingerprint string // of the model that made it
	rating      *rating
}

// rateRecords puts the rating into the attributes of records whose vectors
// are the model's, where Options.Sensitive asks for it.
func (d *DB) rateRecords(ctx context.Context, records []engine.Record) error {
	if d.opts.Sensitive == nil {
		return nil
	}
	enc := d.enc()
	if enc == nil {
		return fmt.Errorf("rating for sensitive content: %w", ErrNoEncoder)
	}
	own := enc.Model().Fingerprint
	for i := range records {
		r := &records[i]
		if r.Model != own || r.Image == nil {
			continue
		}
		rating, err := d.rating(ctx, enc)
		if err != nil {
			return err
		}
		r.Attrs = rating.rate(r.Vector, r.Attrs) // the engine checks the limits, record by record
	}
	return nil
}

func (d *DB) rating(ctx context.Context, enc encoder.Encoder) (*rating, error) {
	d.rater.mu.Lock()
	defer d.rater.mu.Unlock()
	fingerprint := enc.Model().Fingerprint
	if d.rater.rating == nil || d.rater.fingerprint != fingerprint {
		r, err := d.newRating(ctx, enc, d.opts.Sensitive.withDefaults())
		if err != nil {
			return nil, err
		}
		d.rater.rating, d.rater.fingerprint = r, fingerprint
	}
	return d.rater.rating, nil
}

// SensitiveScore is the rating of an item.
type SensitiveScore struct {
	ID        ID
	Score     float64 // 0 to 1
	Sensitive bool    // the score is at or above the threshold
}

// RateSensitive rates every stored picture from its vector, by rising id, and
// calls fn with each; an error of fn ends it. With store, the rating is written
// into the attributes of the items as well. Items whose vectors are the
// caller's own are passed over. It returns ErrNoEncoder without a model.
func (d *DB) RateSensitive(ctx context.Context, opts SensitiveOptions, store bool, fn func(SensitiveScore) error) error {
	if err := d.ready(ctx); err != nil {
		return err
	}
	if err := opts.check(); err != nil {
		return err
	}
	if err := d.usable(ctx); err != nil {
		return err
	}
	if store {
		if err := d.writable(ctx); err != nil {
			return err
		}
	}
	enc := d.enc()
	if enc == nil {
		return fmt.Errorf("rating for sensitive content: %w", ErrNoEncoder)
	}
	r, err := d.newRating(ctx, enc, opts.withDefaults())
	if err != nil {
		return err
	}
	fingerprint := enc.Model().Fingerprint
	for rec, err := range d.eng.All(ctx, engine.Scan{Fetch: Fetch{Vector: true, Original: store, Thumbnail: store}}) {
		if err != nil {
			return err
		}
		if rec.Model != fingerprint || rec.Vector == nil || rec.Image == nil {
			continue
		}
		attrs := r.rate(rec.Vector, rec.Attrs)
		if store && (rec.Attrs[AttrSensitive] != attrs[AttrSensitive] || rec.Attrs[AttrSensitiveScore] != attrs[AttrSensitiveScore]) {
			rec.Attrs = attrs
			if err := d.renew(ctx, rec); err != nil {
				return fmt.Errorf("%.200q: %w", rec.ID, err)
			}
		}
		score, _ := attrs[AttrSensitiveScore].AsFloat()
		flagged, _ := attrs[AttrSensitive].AsBool()
		if err := fn(SensitiveScore{ID: rec.ID, Score: score, Sensitive: flagged}); err != nil {
			return err
		}
	}
	return nil
}

// renew writes a whole record back, unless it was changed or deleted since it
// was read, or has another model's vector by now.
func (d *DB) renew(ctx context.Context, rec *Record) error {
	d.storing.RLock()
	defer d.storing.RUnlock()
	if d.spec().Fingerprint != rec.Model {
		return nil
	}
	results, err := d.eng.Put(ctx, []engine.Record{*rec}, engine.Renew)
	if err == nil {
		err = results[0].Err
	}
	if errors.Is(err, engine.ErrChanged) {
		return nil
	}
	return err
}
