package local

import (
	"context"
	"fmt"

	"github.com/clipdb/clipdb/db/engine"
)

// change is what a transaction means for the index and the columns.
type change struct {
	spec      engine.Spec // as of the operations so far
	bound     bool        // spec is new
	described bool        // spec tells more about the same model
	limit     uint32      // slots below it existed before
	reused    bool        // one of those was handed out again

	added   []addition
	place   map[uint32]int // where in added a slot is
	deleted []uint32       // slots that the index holds and has to forget
	gone    []uint32       // slots that lost their record: deleted, and some of this very change
	renewed []addition     // records that kept slot and vector and changed words
	log     int            // entries appended
}

type addition struct {
	slot    uint32
	vector  []float32 // nil when the record went again
	attrs   engine.Attrs
	caption string
}

func (c *change) add(slot uint32, r *engine.Record) {
	if c.place == nil {
		c.place = map[uint32]int{}
	}
	c.reused = c.reused || slot < c.limit
	c.place[slot] = len(c.added)
	c.added = append(c.added, addition{slot, r.Vector, r.Attrs, r.Caption})
}

// remove notes that the record of a slot is gone. A slot that this very change
// has filled never gets to the index.
func (c *change) remove(slot uint32) {
	c.gone = append(c.gone, slot)
	if i, ok := c.place[slot]; ok {
		c.added[i].vector = nil
		return
	}
	c.deleted = append(c.deleted, slot)
}

// apply makes index, columns and captions follow a commit. What is committed is stored
// whatever happens here, so when the index refuses, it is built anew.
func (e *Engine) apply(c *change) error {
	if c.bound {
		if err := e.begin(c.spec); err != nil {
			return err
		}
	} else if c.described {
		spec := c.spec
		e.spec.Store(&spec)
	}
	if e.idx == nil {
		return nil
	}
	slots := make([]uint32, 0, len(c.added))
	vecs := make([][]float32, 0, len(c.added))
	for _, a := range c.added {
		if a.vector != nil {
			slots, vecs = append(slots, a.slot), append(vecs, a.vector)
		}
	}
	if len(c.gone)+len(c.renewed) > 0 {
		e.turn.Add(1)
		defer e.turn.Add(1)
	}
	e.vecs.drop(c.deleted)
	if e.kind != Flat {
		e.vecs.set(slots, vecs)
	}
	e.followers(c)
	e.tail.Add(int64(c.log))
	e.deletes = e.deletes || len(c.deleted) > 0
	if err := e.follow(slots, vecs, c.deleted); err != nil {
		e.log.Error("the index refused a change and is built anew", "path", e.store.Path(), "error", err)
		if err := e.rebuild(context.Background(), e.kind, err.Error()); err != nil {
			return fmt.Errorf("the change is stored, but the index cannot be built; open the database again: %w", err)
		}
	}
	return nil
}

// followers makes what is kept of attributes and captions follow a commit.
func (e *Engine) followers(c *change) {
	e.cols.apply(c)
	e.words.apply(c)
}

// follow changes the index. A panic of it is an error like others.
func (e *Engine) follow(slots []uint32, vecs [][]float32, deleted []uint32) (err error) {
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("index %s panicked: %v", e.kind, p)
		}
	}()
	if len(slots) > 0 {
		if err := e.idx.Add(context.Background(), slots, vecs); err != nil {
			return err
		}
	}
	e.idx.Delete(deleted...)
	return nil
}

// begin takes up a new spec: the database has no records.
func (e *Engine) begin(spec engine.Spec) error {
	kind := e.choose(Auto, 0)
	idx, err := e.newIndex(kind, spec.Dim)
	if err != nil {
		return err
	}
	e.spec.Store(&spec)
	e.vecs.forgetAll()
	e.replaceIndex(idx, kind)
	return nil
}

// grow changes a flat index into a graph when it got large, if the kind is
// left to us. It must run under the writer token.
func (e *Engine) grow() {
	if e.kind != Flat || e.idx == nil || e.choose(Flat, e.idx.Stats().Live) == Flat {
		return
	}
	// Not told as a rebuild: it is the second's work of a growing database.
	if err := e.rebuild(context.Background(), HNSW, ""); err != nil {
		e.log.Error("the index cannot be changed into a graph; going on with the flat one", "path", e.store.Path(), "error", err)
	}
}
