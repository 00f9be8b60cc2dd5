package local

import (
	"context"
	"fmt"

	"github.com/clipdb/clipdb/db/engine"
	"github.com/clipdb/clipdb/storage"
)

// How Verify measures recall.
const (
	recallQueries = 100        // at most
	recallWork    = 20_000_000 // vectors compared, about
	recallK       = 10

	// Below this the index is called a problem. Recall depends on the data:
	// vectors without structure bring a sound graph down to 0.7.
	recallFloor = 0.5
)

// Verify implements engine.Engine.
func (e *Engine) Verify(ctx context.Context) (engine.VerifyReport, error) {
	var rep engine.VerifyReport
	if err := e.enter(ctx); err != nil {
		return rep, err
	}
	defer e.leave()
	err := e.store.Check(ctx, func(p storage.Problem) {
		rep.Problems = append(rep.Problems, engine.Problem{Where: p.Kind, ID: p.Key, What: p.Text})
	})
	if err != nil {
		return rep, seam(err)
	}
	if err := e.verifyRecords(ctx, &rep); err != nil {
		return rep, seam(err)
	}
	return rep, seam(e.verifyRecall(ctx, &rep))
}

// verifyRecords compares records with vectors and index, while no change is
// half done.
func (e *Engine) verifyRecords(ctx context.Context, rep *engine.VerifyReport) error {
	e.applying.RLock()
	defer e.applying.RUnlock()
	spec := e.Spec()
	vectors := 0
	err := e.store.View(func(tx *storage.Tx) error {
		var vec []float32
		for rec, err := range tx.Records("") {
			if err := ctx.Err(); err != nil {
				return err
			}
			rep.Records++
			if err != nil {
				continue // Check has reported it
			}
			r, err := e.record(tx, rec, engine.Fetch{})
			if err != nil {
				rep.Problems = append(rep.Problems, engine.Problem{Where: "record", ID: rec.ID, What: err.Error()})
				continue
			}
			var ok bool
			if vec, ok, err = tx.Vector(rec.Slot, vec); err != nil {
				continue // Check has reported it
			}
			if !ok {
				rep.Problems = append(rep.Problems, engine.Problem{Where: "vector", ID: rec.ID, What: "the item has none"})
				continue
			}
			vectors++
			r.Vector = vec
			if err := r.Check(spec); err != nil {
				rep.Problems = append(rep.Problems, engine.Problem{Where: "record", ID: rec.ID, What: err.Error()})
			}
		}
		return nil
	})
	if err != nil {
		return err
	}
	e.indexMu.RLock()
	defer e.indexMu.RUnlock()
	if live := e.live(); live != vectors {
		rep.Problems = append(rep.Problems, engine.Problem{Where: "index", What: fmt.Sprintf("it holds %d vectors, the file %d; Compact builds it anew", live, vectors)})
	}
	return nil
}

// live must run under indexMu.
func (e *Engine) live() int {
	if e.idx == nil {
		return 0
	}
	return e.idx.Stats().Live
}

// verifyRecall asks the index for the neighbours of stored vectors, spread
// over the slots, and compares with exact scans.
func (e *Engine) verifyRecall(ctx context.Context, rep *engine.VerifyReport) error {
	var queries [][]float32
	err := e.store.View(func(tx *storage.Tx) error {
		limit := tx.SlotLimit()
		most := min(recallQueries, max(10, recallWork/max(1, tx.VectorCount())))
		step := max(1, limit/uint32(most))
		for s := uint32(0); s < limit && len(queries) < most; s += step {
			v, ok, err := tx.Vector(s, nil)
			if err != nil {
				continue // Check has reported it
			}
			if ok {
				queries = append(queries, v)
			}
		}
		return nil
	})
	if err != nil {
		return err
	}
	found, wanted := 0, 0
	for _, v := range queries {
		q := engine.Query{Vector: v, K: recallK, Exact: true}
		exact, err := e.candidates(ctx, q, q.K, nil)
		if err != nil {
			return err
		}
		q.Exact = false
		got, err := e.candidates(ctx, q, q.K, nil)
		if err != nil {
			return err
		}
		if len(exact) == 0 {
			continue
		}
		// Items at the same distance are as good as each other.
		last := exact[len(exact)-1].Score - 1e-5
		n := 0
		for _, c := range got {
			if c.Score >= last {
				n++
			}
		}
		found += min(n, len(exact))
		wanted += len(exact)
		rep.RecallQueries++
	}
	if wanted == 0 {
		return nil
	}
	rep.Recall = float64(found) / float64(wanted)
	e.indexMu.RLock()
	kind := e.kind
	e.indexMu.RUnlock()
	// The coder index is chosen by whoever knows docs/recall.md.
	if rep.Recall < recallFloor && kind != Coder {
		rep.Problems = append(rep.Problems, engine.Problem{Where: "index", What: fmt.Sprintf("it finds %.0f %% of the nearest items; Compact builds it anew", 100*rep.Recall)})
	}
	return nil
}
