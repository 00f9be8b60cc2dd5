package local

import (
	"cmp"
	"context"
	"errors"
	"fmt"

	"github.com/clipdb/clipdb/db/engine"
	"github.com/clipdb/clipdb/index"
	"github.com/clipdb/clipdb/storage"
)

// Search implements engine.Engine.
//
// A search asks the index and then reads the records from the file, without a
// lock that writers take. When a writer came between the two, so that a slot
// has lost its record or has another one, the search is done again where no
// writer can come between.
func (e *Engine) Search(ctx context.Context, q engine.Query) ([]engine.Hit, error) {
	if err := e.enter(ctx); err != nil {
		return nil, err
	}
	defer e.leave()
	if q.K < 1 {
		return nil, fmt.Errorf("search: K is %d, at least 1 is needed", q.K)
	}
	if err := q.Filter.Check(); err != nil {
		return nil, err
	}
	spec := e.Spec()
	if !spec.Bound() {
		return nil, nil
	}
	if q.Spec.Bound() {
		if err := spec.Check(q.Spec); err != nil {
			return nil, err
		}
	}
	if len(q.Vector) != spec.Dim {
		return nil, &engine.DimensionError{Want: spec.Dim, Got: len(q.Vector)}
	}
	if err := engine.CheckUnit(q.Vector); err != nil {
		return nil, err
	}
	if err := e.loadColumns(ctx, q.Filter); err != nil {
		return nil, seam(err)
	}
	hits, whole, err := e.search(ctx, q)
	if err == nil && !whole {
		e.applying.RLock()
		defer e.applying.RUnlock()
		hits, _, err = e.search(ctx, q)
	}
	return hits, seam(err)
}

// search is one try. It reports whether file and index agreed.
func (e *Engine) search(ctx context.Context, q engine.Query) (hits []engine.Hit, whole bool, err error) {
	before, missed, turn := e.reuse.Load(), e.vecs.missed.Load(), e.turn.Load()
	found, err := e.candidates(ctx, q)
	if err != nil {
		return nil, true, err
	}
	// A vector that is gone from the file, while the index did not know yet,
	// is left out of the answer without a word.
	whole = e.vecs.missed.Load() == missed
	// Columns and index follow a change one after the other.
	if !q.Filter.IsZero() && (turn%2 == 1 || e.turn.Load() != turn) {
		whole = false
	}
	if len(found) == 0 {
		return nil, whole, nil
	}
	hits = make([]engine.Hit, 0, len(found))
	err = e.store.View(func(tx *storage.Tx) error {
		if e.reuse.Load() != before {
			whole = false
			return nil
		}
		for _, c := range found {
			rec, err := tx.RecordAt(c.Slot)
			if errors.Is(err, storage.ErrNotFound) {
				whole = false
				continue
			}
			if err != nil {
				return err
			}
			r, err := e.record(tx, rec, q.Fetch)
			if err != nil {
				return err
			}
			hits = append(hits, engine.Hit{Record: r, Score: c.Score})
		}
		return nil
	})
	return hits, whole, err
}

// candidates asks the index. A panic of it is an error.
func (e *Engine) candidates(ctx context.Context, q engine.Query) (found []index.Candidate, err error) {
	e.indexMu.RLock()
	defer e.indexMu.RUnlock()
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("index %s panicked: %v", e.kind, p)
		}
	}()
	if e.idx == nil {
		return nil, nil
	}
	// The model may have changed since Search looked.
	spec := e.Spec()
	if len(q.Vector) != spec.Dim || q.Spec.Bound() && spec.Check(q.Spec) != nil {
		return nil, &engine.MismatchError{Stored: spec, Given: cmp.Or(q.Spec, engine.Spec{Dim: len(q.Vector)})}
	}
	live := e.idx.Stats().Live
	iq := index.Query{Vector: q.Vector, K: min(q.K, max(live, 1)), Ef: min(q.Ef, index.MaxEf), Exact: q.Exact, Side: index.Side(q.Side)}
	pass := live
	if !q.Filter.IsZero() {
		if iq.Allow = e.cols.eval(q.Filter); iq.Allow.Len() == 0 {
			return nil, nil
		}
		pass = min(pass, iq.Allow.Len())
	}
	if found, err = e.idx.Search(ctx, iq); err != nil {
		return nil, err
	}
	// A graph may lose its way: short answers are completed exactly.
	if len(found) < min(iq.K, pass) && !iq.Exact {
		iq.Exact = true
		if found, err = e.idx.Search(ctx, iq); err != nil {
			return nil, err
		}
	}
	if q.MinScore != 0 {
		for len(found) > 0 && found[len(found)-1].Score < q.MinScore {
			found = found[:len(found)-1]
		}
	}
	return found, nil
}
