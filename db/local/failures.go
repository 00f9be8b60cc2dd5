package local

import (
	"context"
	"iter"

	"github.com/clipdb/clipdb/db/engine"
	"github.com/clipdb/clipdb/storage"
)

// PutFailures implements engine.Engine.
func (e *Engine) PutFailures(ctx context.Context, failures []engine.Failure) error {
	if err := e.enter(ctx); err != nil {
		return err
	}
	defer e.leave()
	for _, f := range failures {
		if err := engine.CheckID(f.ID); err != nil {
			return err
		}
	}
	return e.commit(&op{ctx: ctx, size: 1024 * len(failures), run: func(tx *storage.Tx, _ *change) error {
		for _, f := range failures {
			if err := tx.PutFailure(storage.Failure{ID: f.ID, Reason: f.Reason, Time: f.Time}); err != nil {
				return err
			}
		}
		return nil
	}})
}

// Failures implements engine.Engine. There are never so many, nor are they so
// large, that they could not be read in one go; the caller's loop then runs
// without a transaction.
func (e *Engine) Failures(ctx context.Context) iter.Seq2[engine.Failure, error] {
	return func(yield func(engine.Failure, error) bool) {
		all, err := e.readFailures(ctx)
		for _, f := range all {
			if !yield(f, nil) {
				return
			}
		}
		if err != nil {
			yield(engine.Failure{}, err)
		}
	}
}

func (e *Engine) readFailures(ctx context.Context) ([]engine.Failure, error) {
	if err := e.enter(ctx); err != nil {
		return nil, err
	}
	defer e.leave()
	var all []engine.Failure
	err := e.store.View(func(tx *storage.Tx) error {
		for f, err := range tx.Failures() {
			if err != nil {
				return err
			}
			all = append(all, engine.Failure{ID: f.ID, Reason: f.Reason, Time: f.Time})
		}
		return ctx.Err()
	})
	return all, seam(err)
}
