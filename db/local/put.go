package local

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"time"
	"unicode/utf8"

	"github.com/clipdb/clipdb/db/engine"
	"github.com/clipdb/clipdb/storage"
)

// Bind implements engine.Engine.
func (e *Engine) Bind(ctx context.Context, spec engine.Spec) error {
	if err := e.enter(ctx); err != nil {
		return err
	}
	defer e.leave()
	if spec.Dim < 1 || spec.Dim > engine.MaxDim {
		return fmt.Errorf("%w: %d components; 1 to %d are allowed", engine.ErrVector, spec.Dim, engine.MaxDim)
	}
	if err := spec.CheckText(); err != nil {
		return err
	}
	if stored := e.Spec(); stored.Bound() && stored.Check(spec) == nil && stored.With(spec) == stored {
		return nil
	}
	b, err := json.Marshal(spec)
	if err != nil {
		return err
	}
	return e.commit(&op{ctx: ctx, run: func(tx *storage.Tx, c *change) error {
		if c.spec.Bound() {
			if err := c.spec.Check(spec); err == nil {
				return describe(tx, c, spec)
			} else if tx.RecordCount() > 0 {
				return err
			}
		}
		// The vectors of the last record are gone, but their dimension is not.
		if err := tx.DropVectors(); err != nil {
			return err
		}
		c.spec, c.bound = spec, true
		if err := tx.PutMeta(specKey, b); err != nil {
			return err
		}
		return e.noteAll(tx, engine.AuditModel, spec.Fingerprint)
	}})
}

// describe stores what spec tells more about the model of the vectors.
func describe(tx *storage.Tx, c *change, spec engine.Spec) error {
	fuller := c.spec.With(spec)
	if fuller == c.spec {
		return nil
	}
	b, err := json.Marshal(fuller)
	if err != nil {
		return err
	}
	c.spec, c.described = fuller, true
	return tx.PutMeta(specKey, b)
}

// Put implements engine.Engine.
func (e *Engine) Put(ctx context.Context, records []engine.Record, mode engine.PutMode) ([]engine.PutResult, error) {
	if err := e.enter(ctx); err != nil {
		return nil, err
	}
	defer e.leave()
	p := &put{e: e, mode: mode, records: records, attrs: make([][]byte, len(records)), results: make([]engine.PutResult, len(records))}
	size := 0
	for i := range records {
		r := &records[i]
		p.attrs[i] = engine.AppendAttrs(nil, r.Attrs)
		size += 512 + len(r.Caption) + len(p.attrs[i]) + 4*len(r.Vector)
		if r.Image != nil {
			size += len(r.Image.Original) + len(r.Image.Thumbnail)
		}
	}
	if err := e.commit(&op{ctx: ctx, run: p.run, size: size}); err != nil {
		return nil, err
	}
	return p.results, nil
}

// put is one call of Put.
type put struct {
	e       *Engine
	mode    engine.PutMode
	records []engine.Record
	attrs   [][]byte // encoded
	results []engine.PutResult
}

func (p *put) run(tx *storage.Tx, c *change) error {
	for i := range p.records {
		r := &p.records[i]
		status, err := p.store(tx, c, r, p.attrs[i])
		var own refusal
		if err != nil && !errors.As(err, &own) {
			return fmt.Errorf("storing %.200q: %w", r.ID, err)
		}
		p.results[i] = engine.PutResult{Status: status, Err: own.error}
	}
	return p.audit(tx, c.spec)
}

// audit records what was stored.
func (p *put) audit(tx *storage.Tx, spec engine.Spec) error {
	if p.e.audit == nil {
		return nil
	}
	var created, replaced []string
	for i, r := range p.results {
		switch r.Status {
		case engine.Created:
			created = append(created, p.records[i].ID)
		case engine.Replaced:
			replaced = append(replaced, p.records[i].ID)
		}
	}
	if err := p.e.note(tx, engine.AuditInsert, spec.Fingerprint, created); err != nil {
		return err
	}
	return p.e.note(tx, engine.AuditReplace, spec.Fingerprint, replaced)
}

