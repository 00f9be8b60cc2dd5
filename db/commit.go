package db

import (
	"context"
	"errors"
	"fmt"
	"math"
	"time"

	"github.com/clipdb/clipdb/db/engine"
)

// When the commit stage writes.
const (
	maxCommitJobs  = 256
	maxCommitBytes = 32 << 20 // or half of what may be held
	commitWait     = 500 * time.Millisecond
)

// commitStage gathers encoded jobs and stores them.
func (b *batch) commitStage(ctx context.Context, encoded <-chan []*job) {
	var group []*job
	size := int64(0)
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
				size += j.held
			}
			if len(group) >= maxCommitJobs || size >= min(maxCommitBytes, b.memory.limit/2) {
				flush()
			}
		case <-timer.C:
			flush()
		}
	}
}

// size is roughly what the job holds in memory and, once its picture is
// encoded, adds to a transaction.
func (j *job) size() int64 {
	if j.p == nil {
		return 0
	}
	n := int64(1024 + 4*len(j.p.record.Vector))
	im, picture := j.p.record.Image, j.p.picture
	if im != nil {
		n += int64(len(im.Original) + len(im.Thumbnail))
	}
	if picture != nil {
		if im == nil || len(im.Original) == 0 { // else they are the same bytes
			n += int64(len(picture.data))
		}
		if picture.rgb != nil {
			n += int64(len(picture.rgb.Pix))
		}
		n += 4 * int64(len(picture.tensor))
	}
	return n
}

// commit stores what of a group is ready, remembers what failed, and tells.
func (b *batch) commit(ctx context.Context, group []*job) {
	if len(group) == 0 {
		return
	}
	err := b.store(ctx, group)
	for _, j := range group {
		b.memory.hold(j, 0)
	}
	if err != nil {
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
	b.d.storing.RLock()
	defer b.d.storing.RUnlock()
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
	if err := b.d.rateRecords(ctx, records); err != nil {
		return err
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
