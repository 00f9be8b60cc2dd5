package db

import (
	"context"
	"errors"
	"image"
	"iter"
	"sync"
	"time"

	"github.com/clipdb/clipdb/encoder"
)

// The stages of InsertAll, each fed by the one before:
//
//	the sequence -> workers (read, decode, describe) -> encode -> commit
//
// Workers finish in any order; a second channel carries the jobs in the order
// of the sequence to the encoding stage, which waits for each. So equal runs
// give equal files, and of two equal ids the first wins.
//
// The channels are short on purpose: a decoded picture may take hundreds of
// megabytes.

// When the encoding stage stops collecting.
const (
	maxGroupPixels = 64_000_000
	maxGroupJobs   = 256
	groupWait      = 100 * time.Millisecond
)

type job struct {
	item   Item
	result ItemResult
	p      *prepared
	done   chan struct{} // closed when a worker is through with it
	drop   bool          // the run ended before the item was stored
}

type batch struct {
	d      *DB
	o      BatchOptions
	cancel context.CancelCauseFunc
	start  time.Time
	report BatchReport // of the commit stage, until run returns

	rate     float64
	lastDone int
	last     time.Time
}

func newBatch(d *DB, o BatchOptions) *batch {
	now := time.Now()
	return &batch{d: d, o: o, start: now, last: now}
}

func (b *batch) run(ctx context.Context, items iter.Seq[Item]) error {
	inner, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	b.cancel = cancel
	work := make(chan *job)
	ordered := make(chan *job, b.o.Workers)
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
	wg.Go(func() { b.encodeStage(inner, ordered, encoded) })
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
	b.settle(ctx, j, err)
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

// encodeStage gathers prepared jobs and gives their pictures to the model.
func (b *batch) encodeStage(ctx context.Context, ordered <-chan *job, encoded chan<- []*job) {
	defer close(encoded)
	var group []*job
	images, pixels := 0, 0
	timer := time.NewTimer(time.Hour)
	defer timer.Stop()
	flush := func() {
		if len(group) > 0 {
			b.encode(ctx, group)
			encoded <- group
		}
		group, images, pixels = nil, 0, 0
	}
	var waiting *job
	for {
		in, done := ordered, (<-chan struct{})(nil)
		if waiting != nil {
			in, done = nil, waiting.done
		}
		select {
		case j, ok := <-in:
			if !ok {
				flush()
				return
			}
			waiting = j
		case <-done:
			if len(group) == 0 {
				timer.Reset(groupWait)
			}
			group = append(group, waiting)
			if rgb := waiting.rgb(); rgb != nil {
				images++
				pixels += rgb.Bounds().Dx() * rgb.Bounds().Dy()
			}
			waiting = nil
			if images >= b.o.BatchSize || pixels >= maxGroupPixels || len(group) >= maxGroupJobs {
				flush()
			}
		case <-timer.C:
			flush()
		}
	}
}

// rgb is the picture that the model has still to see, or nil.
func (j *job) rgb() image.Image {
	if j.p == nil || j.p.picture == nil || j.p.record.Vector != nil {
		return nil
	}
	return j.p.picture.rgb
}

// encode fills in the vectors of a group. When the model refuses the group it
// is asked for each picture alone, so that one cannot spoil the others.
func (b *batch) encode(ctx context.Context, group []*job) {
	var jobs []*job
	var images []image.Image
	for _, j := range group {
		if rgb := j.rgb(); rgb != nil {
			jobs, images = append(jobs, j), append(images, rgb)
		}
	}
	if len(jobs) == 0 {
		return
	}
	vs, err := b.d.images(ctx, b.d.enc(), images)
	for i, j := range jobs {
		if err == nil {
			j.p.record.Vector = vs[i]
		} else if one := err; true {
			var v [][]float32
			if len(jobs) > 1 && ctx.Err() == nil && !endsRun(err) {
				v, one = b.d.images(ctx, b.d.enc(), images[i:i+1])
			}
			if one == nil {
				j.p.record.Vector = v[0]
			}
			b.settle(ctx, j, one)
		}
		if j.p != nil {
			j.p.picture = nil // the pixels are not needed any more
		}
	}
}
