package local

import (
	"context"
	"encoding/json"
	"errors"
	"sync/atomic"
	"time"

	"github.com/clipdb/clipdb/db/engine"
	"github.com/clipdb/clipdb/index"
	"github.com/clipdb/clipdb/storage"
)

// nextVectors gives an index the vectors beside the served ones, and, once
// they are served, those.
type nextVectors struct {
	store *storage.Store
	to    atomic.Pointer[vectors]
}

// Vector implements index.Vectors.
func (n *nextVectors) Vector(slot uint32, dst []float32) ([]float32, bool) {
	if v := n.to.Load(); v != nil {
		return v.Vector(slot, dst)
	}
	found := false
	err := n.store.View(func(tx *storage.Tx) (err error) {
		dst, found, err = tx.NextVector(slot, dst)
		return err
	})
	if err != nil || !found {
		return dst[:0], false
	}
	return dst, true
}

// buildNext builds the index of the vectors beside the served ones. It must
// run under the writer token; searches go on.
func (e *Engine) buildNext(ctx context.Context, spec engine.Spec) (index.Index, Kind, *nextVectors, error) {
	began := time.Now()
	n := 0
	if err := e.store.View(func(tx *storage.Tx) error { n = tx.NextVectorCount(); return nil }); err != nil {
		return nil, "", nil, err
	}
	kind := e.choose(e.kind, n)
	source := &nextVectors{store: e.store}
	p := e.params(spec.Dim)
	p.Vectors = source
	idx, err := newIndexOf(kind, p, e.opts.Index.Quant)
	if err != nil {
		return nil, "", nil, err
	}
	ev := engine.Event{Kind: engine.EventReembed, Total: n}
	err = eachVector(ctx, e.store, func(tx *storage.Tx, slot uint32) ([]float32, bool, error) {
		return tx.NextVector(slot, nil) // damage ends it: the old vectors are still there
	}, func(slots []uint32, vecs [][]float32) error {
		err := idx.Add(ctx, slots, vecs)
		ev.Done += len(slots)
		e.tell(ev, began)
		return err
	})
	ev.Finished, ev.Err = true, err
	e.tell(ev, began)
	if err != nil {
		return nil, "", nil, errors.Join(err, idx.Close())
	}
	return idx, kind, source, nil
}

// switchTo makes the vectors beside the served ones the served ones, with
// their index. Searches wait for the commit, and for nothing else: an index
// must not look for vectors of one model in a file of another.
func (e *Engine) switchTo(spec engine.Spec, idx index.Index, kind Kind, drop []engine.Version) error {
	b, err := json.Marshal(spec)
	if err != nil {
		return err
	}
	e.applying.Lock()
	defer e.applying.Unlock()
	e.indexMu.Lock()
	defer e.indexMu.Unlock()
	was := e.Spec()
	var c change
	err = e.store.Update(func(tx *storage.Tx) error {
		c = change{spec: spec, limit: tx.SlotLimit()}
		if err := e.dropLacking(tx, &c, drop); err != nil {
			return err
		}
		if err := tx.SwitchVectors(); err != nil {
			return err
		}
		if err := relabel(tx, was, spec); err != nil {
			return err
		}
		if err := tx.PutMeta(specKey, b); err != nil {
			return err
		}
		if err := tx.PutMeta(nextKey, nil); err != nil {
			return err
		}
		// The pages of the old index are worth nothing from here on, and hold
		// codes of the old vectors.
		if err := tx.DropPages(indexSpace); err != nil {
			return err
		}
		if err := tx.PutMeta(indexKey, nil); err != nil {
			return err
		}
		return e.noteAll(tx, engine.AuditReembed, spec.Fingerprint)
	})
	if err != nil {
		return err
	}
	e.reuse.Add(1) // searches that are between index and records begin again
	e.turn.Add(1)
	e.vecs.forgetAll()
	e.followers(&c)
	e.spec.Store(&spec)
	old := e.idx
	e.idx, e.kind = idx, kind
	e.fresh, e.stuck, e.deletes = true, false, false
	e.turn.Add(1)
	if old != nil {
		if err := old.Close(); err != nil {
			e.log.Warn("closing an index", "error", err)
		}
	}
	return nil
}

// dropLacking deletes those records of drop that have no vector of the next
// model and have not been written since.
func (e *Engine) dropLacking(tx *storage.Tx, c *change, drop []engine.Version) error {
	var gone []string
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
		if has || !rec.Updated.Equal(d.Updated) {
			continue
		}
		if _, err := tx.DeleteRecord(d.ID); err != nil {
			return err
		}
		c.remove(rec.Slot)
		if err := c.logged(tx, storage.LogDelete, rec.Slot); err != nil {
			return err
		}
		gone = append(gone, d.ID)
	}
	return e.note(tx, engine.AuditDelete, "", gone)
}

// relabel makes every record one of the new model. Records name their model
// by a number, so it is the table of numbers that changes; only records with
// the caller's own vectors, which have no number, are written anew.
func relabel(tx *storage.Tx, was, spec engine.Spec) error {
	if !was.Own() {
		return tx.RelabelModel(was.Fingerprint, spec.Fingerprint)
	}
	var all []*storage.Record
	for rec, err := range tx.Records("") {
		if err != nil {
			return err
		}
		all = append(all, rec)
	}
	for _, rec := range all {
		rec.Model = spec.Fingerprint
		if err := tx.PutRecord(rec); err != nil {
			return err
		}
	}
	return nil
}
