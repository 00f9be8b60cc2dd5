package onnx

import (
	"context"
	"errors"
	"fmt"
	"image"
	"sync"
	"sync/atomic"

	"github.com/clipdb/clipdb/encoder/pixel"
)

// errNoImage is returned for a nil image.
var errNoImage = errors.New("no image")

// EncodeImages implements encoder.Encoder. Images are prepared in up to
// Options.Threads goroutines while the tower runs, and at most two batches of
// tensors are held at a time, however many images come.
func (e *Encoder) EncodeImages(ctx context.Context, images []image.Image) ([][]float32, error) {
	if err := e.enter(); err != nil {
		return nil, err
	}
	defer e.inflight.Done()
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	for i, img := range images {
		if img == nil {
			return nil, fmt.Errorf("image %d: %w", i, errNoImage)
		}
	}
	if len(images) == 0 {
		return nil, nil
	}
	t, err := e.imageTower(ctx)
	if err != nil {
		return nil, err
	}
	f := feeder{
		lane:   t.lane,
		spec:   e.manifest.Spec(),
		images: images,
		out:    vectors(len(images), e.manifest.Dim),
		call:   newCall(len(images)),
	}
	f.call.slots = make(chan struct{}, 2*batchOf(e.manifest.Image.Batch, e.opts.ImageBatch))
	inner, fail := context.WithCancelCause(ctx)
	defer fail(nil)
	var workers sync.WaitGroup
	for range min(len(images), e.opts.Threads) {
		workers.Go(func() {
			if err := f.work(inner); err != nil {
				fail(err)
			}
		})
	}
	workers.Wait()
	if inner.Err() != nil {
		t.lane.abandon(f.call)
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		return nil, context.Cause(inner)
	}
	if err := t.lane.wait(ctx, f.call); err != nil {
		return nil, err
	}
	return f.out, nil
}

// PrepareImage implements encoder.Preparer.
func (e *Encoder) PrepareImage(img image.Image) ([]float32, error) {
	if img == nil {
		return nil, errNoImage
	}
	return tensor(e.manifest.Spec(), img)
}

// EncodeTensors implements encoder.Preparer.
func (e *Encoder) EncodeTensors(ctx context.Context, tensors [][]float32) ([][]float32, error) {
	if err := e.enter(); err != nil {
		return nil, err
	}
	defer e.inflight.Done()
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	want := e.manifest.Spec()
	for i, x := range tensors {
		if len(x) != want.Len() {
			return nil, fmt.Errorf("tensor %d: %d components, want 3 x %d x %d", i, len(x), want.Size, want.Size)
		}
	}
	if len(tensors) == 0 {
		return nil, nil
	}
	t, err := e.imageTower(ctx)
	if err != nil {
		return nil, err
	}
	out := vectors(len(tensors), e.manifest.Dim)
	c := newCall(len(tensors))
	items := make([]*item, len(tensors))
	for i, x := range tensors {
		items[i] = &item{call: c, pixels: x, vector: out[i]}
	}
	if err := t.lane.submit(items...); err != nil {
		return nil, err
	}
	if err := t.lane.wait(ctx, c); err != nil {
		return nil, err
	}
	return out, nil
}

// feeder prepares the images of one call and hands them to the lane.
type feeder struct {
	lane   *lane
	spec   pixel.Spec
	images []image.Image
	out    [][]float32
	call   *call
	next   atomic.Int64
}

func (f *feeder) work(ctx context.Context) error {
	for {
		i := int(f.next.Add(1)) - 1
		if i >= len(f.images) {
			return nil
		}
		select {
		case f.call.slots <- struct{}{}:
		case <-ctx.Done():
			return ctx.Err()
		}
		pixels, err := tensor(f.spec, f.images[i])
		if err != nil {
			return fmt.Errorf("image %d: %w", i, err)
		}
		if err := f.lane.submit(&item{call: f.call, pixels: pixels, vector: f.out[i]}); err != nil {
			return err
		}
	}
}

// tensor prepares one image. A panic of a foreign image type is an error.
func tensor(spec pixel.Spec, img image.Image) (pixels []float32, err error) {
	defer func() {
		if p := recover(); p != nil {
			pixels, err = nil, fmt.Errorf("%v", p)
		}
	}()
	pixels = getPixels(spec.Len())
	return pixels, spec.Tensor(pixels, img)
}
