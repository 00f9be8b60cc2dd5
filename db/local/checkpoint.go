package local

import (
	"encoding/json"
	"time"

	"github.com/clipdb/clipdb/db/engine"
	"github.com/clipdb/clipdb/storage"
)

// A checkpoint is due when a quarter of the database changed since the last
// one: each page is then written a few times while a database grows, and a
// crash costs a bounded replay.
const (
	minTail = 5_000
	maxTail = 50_000
)

func checkpointDue(tail int64, live int) bool {
	return tail >= min(max(int64(live)/4, minTail), maxTail)
}

// tend starts a checkpoint in the background when one is due. The goroutine
// ends with it.
func (e *Engine) tend() {
	e.indexMu.RLock()
	due := e.idx != nil && !e.stuck && checkpointDue(e.tail.Load(), e.idx.Stats().Live)
	e.indexMu.RUnlock()
	if !due || !e.tending.CompareAndSwap(false, true) {
		return
	}
	e.background.Go(func() {
		defer e.tending.Store(false)
		e.writer <- struct{}{}
		defer func() { <-e.writer }()
		if err := e.checkpoint(); err != nil {
			e.log.Error("index checkpoint failed; the log keeps the changes", "path", e.store.Path(), "error", err)
		}
	})
}

// checkpoint writes the index to the file, forgets the log that it covers and
// releases the slots that nothing needs any more. It must run under the writer
// token, or where no other call does.
func (e *Engine) checkpoint() error {
	if e.idx == nil || e.stuck {
		return nil
	}
	began := time.Now()
	m, err := e.meta(e.kind, e.Spec().Dim)
	if err != nil {
		return err
	}
	m.Deletes = e.deletes
	wrote := false
	err = e.store.Update(func(tx *storage.Tx) error {
		m.Log = tx.LastLog()
		if e.fresh || e.kind == Flat {
			if err := tx.DropPages(indexSpace); err != nil {
				return err
			}
		}
		if e.kind != Flat { // flat is read from the vectors
			err := e.idx.Checkpoint(func(key uint32, page []byte) error { return tx.PutPage(indexSpace, key, page) })
			if err != nil {
				return err
			}
			wrote = true
		}
		b, err := json.Marshal(m)
		if err != nil {
			return err
		}
		if err := tx.PutMeta(indexKey, b); err != nil {
			return err
		}
		if err := tx.TrimLog(m.Log); err != nil {
			return err
		}
		return e.releaseSlots(tx)
	})
	e.tell(engine.Event{Kind: engine.EventCheckpoint, Done: int(e.tail.Load()), Finished: true, Err: err}, began)
	if err != nil {
		// The index takes its pages for written. The file still holds the
		// checkpoint before and the log since, and goes on with them.
		e.stuck = e.stuck || wrote
		return err
	}
	e.fresh = false
	e.tail.Store(0)
	return nil
}

// releaseSlots gives back the slots of deleted records that the index does not
// route through any more.
func (e *Engine) releaseSlots(tx *storage.Tx) error {
	var free []uint32
	for s := range tx.RetiredSlots() {
		if e.idx.Reusable(s) {
			free = append(free, s)
		}
	}
	for _, s := range free {
		if err := tx.ReleaseSlot(s); err != nil {
			return err
		}
	}
	return nil
}