// refusal is an error of one record, which leaves the transaction as it was.
type refusal struct{ error }

func (r refusal) Unwrap() error { return r.error }

func (p *put) store(tx *storage.Tx, c *change, r *engine.Record, attrs []byte) (engine.PutStatus, error) {
	if err := checkRecord(r, c.spec); err != nil {
		return engine.Refused, refusal{err}
	}
	old, err := tx.Record(r.ID)
	switch {
	case errors.Is(err, storage.ErrNotFound):
		old = nil
	case err != nil:
		return engine.Refused, err
	case p.mode == engine.Create:
		return engine.Refused, refusal{fmt.Errorf("%w: %.200q", engine.ErrExists, r.ID)}
	}
	if p.mode == engine.Renew && (old == nil || !old.Updated.Equal(r.Updated)) {
		return engine.Refused, refusal{fmt.Errorf("%w: %.200q", engine.ErrChanged, r.ID)}
	}
	rec := &storage.Record{ID: r.ID, Caption: r.Caption, Attrs: attrs, Created: r.Created, Updated: r.Updated, Model: r.Model}
	if rec.Updated.IsZero() || p.mode == engine.Renew {
		rec.Updated = time.Now()
		if old != nil && !rec.Updated.After(old.Updated) { // clocks are coarse, and are set back
			rec.Updated = old.Updated.Add(1)
		}
	}
	switch {
	case old != nil:
		rec.Created = old.Created
	case rec.Created.IsZero():
		rec.Created = rec.Updated
	}
	if rec.Image, err = putImage(tx, r.Image); err != nil {
		return engine.Refused, err
	}
	if err := p.place(tx, c, rec, old, r); err != nil {
		return engine.Refused, err
	}
	if err := tx.DeleteFailure(r.ID); err != nil {
		return engine.Refused, err
	}
	if old != nil {
		return engine.Replaced, nil
	}
	return engine.Created, nil
}

// place gives the record a slot and writes it. A record that comes back with
// the vector it had keeps its slot, so that a change of words costs the index
// nothing.
func (p *put) place(tx *storage.Tx, c *change, rec, old *storage.Record, r *engine.Record) error {
	if old != nil {
		had, ok, err := tx.Vector(old.Slot, nil)
		if err != nil && !errors.Is(err, storage.ErrCorrupt) { // a damaged one is being replaced
			return err
		}
		if ok && slices.Equal(had, r.Vector) {
			rec.Slot = old.Slot
			c.renewed = append(c.renewed, addition{slot: rec.Slot, attrs: r.Attrs, caption: r.Caption})
			if imageOf(old) != imageOf(rec) { // the vector of the next model was the old picture's
				if err := tx.DeleteNextVector(rec.Slot); err != nil {
					return err
				}
			}
			return tx.PutRecord(rec)
		}
	}
	slot, err := tx.NextSlot()
	if err != nil {
		return err
	}
	rec.Slot = slot
	if old != nil {
		if err := c.logged(tx, storage.LogDelete, old.Slot); err != nil {
			return err
		}
		c.remove(old.Slot)
	}
	if err := tx.PutVector(slot, r.Vector); err != nil {
		return err
	}
	if err := tx.PutRecord(rec); err != nil {
		return err
	}
	c.add(slot, r)
	return c.logged(tx, storage.LogAdd, slot)
}

func (c *change) logged(tx *storage.Tx, what storage.LogOp, slot uint32) error {
	c.log++
	_, err := tx.AppendLog(what, slot)
	return err
}

// Times that the file can hold.
var (
	firstTime = time.Date(1678, 1, 1, 0, 0, 0, 0, time.UTC)
	lastTime  = time.Date(2262, 1, 1, 0, 0, 0, 0, time.UTC)
)

