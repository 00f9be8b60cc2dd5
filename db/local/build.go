package local

import (
	"context"
	"errors"
	"time"

	"github.com/clipdb/clipdb/db/engine"
	"github.com/clipdb/clipdb/index"
	"github.com/clipdb/clipdb/storage"
)

// buildBatch is how many vectors an index is given at once, and how many slots
// are read in one transaction.
const buildBatch = 4096

// build makes an index of all vectors of the file. It must run where no writer
// does. A reason, if there is one, is told to the listener.
func (e *Engine) build(ctx context.Context, kind Kind, dim int, reason string) (index.Index, error) {
	began := time.Now()
	idx, err := e.newIndex(kind, dim)
	if err != nil {
		return nil, err
	}
	ev := engine.Event{Kind: engine.EventRebuild, Reason: reason}
	if ev.Total, err = e.vectorCount(); err == nil {
		err = e.eachVector(ctx, func(slots []uint32, vecs [][]float32) error {
			err := idx.Add(ctx, slots, vecs)
			ev.Done += len(slots)
			if reason != "" {
				e.tell(ev, began)
			}
			return err
		})
	}
	ev.Finished, ev.Err = true, err
	if reason != "" {
		e.tell(ev, began)
	}
	if err != nil {
		return nil, errors.Join(err, idx.Close())
	}
	return idx, nil
}

func (e *Engine) vectorCount() (n int, err error) {
	err = e.store.View(func(tx *storage.Tx) error {
		n = tx.VectorCount()
		return nil
	})
	return n, err
}

// eachVector calls fn with all vectors by rising slot, a batch at a time. No
// transaction is open during fn, which may keep the vectors. Vectors that are
// damaged are noted and passed over: the others can still be found.
func (e *Engine) eachVector(ctx context.Context, fn func(slots []uint32, vecs [][]float32) error) error {
	return eachVector(ctx, e.store, func(tx *storage.Tx, slot uint32) ([]float32, bool, error) {
		v, ok, err := tx.Vector(slot, nil)
		if errors.Is(err, storage.ErrCorrupt) {
			e.damaged(err)
			return nil, false, nil
		}
		return v, ok, err
	}, fn)
}

func eachVector(ctx context.Context, store *storage.Store, read func(tx *storage.Tx, slot uint32) ([]float32, bool, error), fn func(slots []uint32, vecs [][]float32) error) error {
	for from, limit := uint32(0), uint32(1); from < limit; {
		if err := ctx.Err(); err != nil {
			return err
		}
		var slots []uint32
		var vecs [][]float32
		err := store.View(func(tx *storage.Tx) error {
			limit = tx.SlotLimit()
			for ; from < limit && len(slots) < buildBatch; from++ {
				v, ok, err := read(tx, from)
				if err != nil {
					return err
				}
				if ok {
					slots, vecs = append(slots, from), append(vecs, v)
				}
			}
			return nil
		})
		if err == nil && len(slots) > 0 {
			err = fn(slots, vecs)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// replaceIndex puts another index in the place of idx. It must run under the
// writer token.
func (e *Engine) replaceIndex(idx index.Index, kind Kind) {
	e.indexMu.Lock()
	old := e.idx
	e.idx, e.kind = idx, kind
	e.indexMu.Unlock()
	e.fresh, e.stuck, e.deletes = true, false, false
	if old != nil {
		if err := old.Close(); err != nil {
			e.log.Warn("closing an index", "error", err)
		}
	}
}

// rebuild builds the index anew and puts it in place. It must run under the
// writer token.
func (e *Engine) rebuild(ctx context.Context, kind Kind, reason string) error {
	idx, err := e.build(ctx, kind, e.Spec().Dim, reason)
	if err != nil {
		return err
	}
	e.replaceIndex(idx, kind)
	return nil
}
