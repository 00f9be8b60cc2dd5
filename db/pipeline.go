package db

import (
	"context"
	"errors"
	"iter"
	"sync"
	"time"

	"github.com/clipdb/clipdb/encoder"
)

// The stages of InsertAll, each fed by the one before:
//
//	the sequence -> workers (read, decode, describe, resize) -> gather -> encode -> commit
//
// Workers finish in any order; a second channel carries the jobs in the order
// of the sequence to the gathering stage, which waits for each. So equal runs
// give equal files, and of two equal ids the first wins.
//
// While the model works on a group the next one is made ready, and workers go
// on beyond it, so that the model need not wait unless decoding is what takes
// long. A budget of bytes bounds how far ahead they are: a decoded picture may
// take hundreds of megabytes.

type job struct {
	item   Item
	result ItemResult
	p      *prepared
	held   int64         // bytes of the budget; see budget.hold
	done   chan struct{} // closed when a worker is through with it
	drop   bool          // the run ended before the item was stored
}

type batch struct {
	d      *DB
	o      BatchOptions
	cancel context.CancelCauseFunc
	start  time.Time
	memory *budget
	report BatchReport // of the commit stage, until run returns

	encoding time.Duration // within the model; of the encoding stage, until run returns

	rate     float64
	lastDone int
	last     time.Time
}

func newBatch(d *DB, o BatchOptions) *batch {
	now := time.Now()
	return &batch{d: d, o: o, start: now, last: now, memory: newBudget(o.MaxBytes)}
}

func (b *batch) run(ctx context.Context, items iter.Seq[Item]) error {
	inner, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	b.cancel = cancel
	work := make(chan *job)
	ordered := make(chan *job, b.o.Workers+b.o.BatchSize)
	groups := make(chan []*job)
	encoded := make(chan []*job, 1)
	var wg sync.WaitGroup
	for range b.o.Workers {
		wg.Go(func() {
			for j := range work {
				b.prepare(inner, j)
				close(j.done)
			}
		})
	}
	wg.Go(func() { b.gatherStage(ordered, groups) })
	wg.Go(func() { b.encodeStage(inner, groups, encoded) })
	wg.Go(func() { b.commitStage(context.WithoutCancel(ctx), encoded) })
	func() {
		// Also when the sequence panics.
		defer wg.Wait()
		defer close(ordered)
		defer close(work)
		b.feed(inner, items, work, ordered)
	}()
	if err := ctx.Err(); err != nil {
		return err
	}
	if err := context.Cause(inner); err != nil {
		return err
	}
	return nil
}

// feed reads the sequence.
func (b *batch) feed(ctx context.Context, items iter.Seq[Item], work, ordered chan<- *job) {
	index := 0
	for item := range items {
		j := &job{item: item, done: make(chan struct{})}
		j.result = ItemResult{Index: index, ID: item.ID, Source: item.source()}
		index++
		if !b.memory.admit(ctx) {
			return
		}
		select {
		case ordered <- j:
		case <-ctx.Done():
			return
		}
		select {
		case work <- j:
		case <-ctx.Done():
			j.drop = true
			close(j.done)
			return
		}
	}
}

// prepare is the work of the workers.
func (b *batch) prepare(ctx context.Context, j *job) {
	p, err := b.d.prepare(ctx, &j.item, b.o.OnExists != Replace, nil)
	if p != nil {
		j.result.ID = p.record.ID
	}
	j.item.Image = nil
	j.p = p
	if err == nil && j.pending() {
		err = p.ahead()
	}
	b.settle(ctx, j, err)
	b.memory.hold(j, j.size())
}

// settle writes an error into the job, or ends the run when it is not the
// item's own.
func (b *batch) settle(ctx context.Context, j *job, err error) {
	switch {
	case err == nil:
	case errors.Is(err, ErrExists) && b.o.OnExists == Skip:
		j.result.Status = Skipped
	case ctx.Err() != nil:
		j.drop = true
	case endsRun(err):
		b.cancel(j.item.failed(err))
		j.drop = true
	default:
		j.result.Err = err
	}
	if err != nil {
		j.p = nil
	}
}

// endsRun reports whether every other item would meet the error too.
func endsRun(err error) bool {
	for _, e := range []error{ErrClosed, ErrReadOnly, ErrCorrupt, ErrNoEncoder, ErrNoRuntime, ErrModelMismatch, encoder.ErrClosed} {
		if errors.Is(err, e) {
			return true
		}
	}
	return false
}
