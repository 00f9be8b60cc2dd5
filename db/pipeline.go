package db

import (
	"context"
	"errors"
	"fmt"
	"image"
	"iter"
	"math"
	"sync"
	"time"

	"github.com/clipdb/clipdb/db/engine"
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

// When the commit stage writes.
const (
	maxCommitJobs  = 256
	maxCommitBytes = 32 << 20
	commitWait     = 500 * time.Millisecond
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
	vs, err := b.d.images(ctx, images)
	for i, j := range jobs {
		if err == nil {
			j.p.record.Vector = vs[i]
		} else if one := err; true {
			var v [][]float32
			if len(jobs) > 1 && ctx.Err() == nil && !endsRun(err) {
				v, one = b.d.images(ctx, images[i:i+1])
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

// commitStage gathers encoded jobs and stores them.
func (b *batch) commitStage(ctx context.Context, encoded <-chan []*job) {
	var group []*job
	size := 0
	timer := time.NewTimer(time.Hour)
	defer timer.Stop()
	flush := func() {
		b.commit(ctx, group)
		group, size = nil, 0
	}
	for {
		select {
		case jobs, ok := <-encoded:
			if !ok {
				flush()
				return
			}
			if len(group) == 0 {
				timer.Reset(commitWait)
			}
			group = append(group, jobs...)
			for _, j := range jobs {
				size += j.size()
			}
			if len(group) >= maxCommitJobs || size >= maxCommitBytes {
				flush()
			}
		case <-timer.C:
			flush()
		}
	}
}

// size is roughly what the job adds to a transaction.
func (j *job) size() int {
	if j.p == nil {
		return 0
	}
	n := 1024 + 4*len(j.p.record.Vector)
	if im := j.p.record.Image; im != nil {
		n += len(im.Original) + len(im.Thumbnail)
	}
	return n
}

// commit stores what of a group is ready, remembers what failed, and tells.
func (b *batch) commit(ctx context.Context, group []*job) {
	if len(group) == 0 {
		return
	}
	if err := b.store(ctx, group); err != nil {
		b.cancel(err)
		return // nothing of the group was stored
	}
	var failures []Failure
	for _, j := range group {
		if !j.drop && j.result.Status == Failed {
			failures = append(failures, j.failure())
		}
	}
	if len(failures) > 0 {
		if err := b.d.eng.PutFailures(ctx, failures); err != nil {
			b.cancel(fmt.Errorf("remembering items that failed: %w", err))
		}
	}
	for _, j := range group {
		if !j.drop {
			b.count(j)
		}
	}
	b.tell()
}

func (b *batch) store(ctx context.Context, group []*job) error {
	var jobs []*job
	var records []engine.Record
	for _, j := range group {
		if j.drop || j.p == nil || j.p.record.Vector == nil {
			continue
		}
		if err := b.d.bind(ctx, j.p.spec); err != nil {
			j.result.Err = err
			if endsRun(err) {
				return err
			}
			continue
		}
		jobs, records = append(jobs, j), append(records, j.p.record)
	}
	if len(jobs) == 0 {
		return nil
	}
	mode := engine.Create
	if b.o.OnExists == Replace {
		mode = engine.Replace
	}
	results, err := b.d.eng.Put(ctx, records, mode)
	if err != nil {
		return err
	}
	for i, j := range jobs {
		switch r := results[i]; {
		case r.Status == engine.Created:
			j.result.Status = Added
		case r.Status == engine.Replaced:
			j.result.Status = Replaced
		case errors.Is(r.Err, ErrExists) && b.o.OnExists == Skip:
			j.result.Status = Skipped
		default:
			j.result.Err = r.Err
		}
	}
	return nil
}

// maxReason is the longest reason of a failure that is remembered, in bytes.
const maxReason = 1024

func (j *job) failure() Failure {
	f := Failure{ID: j.result.ID, Reason: j.result.Err.Error(), Time: time.Now()}
	if f.ID == "" {
		f.ID = j.result.Source
	}
	if f.ID == "" || engine.CheckID(f.ID) != nil {
		f.ID = fmt.Sprintf("#%d", j.result.Index)
	}
	if len(f.Reason) > maxReason {
		f.Reason = f.Reason[:maxReason] + "…"
	}
	return f
}

func (b *batch) count(j *job) {
	switch j.result.Status {
	case Added:
		b.report.Added++
	case Replaced:
		b.report.Replaced++
	case Skipped:
		b.report.Skipped++
	default:
		b.report.Failed++
		if len(b.report.Failures) < MaxReported {
			b.report.Failures = append(b.report.Failures, j.result)
		}
		b.d.opts.Logger.Debug("item not stored", "source", j.result.Source, "error", j.result.Err)
	}
	if b.o.Result != nil {
		b.o.Result(j.result)
	}
}

// rateWindow is how far back the rate of Progress looks.
const rateWindow = 10 * time.Second

func (b *batch) tell() {
	if b.o.Progress == nil {
		return
	}
	r := b.report
	p := Progress{Total: b.o.Total, Added: r.Added, Replaced: r.Replaced, Skipped: r.Skipped, Failed: r.Failed}
	p.Done = r.Added + r.Replaced + r.Skipped + r.Failed
	now := time.Now()
	p.Elapsed = now.Sub(b.start)
	if p.Elapsed < rateWindow {
		b.rate = float64(p.Done) / max(p.Elapsed.Seconds(), 1e-3)
	} else {
		dt := max(now.Sub(b.last).Seconds(), 1e-3)
		b.rate += (1 - math.Exp(-dt/rateWindow.Seconds())) * (float64(p.Done-b.lastDone)/dt - b.rate)
	}
	b.lastDone, b.last = p.Done, now
	p.Rate = b.rate
	if left := p.Total - p.Done; left > 0 && p.Rate > 0 {
		p.ETA = time.Duration(float64(left) / p.Rate * float64(time.Second))
	}
	b.o.Progress(p)
}
