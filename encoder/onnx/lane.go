package onnx

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/clipdb/clipdb/encoder"
)

// lane runs one tower. Calls of any number of goroutines put items into its
// queue; a single worker takes as many as fit into one run. Nothing waits for
// company: while a run is under way the next one fills up by itself.
type lane struct {
	exec executor
	max  int // items in one run

	mu      sync.Mutex
	queue   []*item
	current *run
	closed  bool
	runs    int64
	items   int64
	busy    time.Duration // within runs

	wake    chan struct{} // one token: the queue may have changed
	stopped chan struct{} // closed when the worker has left
}

// executor computes the vectors of a batch. It is called by one goroutine at
// a time, but terminate may come from another.
type executor interface {
	// run writes len(batch) rows to the slice it returns, which stays valid
	// until the next call.
	run(batch []*item) (rows []float32, err error)
	terminate() // makes a run under way fail soon
	resume()    // undoes terminate
	close()
}

// item is one text or image on its way through the lane. After submit it
// belongs to the lane, also when its call gives up.
type item struct {
	call   *call
	ids    []int32   // text: token ids
	real   int       // how many of them are no padding; 0: all
	pixels []float32 // image: tensor
	vector []float32 // where the result goes
	left   bool      // the call gave up
}

// call is a group of items that one caller waits for.
type call struct {
	pending int           // items not yet answered
	err     error         // of the first item that failed
	done    chan struct{} // closed when pending reaches 0
	slots   chan struct{} // when not nil, one token is taken out for each answer
}

// run is a batch inside the tower.
type run struct {
	batch      []*item
	live       int // items whose call still waits
	terminated bool
}

func newLane(exec executor, batch int) *lane {
	l := &lane{exec: exec, max: batch, wake: make(chan struct{}, 1), stopped: make(chan struct{})}
	go l.work()
	return l
}

func newCall(n int) *call { return &call{pending: n, done: make(chan struct{})} }

// submit queues items of a call.
func (l *lane) submit(items ...*item) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.closed {
		return encoder.ErrClosed
	}
	l.queue = append(l.queue, items...)
	select {
	case l.wake <- struct{}{}:
	default:
	}
	return nil
}

// wait blocks until every item of c is answered. When ctx ends first, items
// still queued are taken out, a run that nobody else waits for is ended, and
// wait returns ctx.Err().
func (l *lane) wait(ctx context.Context, c *call) error {
	select {
	case <-c.done:
	case <-ctx.Done():
		l.abandon(c)
		return ctx.Err()
	}
	return c.err
}

func (l *lane) abandon(c *call) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.queue = slices.DeleteFunc(l.queue, func(it *item) bool {
		if it.call == c {
			it.release()
			return true
		}
		return false
	})
	if l.current == nil {
		return
	}
	for _, it := range l.current.batch {
		if it.call == c && !it.left {
			it.left = true
			l.current.live--
		}
	}
	if l.current.live == 0 && !l.current.terminated {
		l.current.terminated = true
		l.exec.terminate()
	}
}

// close answers what is queued and stops the worker.
func (l *lane) close() {
	l.mu.Lock()
	if !l.closed {
		l.closed = true
		close(l.wake)
	}
	l.mu.Unlock()
	<-l.stopped
}

func (l *lane) work() {
	defer close(l.stopped)
	defer l.exec.close()
	for {
		if l.step() {
			continue
		}
		if _, open := <-l.wake; !open && !l.step() {
			return
		}
	}
}

// step runs one batch and reports whether there was one.
func (l *lane) step() bool {
	l.mu.Lock()
	batch := l.take()
	if len(batch) == 0 {
		l.mu.Unlock()
		return false
	}
	r := &run{batch: batch, live: len(batch)}
	l.current = r
	l.mu.Unlock()

	begin := time.Now()
	rows, err := protected(l.exec, r.batch)

	l.mu.Lock()
	defer l.mu.Unlock()
	l.current = nil
	l.runs, l.items, l.busy = l.runs+1, l.items+int64(len(batch)), l.busy+time.Since(begin)
	if r.terminated {
		l.exec.resume()
	}
	for i, it := range r.batch {
		if !it.left {
			l.answer(it, rows, i, len(r.batch), err)
		}
		it.release()
	}
	return true
}

// take removes the next batch from the queue: its head, and what else suits
// it. The head always goes, so that nobody starves. l.mu is held.
func (l *lane) take() []*item {
	var batch []*item
	l.queue = slices.DeleteFunc(l.queue, func(it *item) bool {
		if len(batch) == l.max || len(batch) > 0 && !suits(batch[0], it) {
			return false
		}
		batch = append(batch, it)
		return true
	})
	return batch
}

// suits reports whether two items may share a run. A run is padded to its
// longest text, and sharing gains less than a factor of two, so a short text
// is better off without a long one.
func suits(a, b *item) bool {
	short, long := min(len(a.ids), len(b.ids)), max(len(a.ids), len(b.ids))
	return long <= 2*short+2
}

// protected turns a panic of the executor into an error.
func protected(exec executor, batch []*item) (rows []float32, err error) {
	defer func() {
		if p := recover(); p != nil {
			rows, err = nil, fmt.Errorf("tower: %v", p)
		}
	}()
	return exec.run(batch)
}

// answer hands an item its row of the result. l.mu is held.
func (l *lane) answer(it *item, rows []float32, i, n int, err error) {
	c := it.call
	if err == nil {
		dim := len(rows) / n
		copy(it.vector, rows[i*dim:(i+1)*dim])
		err = normalise(it.vector)
	}
	if err != nil && c.err == nil {
		c.err = err
	}
	if c.slots != nil {
		<-c.slots // put in before the item was submitted
	}
	if c.pending--; c.pending == 0 {
		close(c.done)
	}
}

// release gives the buffers of an item back.
func (it *item) release() {
	if it.pixels != nil {
		putPixels(it.pixels)
		it.pixels = nil
	}
}
