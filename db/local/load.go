package local

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/clipdb/clipdb/db/engine"
	"github.com/clipdb/clipdb/index"
	"github.com/clipdb/clipdb/index/hnsw"
	"github.com/clipdb/clipdb/index/scan"
	"github.com/clipdb/clipdb/storage"
)

// Named values and pages of the file.
const (
	specKey    = "spec"
	indexKey   = "index"
	indexSpace = "index"
)

// checkpointMeta says what the index pages of the file hold.
type checkpointMeta struct {
	Version        int    `json:"version"`
	Kind           Kind   `json:"kind"`
	Dim            int    `json:"dim"`
	M              int    `json:"m,omitempty"`
	EfConstruction int    `json:"ef_construction,omitempty"`
	Quant          Quant  `json:"quant,omitempty"` // of hnsw; int8 when left out
	Log            uint64 `json:"log"`             // last log entry that the pages know of
	Deletes        bool   `json:"deletes"`         // the pages may hold something of deleted vectors
}

const checkpointVersion = 1

// sane reports whether the options could have been ours. An index can be built
// again, so there is nothing more to it than forgetting the others.
func (m *checkpointMeta) sane() bool {
	return (IndexOptions{Kind: m.Kind, Quant: m.Quant}).checkQuant() == nil &&
		m.M >= 0 && m.M != 1 && m.M <= index.MaxM && m.EfConstruction >= 0 && m.EfConstruction <= index.MaxEf
}

// seed of layer draws and rotations: one for all, so that equal inserts give
// equal graphs.
const seed = 1

func (e *Engine) params(dim int) index.Params {
	o := e.opts.Index
	return index.Params{Dim: dim, M: o.M, EfConstruction: o.EfConstruction, EfSearch: o.EfSearch, Recall: o.Recall, Seed: seed, Vectors: e.vecs}
}

func (e *Engine) newIndex(kind Kind, dim int) (index.Index, error) {
	return newIndexOf(kind, e.params(dim), e.opts.Index.Quant)
}

func newIndexOf(kind Kind, p index.Params, quant Quant) (index.Index, error) {
	switch kind {
	case Flat:
		return index.NewFlat(p)
	case HNSW:
		p.Quant = quant.code()
		return hnsw.New(p)
	case Scan:
		p.Quant = index.QuantBinary
		return scan.New(p)
	case Coder:
		return newCoder(p)
	}
	return nil, fmt.Errorf("no index is called %q", kind)
}

// meta describes the index as a checkpoint would.
func (e *Engine) meta(kind Kind, dim int) (checkpointMeta, error) {
	m := checkpointMeta{Version: checkpointVersion, Kind: kind, Dim: dim}
	if kind == Flat || kind == Scan {
		return m, nil
	}
	if q := e.opts.Index.Quant; kind == HNSW && q != QuantInt8 {
		m.Quant = q
	}
	p, err := e.params(dim).WithDefaults()
	m.M, m.EfConstruction = p.M, p.EfConstruction
	return m, err
}

// choose says which index a database of n vectors gets, when the file holds a
// checkpoint of stored ("" for none).
func (e *Engine) choose(stored Kind, n int) Kind {
	switch want := e.opts.Index.Kind; {
	case want != Auto:
		return want
	case stored == HNSW || (stored == Scan || stored == Coder) && e.opts.Index.Quant != "":
		return HNSW // codes were named, and the graph has them
	case stored == Scan || stored == Coder:
		return stored
	case n > FlatLimit:
		return HNSW
	}
	return Flat
}

// fitMemory keeps no vectors in memory for codes that never ask for them.
func (e *Engine) fitMemory() {
	if q := e.opts.Index.Quant; q == QuantInt8Only || q == QuantFloat32 {
		e.vecs.keepNone()
	}
}

// load reads spec and index from the file.
func (e *Engine) load(ctx context.Context) error {
	var spec engine.Spec
	var saved checkpointMeta
	var count int
	var last uint64
	err := e.store.View(func(tx *storage.Tx) error {
		if b := tx.Meta(specKey); b != nil {
			if err := json.Unmarshal(b, &spec); err != nil || spec.Dim < 1 || spec.Dim > engine.MaxDim {
				return fmt.Errorf("%w: the model that it was written with cannot be read", engine.ErrCorrupt)
			}
		}
		if b := tx.Meta(indexKey); b != nil && (json.Unmarshal(b, &saved) != nil || !saved.sane()) {
			saved = checkpointMeta{}
		}
		count, last = tx.VectorCount(), tx.LastLog()
		return nil
	})
	if err != nil {
		return err
	}
	e.spec.Store(&spec)
	e.fitMemory()
	if !spec.Bound() {
		return nil
	}
	kind := e.choose(saved.Kind, count)
	if o := &e.opts.Index; kind == saved.Kind && kind != Flat {
		// What is left open stays as the file has it.
		o.M, o.EfConstruction = cmp.Or(o.M, saved.M), cmp.Or(o.EfConstruction, saved.EfConstruction)
		o.Quant = cmp.Or(o.Quant, saved.Quant)
	}
	e.fitMemory()
	want, err := e.meta(kind, spec.Dim)
	if err != nil {
		return err
	}
	reason := ""
	switch {
	case kind == Flat:
		// Reading the vectors is all there is to it.
	case saved.Version == 0:
		reason = "the file holds no index yet"
	case saved.Version != checkpointVersion, saved.Kind != want.Kind, saved.Dim != want.Dim, saved.M != want.M, saved.Quant != want.Quant, saved.EfConstruction != want.EfConstruction:
		reason = "the index in the file was made with other options"
	case e.preview(saved, last, count):
		return nil
	default:
		err := e.restore(ctx, saved, last, count)
		if err == nil || ctx.Err() != nil {
			return err
		}
		reason = err.Error()
		e.log.Warn("index checkpoint not usable; building the index from the vectors", "path", e.store.Path(), "reason", err)
	}
	e.tail.Store(int64(last - min(last, saved.Log)))
	idx, err := e.build(ctx, kind, spec.Dim, reason)
	if err != nil {
		return err
	}
	e.idx, e.kind, e.fresh = idx, kind, true
	if kind != Flat {
		e.tail.Add(1) // so that Close writes it
	}
	return nil
}

