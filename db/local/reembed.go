package local

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"iter"

	"github.com/clipdb/clipdb/db/engine"
	"github.com/clipdb/clipdb/storage"
)

// nextKey names the spec of the vectors beside the served ones in the file.
const nextKey = "reembed"

// nextSpec reads whose vectors lie beside the served ones.
func nextSpec(tx *storage.Tx) (spec engine.Spec, err error) {
	b := tx.Meta(nextKey)
	if err := tx.Err(); err != nil || b == nil {
		return spec, err
	}
	if err := json.Unmarshal(b, &spec); err != nil || spec.Dim < 1 || spec.Dim > engine.MaxDim {
		return spec, fmt.Errorf("%w: the model of a reembedding cannot be read", engine.ErrCorrupt)
	}
	return spec, nil
}

// Reembedding implements engine.Engine.
func (e *Engine) Reembedding(ctx context.Context) (st engine.ReembedStatus, err error) {
	if err := e.enter(ctx); err != nil {
		return st, err
	}
	defer e.leave()
	err = e.store.View(func(tx *storage.Tx) (err error) {
		st.Done, st.Total = tx.NextVectorCount(), tx.RecordCount()
		st.Spec, err = nextSpec(tx)
		return err
	})
	return st, seam(err)
}

// BeginReembed implements engine.Engine.
func (e *Engine) BeginReembed(ctx context.Context, spec engine.Spec) (st engine.ReembedStatus, err error) {
	if err := e.enter(ctx); err != nil {
		return st, err
	}
	defer e.leave()
	switch {
	case spec.Dim < 1 || spec.Dim > engine.MaxDim:
		return st, fmt.Errorf("%w: %d components; 1 to %d are allowed", engine.ErrVector, spec.Dim, engine.MaxDim)
	case spec.Own():
		return st, fmt.Errorf("%w: a reembedding needs a model with a fingerprint", engine.ErrLimit)
	}
	b, err := json.Marshal(spec)
	if err != nil {
		return st, err
	}
	err = e.commit(&op{ctx: ctx, run: func(tx *storage.Tx, c *change) error {
		had, err := nextSpec(tx)
		if err != nil {
			return err
		}
		if had.Check(spec) != nil {
			if err := tx.DropNextVectors(); err != nil {
				return err
			}
			if err := tx.PutMeta(nextKey, b); err != nil {
				return err
			}
		}
		st = engine.ReembedStatus{Spec: spec, Done: tx.NextVectorCount(), Total: tx.RecordCount()}
		return nil
	}})
	return st, err
}

// AbortReembed implements engine.Engine.
func (e *Engine) AbortReembed(ctx context.Context) error {
	if err := e.enter(ctx); err != nil {
		return err
	}
	defer e.leave()
	return e.commit(&op{ctx: ctx, run: func(tx *storage.Tx, c *change) error {
		if err := tx.DropNextVectors(); err != nil {
			return err
		}
		return tx.PutMeta(nextKey, nil)
	}})
}

