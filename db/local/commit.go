package local

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"

	"github.com/clipdb/clipdb/db/engine"
	"github.com/clipdb/clipdb/storage"
)

// Writers that meet share one transaction, and so one fsync. Each puts its
// operation into a queue. The first leads: it takes the queue, as it is when
// the file is free, into one transaction, and hands the lead to the first
// operation that came meanwhile. No goroutine exists for this.

// op is one write of a caller.
type op struct {
	ctx context.Context
	// run writes into the transaction and notes in change what the index has
	// to follow. It may run again, with another transaction, when that failed.
	run  func(tx *storage.Tx, c *change) error
	size int // rough bytes

	wake chan bool // true: lead; false: done
	err  error
}

// queue holds the operations that wait.
type queue struct {
	mu   sync.Mutex
	ops  []*op
	busy bool // somebody leads
}

// One transaction takes at most so many operations and bytes.
const (
	maxGroupOps   = 1024
	maxGroupBytes = 64 << 20
)

// commit makes o durable and searchable.
func (e *Engine) commit(o *op) error {
	if e.opts.ReadOnly {
		return engine.ErrReadOnly
	}
	o.wake = make(chan bool, 1)
	q := &e.queue
	q.mu.Lock()
	q.ops = append(q.ops, o)
	lead := !q.busy
	q.busy = true
	q.mu.Unlock()
	if !lead {
		select {
		case lead = <-o.wake:
		case <-o.ctx.Done():
			if q.leave(o) {
				return o.ctx.Err()
			}
			lead = <-o.wake
		}
		if !lead {
			return o.err
		}
	}
	return e.lead(o)
}

// leave takes o out of the queue, unless a leader has taken it or it is to
// lead itself.
func (q *queue) leave(o *op) bool {
	q.mu.Lock()
	defer q.mu.Unlock()
	i := slices.Index(q.ops, o)
	if i < 0 || len(o.wake) > 0 {
		return false
	}
	q.ops = slices.Delete(q.ops, i, i+1)
	return true
}

// lead commits the head of the queue, which is o and what came with it.
func (e *Engine) lead(o *op) error {
	q := &e.queue
	select {
	case e.writer <- struct{}{}:
	case <-o.ctx.Done():
		q.mu.Lock()
		q.ops = q.ops[1:]
		q.handOver()
		q.mu.Unlock()
		return o.ctx.Err()
	}
	q.mu.Lock()
	n, size := 0, 0
	for n < len(q.ops) && n < maxGroupOps && (n == 0 || size+q.ops[n].size <= maxGroupBytes) {
		size += q.ops[n].size
		n++
	}
	group := slices.Clone(q.ops[:n])
	q.ops = slices.Delete(q.ops, 0, n)
	q.mu.Unlock()

	e.write(group)
	e.grow()
	<-e.writer

	q.mu.Lock()
	q.handOver()
	q.mu.Unlock()
	for _, other := range group[1:] {
		other.wake <- false
	}
	e.tend()
	return o.err
}

// handOver makes the next operation lead. It must run under mu.
func (q *queue) handOver() {
	if len(q.ops) == 0 {
		q.busy = false
		return
	}
	q.ops[0].wake <- true
}

// write commits a group under the writer token and fills in its errors. When
// the group cannot be committed together, each operation is tried alone.
func (e *Engine) write(group []*op) {
	group = slices.DeleteFunc(slices.Clone(group), func(o *op) bool {
		o.err = o.ctx.Err()
		return o.err != nil
	})
	if len(group) == 0 {
		return
	}
	committed, err := e.writeOnce(group)
	if len(group) == 1 || committed || errors.Is(err, storage.ErrFailed) || errors.Is(err, storage.ErrClosed) {
		for _, o := range group {
			o.err = seam(err)
		}
		return
	}
	for _, o := range group {
		_, err := e.writeOnce([]*op{o})
		o.err = seam(err)
	}
}

func (e *Engine) writeOnce(group []*op) (committed bool, err error) {
	e.applying.Lock()
	defer e.applying.Unlock()
	defer func() {
		// Others wait for this writer: they must not wait for ever.
		if p := recover(); p != nil {
			err = fmt.Errorf("writing %s panicked: %v", e.store.Path(), p)
		}
	}()
	var c change
	err = e.store.Update(func(tx *storage.Tx) error {
		c = change{spec: e.Spec(), limit: tx.SlotLimit()}
		for _, o := range group {
			if err := o.run(tx, &c); err != nil {
				return err
			}
		}
		if c.reused {
			e.reuse.Add(1)
		}
		return nil
	})
	if err != nil {
		return false, err
	}
	return true, e.apply(&c)
}
