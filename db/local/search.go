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
	if !index.ValidRecall(q.Recall) {
		return nil, fmt.Errorf("search: recall is %v, from 0 to below 1 is needed", q.Recall)
	}
	if err := q.Filter.Check(); err != nil {
		return nil, err
	}
	if q.Keywords != nil {
		if err := q.Keywords.Check(q); err != nil {
			return nil, err
		}
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
	if q.Vector != nil || q.Keywords == nil {
		if len(q.Vector) != spec.Dim {
			return nil, &engine.DimensionError{Want: spec.Dim, Got: len(q.Vector)}
		}
		if err := engine.CheckUnit(q.Vector); err != nil {
			return nil, err
		}
	}
	if err := e.loadColumns(ctx, q.Filter); err != nil {
		return nil, seam(err)
	}
	if q.Keywords != nil {
		if err := e.loadCaptions(ctx); err != nil {
			return nil, seam(err)
		}
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
	found, agreed, err := e.find(ctx, q)
	if err != nil {
		return nil, true, err
	}
	// A vector that is gone from the file, while the index did not know yet,
	// is left out of the answer without a word.
	whole = agreed && e.vecs.missed.Load() == missed
	// Columns, captions and index follow a change one after the other.
	if (!q.Filter.IsZero() || q.Keywords != nil) && (turn%2 == 1 || e.turn.Load() != turn) {
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
			rec, err := tx.RecordAt(c.slot)
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
			hits = append(hits, engine.Hit{Record: r, Score: c.cosine, Keyword: float32(c.keyword), Fused: float32(c.fused)})
		}
		return nil
	})
	return hits, whole, err
}

// ranked is a slot that answers a query.
type ranked struct {
	slot           uint32
	cosine         float32
	keyword, fused float64 // of queries with keywords
}

// find asks the indexes. It reports whether they agreed with each other.
func (e *Engine) find(ctx context.Context, q engine.Query) (found []ranked, agreed bool, err error) {
	var allow *index.Bitmap // nil: all
	if !q.Filter.IsZero() {
		if allow = e.cols.eval(q.Filter); allow.Len() == 0 {
			return nil, true, nil
		}
	}
	if q.Keywords != nil {
		return e.findWords(ctx, q, allow)
	}
	list, err := e.candidates(ctx, q, q.K, allow)
	found = make([]ranked, 0, len(list))
	for _, c := range list {
		if (q.MinScore == 0 || c.Score >= q.MinScore) && (q.Cut == 0 || c.Score >= q.Cut) {
			found = append(found, ranked{slot: c.Slot, cosine: c.Score})
		}
	}
	return found, true, err
}

// candidates asks the index for the k nearest, of those that allow holds. A
// panic of it is an error.
func (e *Engine) candidates(ctx context.Context, q engine.Query, k int, allow *index.Bitmap) (found []index.Candidate, err error) {
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
	iq := index.Query{Vector: q.Vector, K: min(k, max(live, 1)), Ef: min(q.Ef, index.MaxEf), Recall: q.Recall, Exact: q.Exact, Side: index.Side(q.Side), Allow: allow}
	pass := live
	if allow != nil {
		pass = min(pass, allow.Len())
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
	return found, nil
}
