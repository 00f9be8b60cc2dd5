package db

import (
	"context"
	"errors"
	"image"
)

// Stats describe the database. They are cheap to take.
func (d *DB) Stats(ctx context.Context) (Stats, error) {
	if err := d.ready(ctx); err != nil {
		return Stats{}, err
	}
	st, err := d.eng.Stats(ctx)
	if d.cache != nil {
		st.TextHits, st.TextMisses = d.cache.counts()
	}
	return st, err
}

// Warm loads what the first search would otherwise wait for: the engine's
// caches and both towers of the model. Without a model, or without the
// library that runs it, only the engine is warmed, and ErrNoRuntime tells of
// the latter.
func (d *DB) Warm(ctx context.Context) error {
	if err := d.ready(ctx); err != nil {
		return err
	}
	if err := d.eng.Warm(ctx); err != nil {
		return err
	}
	if err := d.usable(ctx); err != nil {
		if errors.Is(err, ErrNoEncoder) || d.unchosen() && errors.Is(err, ErrModelMismatch) {
			return nil
		}
		return err
	}
	if _, err := d.texts(ctx, d.enc(), []string{"warm"}); err != nil {
		return err
	}
	_, err := d.images(ctx, d.enc(), []image.Image{image.NewGray(image.Rect(0, 0, 8, 8))})
	return err
}
