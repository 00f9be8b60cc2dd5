package db

import (
	"context"
	"image"
	"time"

	"github.com/clipdb/clipdb/encoder"
)

// pending reports whether the model has still to see the picture.
func (j *job) pending() bool {
	return j.p != nil && j.p.picture != nil && j.p.record.Vector == nil
}

// encodeStage gives the pictures of each group to the model.
func (b *batch) encodeStage(ctx context.Context, groups <-chan []*job, encoded chan<- []*job) {
	defer close(encoded)
	for group := range groups {
		var jobs []*job
		for _, j := range group {
			if !j.pending() {
				continue
			}
			if len(jobs) > 0 && jobs[0].p.enc != j.p.enc { // Reembed has changed the model
				b.encode(ctx, jobs)
				jobs = nil
			}
			jobs = append(jobs, j)
		}
		if len(jobs) > 0 {
			b.encode(ctx, jobs)
		}
		for _, j := range group {
			b.memory.hold(j, j.size()) // what is left waits for the commit
		}
		encoded <- group
	}
}

// encode fills in the vectors of jobs that have their pictures prepared for
// the same encoder. When it refuses them it is asked for each picture alone,
// so that one cannot spoil the others.
func (b *batch) encode(ctx context.Context, jobs []*job) {
	began := time.Now()
	defer func() { b.encoding += time.Since(began) }()
	vs, err := b.vectors(ctx, jobs)
	for i, j := range jobs {
		if err == nil {
			j.p.record.Vector = vs[i]
		} else {
			one := err
			if len(jobs) > 1 && ctx.Err() == nil && !endsRun(err) {
				var v [][]float32
				if one = b.again(ctx, j); one == nil {
					if v, one = b.vectors(ctx, jobs[i:i+1]); one == nil {
						j.p.record.Vector = v[0]
					}
				}
			}
			b.settle(ctx, j, one)
		}
		if j.p != nil {
			j.p.picture = nil // the pixels are not needed any more
		}
	}
}

// vectors asks the encoder of the jobs. Tensors are gone afterwards.
func (b *batch) vectors(ctx context.Context, jobs []*job) ([][]float32, error) {
	enc := jobs[0].p.enc
	pre, ok := enc.(encoder.Preparer)
	if !ok {
		images := make([]image.Image, len(jobs))
		for i, j := range jobs {
			images[i] = j.p.picture.rgb
		}
		return b.d.images(ctx, enc, images)
	}
	tensors := make([][]float32, len(jobs))
	for i, j := range jobs {
		tensors[i], j.p.picture.tensor = j.p.picture.tensor, nil
	}
	return b.d.tensors(ctx, pre, tensors)
}

// again makes a tensor anew that the encoder has had.
func (b *batch) again(ctx context.Context, j *job) error {
	if _, ok := j.p.enc.(encoder.Preparer); !ok {
		return nil // the picture is still there
	}
	if err := b.d.decode(ctx, j.p.picture, nil); err != nil {
		return err
	}
	return j.p.ahead()
}

// ahead does what the encoder lets be done before it sees the picture, whose
// pixels are gone then.
func (p *prepared) ahead() error {
	pre, ok := p.enc.(encoder.Preparer)
	if !ok {
		return nil
	}
	var err error
	p.picture.tensor, err = pre.PrepareImage(p.picture.rgb)
	p.picture.rgb = nil
	return err
}
