package local

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/clipdb/clipdb/db/engine"
	"github.com/clipdb/clipdb/index"
	"github.com/clipdb/clipdb/index/hnsw"
	"github.com/clipdb/clipdb/storage"
)

// previewLeast is from how many vectors on a graph is read in the background,
// while its plane answers. Fewer are there in less than a tenth of a second.
var previewLeast = 50_000

// preview puts the plane of a checkpoint that needs no replay in the place of
// the index and reads the rest in the background, during which changes wait. It
// reports false when all must be read first.
func (e *Engine) preview(saved checkpointMeta, last uint64, count int) bool {
	if saved.Kind != HNSW || e.opts.Index.Quant.code() != index.QuantInt8 || saved.Log != last || count < previewLeast {
		return false
	}
	var early *hnsw.Preview
	err := e.store.View(func(tx *storage.Tx) (err error) {
		p := e.params(saved.Dim)
		p.Quant = index.QuantInt8
		early, err = hnsw.OpenPreview(p, func(key uint32) ([]byte, error) { return tx.Page(indexSpace, key), nil })
		return err
	})
	if err != nil {
		return false // reading all of it will say what is wrong
	}
	if early.Stats().Live != count {
		return early.Close() != nil // it holds nothing that could fail to close
	}
	e.idx, e.kind, e.deletes = early, saved.Kind, saved.Deletes
	e.writer <- struct{}{} // nobody else has the engine yet
	e.background.Go(func() {
		defer func() { <-e.writer }()
		e.finishLoading(saved, count)
	})
	return true
}

// finishLoading reads all of a checkpoint and puts it in the place of its preview;
// where it cannot be used, the index is built from the vectors. It runs under
// the writer token.
func (e *Engine) finishLoading(saved checkpointMeta, count int) {
	began := time.Now()
	idx, err := e.newIndex(saved.Kind, saved.Dim)
	if err == nil {
		err = e.store.View(func(tx *storage.Tx) error {
			return idx.Restore(func(key uint32) ([]byte, error) { return tx.Page(indexSpace, key), nil })
		})
		if live := idx.Stats().Live; err == nil && live != count {
			err = fmt.Errorf("the index holds %d vectors, the file %d", live, count)
		}
		if err != nil {
			err = errors.Join(err, idx.Close())
		}
	}
	if err == nil {
		e.tell(engine.Event{Kind: engine.EventRestore, Done: count, Total: count, Finished: true}, began)
		e.replaceIndex(idx, saved.Kind)
		e.fresh, e.deletes = false, saved.Deletes
		return
	}
	reason := err.Error()
	e.log.Warn("index checkpoint not usable; building the index from the vectors", "path", e.store.Path(), "reason", reason)
	if err := e.rebuild(context.Background(), saved.Kind, reason); err != nil {
		// The preview goes on answering. The first change tries again.
		e.log.Error("the index cannot be built", "path", e.store.Path(), "error", err)
		return
	}
	e.tail.Add(1) // so that Close writes it
}
