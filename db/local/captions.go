package local

import (
	"context"
	"sync"
	"time"

	"github.com/clipdb/clipdb/db/engine"
	"github.com/clipdb/clipdb/db/local/keyword"
	"github.com/clipdb/clipdb/storage"
)

// captions hold the words of captions, in memory, from the first search for
// keywords on. They are read from the records then, a batch of records in a
// transaction, and follow every change afterwards. Nothing of them is in the
// file: opening does not wait for them, and what is erased is gone with its
// record.
type captions struct {
	builder chan struct{} // a token for whoever reads them

	mu       sync.RWMutex
	index    *keyword.Index // nil until read
	building bool
	missed   []caption // what changed while they are being read, in order
}

// caption is that of a slot; "" when its record is gone or has none.
type caption struct {
	slot uint32
	text string
}

func newCaptions() *captions { return &captions{builder: make(chan struct{}, 1)} }

// apply follows a commit.
func (c *captions) apply(ch *change) {
	c.mu.Lock()
	defer c.mu.Unlock()
	switch {
	case c.index != nil:
		ch.captions(func(a caption) { c.index.Set(a.slot, a.text) })
	case c.building:
		ch.captions(func(a caption) { c.missed = append(c.missed, a) })
	}
}

// captions calls fn with what a change means for captions, in order.
func (c *change) captions(fn func(caption)) {
	for _, list := range [][]addition{c.added, c.renewed} {
		for _, a := range list {
			fn(caption{a.slot, a.caption})
		}
	}
	for _, s := range c.gone {
		fn(caption{s, ""})
	}
}

func (c *captions) ready() *keyword.Index {
	c.mu.RLock()
	defer c.mu.RUnlock()
	return c.index
}

// loadCaptions reads the captions, unless they are there. Writers go on
// meanwhile. When ctx ends, what was read is forgotten, and the next search
// begins anew.
func (e *Engine) loadCaptions(ctx context.Context) (err error) {
	c := e.words
	if c.ready() != nil {
		return nil
	}
	select {
	case c.builder <- struct{}{}:
		defer func() { <-c.builder }()
	case <-ctx.Done():
		return ctx.Err()
	}
	if c.ready() != nil {
		return nil
	}
	began := time.Now()
	ev := engine.Event{Kind: engine.EventCaptions, Reason: "the first search for keywords"}
	defer func() {
		c.mu.Lock()
		c.building, c.missed = false, nil
		c.mu.Unlock()
		ev.Finished, ev.Err = true, err
		e.tell(ev, began)
	}()
	// A commit is either seen by the reading below or noted in missed, and
	// what is noted comes last: no writer is between its commit and its note
	// when building begins, nor when it ends.
	e.applying.RLock()
	c.mu.Lock()
	c.building = true
	c.mu.Unlock()
	e.applying.RUnlock()

	idx := keyword.New(keyword.Language(e.opts.Language))
	err = e.eachCaption(ctx, func(list []caption, total int) {
		for _, a := range list {
			idx.Set(a.slot, a.text)
		}
		ev.Done += len(list)
		ev.Total = max(total, ev.Done)
		e.tell(ev, began)
	})
	if err != nil {
		return err
	}
	e.applying.RLock()
	defer e.applying.RUnlock()
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, a := range c.missed {
		idx.Set(a.slot, a.text)
	}
	c.index = idx
	e.log.Info("captions read for keywords", "path", e.store.Path(), "captions", idx.Len(), "took", time.Since(began))
	return nil
}

// eachCaption calls fn with slot and caption of all records, a batch at a
// time. No transaction is open during fn.
func (e *Engine) eachCaption(ctx context.Context, fn func(list []caption, total int)) error {
	list := make([]caption, 0, buildBatch)
	for after, more := "", true; more; {
		if err := ctx.Err(); err != nil {
			return err
		}
		list, more = list[:0], false
		total := 0
		err := e.store.View(func(tx *storage.Tx) error {
			total = tx.RecordCount()
			for rec, err := range tx.Records(after) {
				if err != nil {
					return err
				}
				list = append(list, caption{rec.Slot, rec.Caption})
				if len(list) == buildBatch {
					after, more = rec.ID, true
					return nil
				}
			}
			return nil
		})
		if err != nil {
			return err
		}
		fn(list, total)
	}
	return nil
}
