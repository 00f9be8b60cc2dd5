package local

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"github.com/clipdb/clipdb/db/engine"
	"github.com/clipdb/clipdb/index"
	"github.com/clipdb/clipdb/storage"
)

// Engine keeps a database in one file. It implements engine.Engine.
//
// Locks are taken in this order: life, writer, applying, indexMu, and the
// locks of vectors, columns and captions last. No transaction of the file begins while
// another is open in the same goroutine.
type Engine struct {
	store *storage.Store
	opts  Options
	log   *slog.Logger
	vecs  *vectors
	cols  *columns
	words *captions

	// life is read-held by every call; Close takes it and so waits for them.
	life   sync.RWMutex
	closed bool

	// writer holds a token for whoever changes file or index: a leader of
	// commits, a checkpoint, Compact.
	writer chan struct{}
	queue  queue

	// applying is held from before a commit until the index has followed, so
	// that whoever read-holds it sees file and index agree.
	applying sync.RWMutex

	// reuse rises before a commit that gives a slot to another record.
	reuse atomic.Uint64

	// turn is odd while columns and index follow a change that took
	// something away.
	turn atomic.Uint64

	indexMu sync.RWMutex // held for reading while idx is used, taken to replace it
	idx     index.Index  // nil before the first Bind
	kind    Kind         // of idx

	spec atomic.Pointer[engine.Spec]

	// The following change under the writer token.
	fresh   bool         // the file holds no pages of idx: a checkpoint writes all
	stuck   bool         // a checkpoint failed in a way that idx cannot know of
	deletes bool         // idx may still know something of deleted vectors
	tail    atomic.Int64 // changes after the checkpoint
	audit   []byte       // key of the audit log's hashes; nil while the log is off

	sampled sampled

	background sync.WaitGroup
	tending    atomic.Bool // a checkpoint is running or about to
}

var _ engine.Engine = (*Engine)(nil)

// Open opens the database file at path, and makes it when it does not exist.
// It loads the index, which takes time when there is much to replay or to
// build; Options.Listener hears of it. A large graph that was closed in order is
// read in the background, while its 1-bit codes answer searches; changes wait
// until it is there.
func Open(path string, opts *Options) (*Engine, error) {
	o, err := opts.withDefaults()
	if err != nil {
		return nil, err
	}
	store, err := storage.Open(path, &storage.Options{ReadOnly: o.ReadOnly, LockTimeout: o.LockTimeout, MaxBlob: maxBlob, Logger: o.Logger})
	if err != nil {
		return nil, seam(err)
	}
	e := &Engine{store: store, opts: o, log: o.Logger, writer: make(chan struct{}, 1), cols: newColumns(), words: newCaptions()}
	e.vecs = newVectors(store, o.VectorMemory, e.damaged)
	e.spec.Store(&engine.Spec{})
	if err := errors.Join(e.openAudit(), e.load(context.Background())); err != nil {
		return nil, seam(errors.Join(err, store.Close()))
	}
	return e, nil
}

// enter begins a call; leave ends it.
func (e *Engine) enter(ctx context.Context) error {
	e.life.RLock()
	err := ctx.Err()
	if e.closed {
		err = engine.ErrClosed
	}
	if err != nil {
		e.life.RUnlock()
	}
	return err
}

func (e *Engine) leave() { e.life.RUnlock() }

// Caps implements engine.Engine.
func (e *Engine) Caps() engine.Caps {
	return engine.Caps{Name: "local", ReadOnly: e.opts.ReadOnly, Images: true, Exact: true, Backup: true, Compact: !e.opts.ReadOnly, Verify: true, Keywords: true, Reembed: true, Audit: true}
}

// Spec implements engine.Engine.
func (e *Engine) Spec() engine.Spec { return *e.spec.Load() }