// logTail is what the log says about slots after a checkpoint, in effect: a
// slot is released only by a checkpoint, so each was added at most once and
// deleted at most once.
type logTail struct {
	added   []uint32
	deleted map[uint32]bool
	entries int
}

func readTail(tx *storage.Tx, after, last uint64) (logTail, error) {
	t := logTail{deleted: map[uint32]bool{}}
	next := after + 1
	for entry, err := range tx.Log(after) {
		if err != nil {
			return t, err
		}
		if entry.Seq != next {
			return t, fmt.Errorf("the log goes on with entry %d, not %d", entry.Seq, next)
		}
		next++
		t.entries++
		switch entry.Op {
		case storage.LogAdd:
			t.added = append(t.added, entry.Slot)
		case storage.LogDelete:
			t.deleted[entry.Slot] = true
		}
	}
	if next != last+1 {
		return t, fmt.Errorf("the log ends with entry %d, not %d", next-1, last)
	}
	return t, nil
}

// restore loads the checkpoint and replays the log. Any error means that the
// index has to be built anew.
func (e *Engine) restore(ctx context.Context, saved checkpointMeta, last uint64, count int) error {
	began := time.Now()
	idx, err := e.newIndex(saved.Kind, saved.Dim)
	if err != nil {
		return err
	}
	var tail logTail
	err = e.store.View(func(tx *storage.Tx) error {
		if tail, err = readTail(tx, saved.Log, last); err != nil {
			return err
		}
		return e.vecs.during(tx, tail.deleted, saved.Dim, func() error {
			return idx.Restore(func(key uint32) ([]byte, error) { return tx.Page(indexSpace, key), nil })
		})
	})
	if err == nil {
		e.tell(engine.Event{Kind: engine.EventRestore, Done: idx.Stats().Live, Total: count, Finished: true}, began)
		err = e.replay(ctx, idx, tail)
	}
	if live := idx.Stats().Live; err == nil && live != count {
		err = fmt.Errorf("the index holds %d vectors, the file %d", live, count)
	}
	if err != nil {
		return errors.Join(err, idx.Close())
	}
	e.idx, e.kind, e.deletes = idx, saved.Kind, saved.Deletes || len(tail.deleted) > 0
	e.tail.Store(int64(tail.entries))
	return nil
}

// replay brings a restored index up to date.
func (e *Engine) replay(ctx context.Context, idx index.Index, tail logTail) error {
	if tail.entries == 0 {
		return nil
	}
	began := time.Now()
	deleted := make([]uint32, 0, len(tail.deleted))
	for s := range tail.deleted {
		deleted = append(deleted, s)
	}
	idx.Delete(deleted...)
	var slots []uint32
	for _, s := range tail.added {
		if !tail.deleted[s] {
			slots = append(slots, s)
		}
	}
	for done := 0; done < len(slots); {
		n := min(buildBatch, len(slots)-done)
		batch := slots[done : done+n]
		vecs, err := e.readVectors(batch)
		if err != nil {
			return err
		}
		if err := idx.Add(ctx, batch, vecs); err != nil {
			return err
		}
		done += n
		e.tell(engine.Event{Kind: engine.EventReplay, Done: done, Total: len(slots)}, began)
	}
	e.tell(engine.Event{Kind: engine.EventReplay, Done: len(slots), Total: len(slots), Finished: true}, began)
	return nil
}

// readVectors reads the vectors of slots, all of which must have one.
func (e *Engine) readVectors(slots []uint32) ([][]float32, error) {
	vecs := make([][]float32, len(slots))
	err := e.store.View(func(tx *storage.Tx) error {
		for i, s := range slots {
			v, ok, err := tx.Vector(s, nil)
			if err != nil {
				return err
			}
			if !ok {
				return fmt.Errorf("%w: slot %d has no vector", engine.ErrCorrupt, s)
			}
			vecs[i] = v
		}
		return nil
	})
	return vecs, err
}