// Pending implements engine.Engine.
func (e *Engine) Pending(ctx context.Context) iter.Seq2[*engine.Record, error] {
	return func(yield func(*engine.Record, error) bool) {
		after := ""
		for {
			page, last, err := e.pendingPage(ctx, after)
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

// pendingScan is how many records pendingPage looks at in one transaction.
const pendingScan = 16 * scanRecords

func (e *Engine) pendingPage(ctx context.Context, after string) (page []*engine.Record, last string, err error) {
	if err := e.enter(ctx); err != nil {
		return nil, "", err
	}
	defer e.leave()
	err = e.store.View(func(tx *storage.Tx) error {
		seen := 0
		for rec, err := range tx.Records(after) {
			if err != nil {
				return err
			}
			has, err := tx.HasNextVector(rec.Slot)
			if err != nil {
				return err
			}
			if !has {
				r, err := e.record(tx, rec, engine.Fetch{})
				if err != nil {
					return err
				}
				page = append(page, r)
			}
			if seen++; seen >= pendingScan || len(page) >= scanRecords {
				last = rec.ID
				return ctx.Err()
			}
		}
		return nil
	})
	return page, last, seam(err)
}

// imageOf is the sha256 of a record's picture, zero without one.
func imageOf(rec *storage.Record) [32]byte {
	if rec.Image == nil {
		return [32]byte{}
	}
	return rec.Image.SHA256
}

// PutReembedded implements engine.Engine.
func (e *Engine) PutReembedded(ctx context.Context, vectors []engine.Reembedded) (int, error) {
	if err := e.enter(ctx); err != nil {
		return 0, err
	}
	defer e.leave()
	n := 0
	err := e.commit(&op{ctx: ctx, size: 4096 * len(vectors), run: func(tx *storage.Tx, c *change) error {
		n = 0
		spec, err := nextSpec(tx)
		if err != nil {
			return err
		}
		if !spec.Bound() {
			return fmt.Errorf("%w: no reembedding was begun", engine.ErrNotFound)
		}
		for _, v := range vectors {
			if len(v.Vector) != spec.Dim {
				return &engine.DimensionError{Want: spec.Dim, Got: len(v.Vector)}
			}
			if err := engine.CheckUnit(v.Vector); err != nil {
				return err
			}
			rec, err := tx.Record(v.ID)
			if errors.Is(err, storage.ErrNotFound) {
				continue
			}
			if err != nil {
				return err
			}
			if imageOf(rec) != v.Image {
				continue
			}
			if err := tx.PutNextVector(rec.Slot, v.Vector); err != nil {
				return fmt.Errorf("storing the new vector of %.200q: %w", v.ID, err)
			}
			n++
		}
		return nil
	}})
	if err != nil {
		return 0, err
	}
	return n, nil
}

// FinishReembed implements engine.Engine.
func (e *Engine) FinishReembed(ctx context.Context, drop []engine.Version) error {
	if err := e.enter(ctx); err != nil {
		return err
	}
	defer e.leave()
	if e.opts.ReadOnly {
		return engine.ErrReadOnly
	}
	select {
	case e.writer <- struct{}{}:
		defer func() { <-e.writer }()
	case <-ctx.Done():
		return ctx.Err()
	}
	var spec engine.Spec
	err := e.store.View(func(tx *storage.Tx) (err error) {
		if spec, err = nextSpec(tx); err != nil {
			return err
		}
		if !spec.Bound() {
			return fmt.Errorf("%w: no reembedding was begun", engine.ErrNotFound)
		}
		return e.complete(tx, drop)
	})
	if err != nil {
		return seam(err)
	}
	idx, kind, source, err := e.buildNext(ctx, spec)
	if err != nil {
		return seam(err)
	}
	if err := e.switchTo(spec, idx, kind, drop); err != nil {
		return seam(errors.Join(err, idx.Close()))
	}
	source.to.Store(e.vecs)
	e.tail.Store(0)
	// What the file holds of the index before this is of no use. When this
	// fails the next open builds the index from the vectors.
	if err := e.checkpoint(); err != nil {
		e.log.Error("the index of the new vectors cannot be written; the next open builds it anew", "path", e.store.Path(), "error", err)
	}
	return nil
}

// complete makes sure that every record has a vector of the next model, but
// for those that are to be dropped.
func (e *Engine) complete(tx *storage.Tx, drop []engine.Version) error {
	lacking := 0
	for _, d := range drop {
		rec, err := tx.Record(d.ID)
		if errors.Is(err, storage.ErrNotFound) {
			continue
		}
		if err != nil {
			return err
		}
		has, err := tx.HasNextVector(rec.Slot)
		if err != nil {
			return err
		}
		if !has && rec.Updated.Equal(d.Updated) {
			lacking++
		}
	}
	if n := tx.RecordCount() - tx.NextVectorCount() - lacking; n != 0 {
		return fmt.Errorf("%w: %d", engine.ErrPending, n)
	}
	return nil
}