// Close implements engine.Engine. It writes a checkpoint when there were
// changes.
func (e *Engine) Close() error {
	e.life.Lock()
	defer e.life.Unlock()
	if e.closed {
		return nil
	}
	e.closed = true
	e.background.Wait() // nobody is left to start another
	var err error
	if !e.opts.ReadOnly && e.tail.Load() > 0 {
		if cerr := e.checkpoint(); cerr != nil && !errors.Is(cerr, storage.ErrFailed) {
			// The log still holds the changes.
			e.log.Warn("index not written at close; the next open replays the changes", "path", e.store.Path(), "error", cerr)
		}
	}
	if e.idx != nil {
		err = e.idx.Close()
	}
	e.vecs.forgetAll()
	return seam(errors.Join(err, e.store.Close()))
}

// WriteTo implements engine.Engine.
func (e *Engine) WriteTo(w io.Writer) (int64, error) {
	if err := e.enter(context.Background()); err != nil {
		return 0, err
	}
	defer e.leave()
	// bbolt says in words only what went wrong with w.
	kept := &keptError{w: w}
	n, err := e.store.WriteTo(kept)
	if err != nil && kept.err != nil && !errors.Is(err, kept.err) {
		err = engine.Wrap(kept.err, err)
	}
	return n, seam(err)
}

// keptError remembers the error of a writer.
type keptError struct {
	w   io.Writer
	err error
}

func (k *keptError) Write(p []byte) (int, error) {
	n, err := k.w.Write(p)
	if err != nil {
		k.err = err
	}
	return n, err
}

// Warm implements engine.Engine. It reads the vectors into memory, as far as
// they may be kept.
func (e *Engine) Warm(ctx context.Context) error {
	if err := e.enter(ctx); err != nil {
		return err
	}
	defer e.leave()
	e.indexMu.RLock()
	keeps := e.idx != nil && e.kind != Flat // Flat has its own copy
	e.indexMu.RUnlock()
	if !keeps {
		return nil
	}
	return e.eachVector(ctx, func(slots []uint32, _ [][]float32) error {
		for _, s := range slots {
			e.vecs.Vector(s, nil)
		}
		return nil
	})
}

// Stats implements engine.Engine.
func (e *Engine) Stats(ctx context.Context) (engine.Stats, error) {
	if err := e.enter(ctx); err != nil {
		return engine.Stats{}, err
	}
	defer e.leave()
	st, err := e.store.Stats()
	if err != nil {
		return engine.Stats{}, seam(err)
	}
	out := engine.Stats{
		Engine: "local", Path: e.store.Path(), Format: e.store.Format(), Spec: e.Spec(), Records: st.Records,
		Bytes: engine.Bytes{
			File: st.FileBytes, Free: st.FreeBytes, Records: st.Bytes.Records, Vectors: st.Bytes.Vectors,
			Images: st.Bytes.Images, Thumbnails: st.Bytes.Thumbnails, Index: st.Bytes.Pages, Log: st.Bytes.Log,
			Reembed: st.Bytes.Next, Audit: st.Bytes.Audit,
		},
	}
	e.indexMu.RLock()
	defer e.indexMu.RUnlock()
	if e.idx != nil {
		is := e.idx.Stats()
		out.Index = engine.IndexStats{
			Kind: is.Kind, Live: is.Live, Tombstones: is.Tombstones, Tail: int(e.tail.Load()),
			BytesResident: is.BytesResident, BytesPerVector: is.BytesPerVector,
		}
		if c, ok := e.idx.(index.Calibrated); ok {
			for _, c := range c.Calibrations() {
				out.Index.Calibration = append(out.Index.Calibration, engine.Calibration{
					Side: engine.Side(c.Side), Passing: c.Passing, Live: c.Live, Queries: c.Queries, Ef: c.Ef, Recall: c.Recall,
				})
			}
		}
	}
	return out, nil
}

// damaged notes a vector that cannot be read.
func (e *Engine) damaged(err error) {
	e.log.Error("a stored vector cannot be read; Verify tells more", "path", e.store.Path(), "error", err)
}

// tell informs the listener.
func (e *Engine) tell(ev engine.Event, began time.Time) {
	if e.opts.Listener != nil {
		ev.Took = time.Since(began)
		e.opts.Listener(ev)
	}
}
