package db

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math"

	"github.com/clipdb/clipdb/encoder"
)

// Answer is what a search found, and what is to be known about it.
type Answer struct {
	Matches []Match // best first
	Cut     float32 // the least cosine that SearchOptions.Cut came to; 0 without one

	// Warnings tell which texts of the query the model cannot take as they
	// were meant: see WarningKind. Words for captions alone are no matter of
	// the model's.
	Warnings []Warning
}

// Ask answers a query as Search does, and tells with it what makes the answer
// doubtful. What Search leaves unsaid goes to Options.Logger.
func (d *DB) Ask(ctx context.Context, q Query, opts *SearchOptions) (*Answer, error) {
	return d.ask(ctx, q, opts, true)
}

// Search answers a query, best match first. Fewer than K matches are no
// error. Ask does the same and has warnings too.
func (d *DB) Search(ctx context.Context, q Query, opts *SearchOptions) ([]Match, error) {
	a, err := d.ask(ctx, q, opts, d.opts.Logger.Enabled(ctx, slog.LevelWarn))
	if err != nil {
		return nil, err
	}
	for _, w := range a.Warnings {
		d.opts.Logger.Warn("a query that the model cannot take as it was meant", "kind", string(w.Kind), "warning", w.Message)
	}
	return a.Matches, nil
}

// checked returns the options with their defaults in place.
func (opts *SearchOptions) checked() (o SearchOptions, err error) {
	if opts != nil {
		o = *opts
	}
	if o.K == 0 {
		o.K = DefaultK
	}
	if o.K < 0 || o.K > MaxK || o.Ef < 0 {
		return o, fmt.Errorf("%w: K is %d and Ef %d; K goes from 1 to %d, Ef from 0", ErrQuery, o.K, o.Ef, MaxK)
	}
	if o.Recall == 1 {
		o.Exact, o.Recall = true, 0
	}
	if !(o.Recall >= 0 && o.Recall < 1) {
		return o, fmt.Errorf("%w: Recall is %v; it goes from 0 to 1", ErrQuery, o.Recall)
	}
	if s := float64(o.MinScore); math.IsNaN(s) {
		return o, fmt.Errorf("%w: MinScore is not a number", ErrQuery)
	}
	if !(o.Cut >= 0) || math.IsInf(o.Cut, 0) {
		return o, fmt.Errorf("%w: Cut is %v; it is a number of unrelated items, such as 0.1", ErrQuery, o.Cut)
	}
	return o, o.Filter.Check()
}

func (d *DB) ask(ctx context.Context, q Query, opts *SearchOptions, warn bool) (*Answer, error) {
	if err := d.ready(ctx); err != nil {
		return nil, err
	}
	o, err := opts.checked()
	if err != nil {
		return nil, err
	}
	words, err := d.keywords(q, &o)
	if err != nil {
		return nil, err
	}
	if q, err = d.opened(ctx, q); err != nil {
		return nil, err
	}
	for {
		enc := d.enc()
		a, err := d.answer(ctx, enc, q, o, words)
		if errors.Is(err, ErrModelMismatch) && d.switching(ctx, enc) {
			continue
		}
		if err != nil {
			return nil, err
		}
		if warn {
			a.Warnings, err = d.doubts(ctx, enc, q)
		}
		return a, err
	}
}

// doubts collects the warnings of the texts of a query.
func (d *DB) doubts(ctx context.Context, enc encoder.Encoder, q Query) (all []Warning, err error) {
	for _, p := range q.parts {
		if p.kind != partText {
			continue
		}
		list, err := d.warnings(ctx, enc, p.text)
		if err != nil {
			return nil, err
		}
		all = append(all, list...)
	}
	return all, nil
}
