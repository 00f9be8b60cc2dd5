package local

import (
	"context"
	"errors"
	"fmt"
	"iter"

	"github.com/clipdb/clipdb/db/engine"
	"github.com/clipdb/clipdb/storage"
)

// record brings a stored record to the seam, with the parts asked for.
func (e *Engine) record(tx *storage.Tx, rec *storage.Record, fetch engine.Fetch) (*engine.Record, error) {
	r := &engine.Record{ID: rec.ID, Caption: rec.Caption, Created: rec.Created, Updated: rec.Updated, Model: rec.Model}
	var err error
	if r.Attrs, err = engine.DecodeAttrs(rec.Attrs); err != nil {
		return nil, fmt.Errorf("%w: item %.200q: %w", engine.ErrCorrupt, rec.ID, err)
	}
	if fetch.Vector {
		v, ok, err := tx.Vector(rec.Slot, nil)
		if err != nil {
			return nil, err
		}
		if !ok {
			return nil, fmt.Errorf("%w: item %.200q has no vector", engine.ErrCorrupt, rec.ID)
		}
		r.Vector = v
	}
	im := rec.Image
	if im == nil {
		return r, nil
	}
	r.Image = &engine.Image{
		SHA256: im.SHA256, Format: im.Format, Width: im.Width, Height: im.Height, Size: im.Size, Frames: im.Frames,
		HasOriginal: im.Blob != storage.Hash{}, HasThumbnail: im.Thumbnail != storage.Hash{},
	}
	if fetch.Original && r.Image.HasOriginal {
		if r.Image.Original, err = tx.Blob(im.Blob); err != nil {
			return nil, fmt.Errorf("image of %.200q: %w", rec.ID, missing(err))
		}
	}
	if fetch.Thumbnail && r.Image.HasThumbnail {
		if r.Image.Thumbnail, err = tx.Blob(im.Thumbnail); err != nil {
			return nil, fmt.Errorf("thumbnail of %.200q: %w", rec.ID, missing(err))
		}
	}
	return r, nil
}

// missing makes damage of a blob that a record names and the file lacks.
func missing(err error) error {
	if errors.Is(err, storage.ErrNotFound) {
		return fmt.Errorf("%w: it is not in the file", engine.ErrCorrupt)
	}
	return err
}

// Get implements engine.Engine.
func (e *Engine) Get(ctx context.Context, id string, fetch engine.Fetch) (r *engine.Record, err error) {
	if err := e.enter(ctx); err != nil {
		return nil, err
	}
	defer e.leave()
	err = e.store.View(func(tx *storage.Tx) error {
		rec, err := tx.Record(id)
		if errors.Is(err, storage.ErrNotFound) {
			return fmt.Errorf("%w: %.200q", engine.ErrNotFound, id)
		}
		if err != nil {
			return err
		}
		r, err = e.record(tx, rec, fetch)
		return err
	})
	return r, seam(err)
}

// Exists implements engine.Engine.
func (e *Engine) Exists(ctx context.Context, ids []string) ([]bool, error) {
	if err := e.enter(ctx); err != nil {
		return nil, err
	}
	defer e.leave()
	found := make([]bool, len(ids))
	err := e.store.View(func(tx *storage.Tx) error {
		for i, id := range ids {
			_, err := tx.Record(id)
			if err != nil && !errors.Is(err, storage.ErrNotFound) {
				return err
			}
			found[i] = err == nil
		}
		return nil
	})
	return found, seam(err)
}

// A scan reads so many records, or roughly so many bytes of fetched parts, in
// one transaction; the caller's loop runs without one.
const (
	scanRecords = 256
	scanBytes   = 16 << 20
)

// All implements engine.Engine.
func (e *Engine) All(ctx context.Context, scan engine.Scan) iter.Seq2[*engine.Record, error] {
	return func(yield func(*engine.Record, error) bool) {
		if err := scan.Filter.Check(); err != nil {
			yield(nil, err)
			return
		}
		after := scan.After
		for {
			page, last, err := e.scanPage(ctx, scan, after)
			for _, r := range page {
				if !yield(r, nil) {
					return
				}
			}
			if err != nil {
				yield(nil, err)
				return
			}
			if last == "" {
				return
			}
			after = last
		}
	}
}

// scanPage reads what comes after an id. It returns the id to go on after, ""
// at the end.
func (e *Engine) scanPage(ctx context.Context, scan engine.Scan, after string) (page []*engine.Record, last string, err error) {
	if err := e.enter(ctx); err != nil {
		return nil, "", err
	}
	defer e.leave()
	err = e.store.View(func(tx *storage.Tx) error {
		seen, size := 0, 0
		for rec, err := range tx.Records(after) {
			if err != nil {
				return err
			}
			if seen++; seen%64 == 0 && ctx.Err() != nil {
				return ctx.Err()
			}
			attrs, err := engine.DecodeAttrs(rec.Attrs)
			if err != nil {
				return fmt.Errorf("%w: item %.200q: %w", engine.ErrCorrupt, rec.ID, err)
			}
			if !scan.Filter.Match(attrs) {
				continue
			}
			r, err := e.record(tx, rec, scan.Fetch)
			if err != nil {
				return err
			}
			page = append(page, r)
			if r.Image != nil {
				size += len(r.Image.Original) + len(r.Image.Thumbnail)
			}
			if size += 4 * len(r.Vector); len(page) >= scanRecords || size >= scanBytes {
				last = rec.ID
				return nil
			}
		}
		return nil
	})
	return page, last, seam(err)
}
