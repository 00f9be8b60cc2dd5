package local

import (
	"context"
	"time"

	"github.com/clipdb/clipdb/db/engine"
)

// Compact implements engine.Engine. Where the index still knows of deleted
// vectors it is built anew from those that are left. Searches go on
// meanwhile, changes wait.
func (e *Engine) Compact(ctx context.Context) (err error) {
	if err := e.enter(ctx); err != nil {
		return err
	}
	defer e.leave()
	if e.opts.ReadOnly {
		return engine.ErrReadOnly
	}
	select {
	case e.writer <- struct{}{}:
		defer func() { <-e.writer }()
	case <-ctx.Done():
		return ctx.Err()
	}
	began := time.Now()
	defer func() {
		e.tell(engine.Event{Kind: engine.EventCompact, Finished: true, Err: err}, began)
	}()
	if e.idx != nil {
		kind := e.choose(e.kind, e.idx.Stats().Live)
		if e.kind != Flat && e.opts.Index.Kind == Auto && e.idx.Stats().Live <= FlatLimit/2 {
			kind = Flat // it has shrunk for good
		}
		if kind != e.kind || e.deletes || e.stuck {
			if err := e.rebuild(ctx, kind, "compaction"); err != nil {
				return seam(err)
			}
		}
		if err := e.checkpoint(); err != nil {
			return seam(err)
		}
	}
	if err := e.redactAudit(); err != nil {
		return seam(err)
	}
	return seam(e.store.Compact(ctx))
}