func checkRecord(r *engine.Record, spec engine.Spec) error {
	if err := r.Check(spec); err != nil {
		return err
	}
	for _, t := range []time.Time{r.Created, r.Updated} {
		if !t.IsZero() && (t.Before(firstTime) || !t.Before(lastTime)) {
			return fmt.Errorf("%w: a time of %.200q lies outside the years 1678 to 2261", engine.ErrLimit, r.ID)
		}
	}
	if im := r.Image; im != nil && (len(im.Format) > storage.MaxFormat || !utf8.ValidString(im.Format) || im.Size < 0 ||
		min(im.Width, im.Height, im.Frames) < 0 || max(im.Width, im.Height, im.Frames) > storage.MaxMeasure) {
		return fmt.Errorf("%w: the image of %.200q has impossible measures", engine.ErrLimit, r.ID)
	}
	if im := r.Image; im != nil && max(len(im.Original), len(im.Thumbnail)) > maxBlob {
		return fmt.Errorf("%w: the image of %.200q has %d bytes, %d can be stored", engine.ErrLimit, r.ID, len(im.Original), maxBlob)
	}
	return nil
}

// maxBlob is the largest picture that the file takes, in bytes.
const maxBlob = 1 << 30

func putImage(tx *storage.Tx, im *engine.Image) (*storage.ImageRef, error) {
	if im == nil {
		return nil, nil
	}
	ref := &storage.ImageRef{SHA256: im.SHA256, Format: im.Format, Width: im.Width, Height: im.Height, Size: im.Size, Frames: im.Frames}
	var err error
	if len(im.Original) > 0 {
		if ref.Blob, err = tx.PutBlob(im.Original); err != nil {
			return nil, err
		}
	}
	if len(im.Thumbnail) > 0 {
		ref.Thumbnail, err = tx.PutBlob(im.Thumbnail)
	}
	return ref, err
}

// Delete implements engine.Engine.
func (e *Engine) Delete(ctx context.Context, ids []string) (int, error) {
	if err := e.enter(ctx); err != nil {
		return 0, err
	}
	defer e.leave()
	n := 0
	err := e.commit(&op{ctx: ctx, size: 256 * len(ids), run: func(tx *storage.Tx, c *change) error {
		var gone []string
		for _, id := range ids {
			if engine.CheckID(id) != nil {
				continue // no record has it
			}
			if err := tx.DeleteFailure(id); err != nil {
				return err
			}
			switch was, err := c.erase(tx, id); {
			case err != nil:
				return err
			case was:
				gone = append(gone, id)
			}
		}
		n = len(gone)
		return e.note(tx, engine.AuditDelete, "", gone)
	}})
	if err != nil {
		return 0, err
	}
	return n, nil
}

// DeleteUnchanged implements engine.Engine.
func (e *Engine) DeleteUnchanged(ctx context.Context, versions []engine.Version) ([]string, error) {
	if err := e.enter(ctx); err != nil {
		return nil, err
	}
	defer e.leave()
	var gone []string
	err := e.commit(&op{ctx: ctx, size: 256 * len(versions), run: func(tx *storage.Tx, c *change) error {
		gone = nil
		for _, v := range versions {
			rec, err := tx.Record(v.ID)
			if errors.Is(err, storage.ErrNotFound) {
				continue
			}
			if err != nil {
				return fmt.Errorf("deleting %.200q: %w", v.ID, err)
			}
			if !rec.Updated.Equal(v.Updated) {
				continue
			}
			if err := tx.DeleteFailure(v.ID); err != nil {
				return err
			}
			if _, err := c.erase(tx, v.ID); err != nil {
				return err
			}
			gone = append(gone, v.ID)
		}
		return e.note(tx, engine.AuditDelete, "", gone)
	}})
	if err != nil {
		return nil, err
	}
	return gone, nil
}

// erase deletes a record, and reports whether there was one.
func (c *change) erase(tx *storage.Tx, id string) (bool, error) {
	old, err := tx.DeleteRecord(id)
	if errors.Is(err, storage.ErrNotFound) {
		return false, nil
	}
	if err != nil {
		return false, fmt.Errorf("deleting %.200q: %w", id, err)
	}
	c.remove(old.Slot)
	return true, c.logged(tx, storage.LogDelete, old.Slot)
}
