package db

import (
	"context"
	"errors"
	"fmt"
	"math"
	"strings"

	"github.com/clipdb/clipdb/db/engine"
)

// Hybrid searches by the words of captions and by vectors, and joins the two
// orders by reciprocal rank fusion (Cormack, Clarke and Büttcher, SIGIR 2009):
//
//	fused = (1-Weight)*v + Weight*max(w, 0.85*v)
//	v = 1/(60+rank by vector), w = 1/(60+rank by keywords)
//
// Each order is looked into as deep as 200 ranks, or K where that is more. An
// item whose caption lacks the words still counts by its vector; one without a
// caption counts as v, so collections with few captions lose nothing; and when
// no caption holds any of the words, the order is that of the vectors.
// MinScore is about the cosine: it leaves out what only keywords found as well.
//
// The first search with keywords reads all captions, which takes about a
// second for each 100,000; an event of kind "captions" tells of it.
// Options.Language says how words are brought to their stems.
type Hybrid struct {
	// Text is what to look for in captions; "" means the texts of the query
	// that it is not pushed away from. Pictures, items and vectors have none:
	// for them Text must be given to have an effect.
	Text string

	// Weight is the share of the keywords in the order, up to 1; zero means
	// DefaultHybridWeight. At 1 vectors decide only where keywords do not.
	Weight float64
}

// DefaultHybridWeight is the zero value of Hybrid.Weight. docs/recall.md tells
// how it was found.
const DefaultHybridWeight = 0.7

// keywords returns what the engine is to look for in captions, nil for
// nothing.
func (d *DB) keywords(q Query, o *SearchOptions) (*engine.Keywords, error) {
	alone := q.keywordsAlone()
	if !alone && o.Hybrid == nil {
		return nil, nil
	}
	if !d.eng.Caps().Keywords {
		return nil, fmt.Errorf("keywords: engine %s: %w", d.eng.Caps().Name, errors.ErrUnsupported)
	}
	w := engine.Keywords{Weight: 1}
	switch h := o.Hybrid; {
	case alone && h != nil:
		return nil, fmt.Errorf("%w: Keywords are searched alone; take Text with Hybrid, or leave Hybrid out", ErrQuery)
	case alone && (o.MinScore != 0 || o.Cut != 0):
		return nil, fmt.Errorf("%w: MinScore and Cut are about cosines, which keywords alone do not have", ErrQuery)
	case alone:
		if w.Text = q.parts[0].text; strings.TrimSpace(w.Text) == "" {
			return nil, fmt.Errorf("%w: the keywords are empty", ErrQuery)
		}
	case math.IsNaN(h.Weight) || h.Weight < 0 || h.Weight > 1:
		return nil, fmt.Errorf("%w: Hybrid.Weight is %v; it goes from 0 to 1", ErrQuery, h.Weight)
	default:
		if w.Text = h.Text; w.Text == "" {
			w.Text = q.wanted()
		}
		if w.Weight = h.Weight; w.Weight == 0 {
			w.Weight = DefaultHybridWeight
		}
	}
	if len(w.Text) > MaxText {
		return nil, fmt.Errorf("%w: keywords of %d bytes, %d are allowed", ErrText, len(w.Text), MaxText)
	}
	return &w, nil
}

// keywordsAlone reports whether q is Keywords and nothing else.
func (q Query) keywordsAlone() bool { return len(q.parts) == 1 && q.parts[0].kind == partKeywords }

// wanted are the texts that q looks for, not those that it is pushed away
// from.
func (q Query) wanted() string {
	var texts []string
	for _, p := range q.parts {
		if p.kind == partText && p.weight > 0 {
			texts = append(texts, p.text)
		}
	}
	return strings.Join(texts, "\n")
}

// SearchByKeywords finds the items whose captions hold the words. It needs no
// model.
func (d *DB) SearchByKeywords(ctx context.Context, text string, opts *SearchOptions) ([]Match, error) {
	return d.Search(ctx, Keywords(text), opts)
}
