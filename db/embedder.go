package db

import (
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"image"
	"io"
	"io/fs"
	"sync"
	"sync/atomic"
	"unicode/utf8"

	"github.com/clipdb/clipdb/db/engine"
	"github.com/clipdb/clipdb/encoder"
	"github.com/clipdb/clipdb/encoder/pixel"
)

// embedder reads pictures and asks the model. It knows no database.
type embedder struct {
	opts     Options
	model    atomic.Pointer[encoder.Encoder] // nil without a model; Reembed changes it
	decoders chan struct{}                   // a token for each picture being decoded
	warn     sync.Once                       // about a missing runtime
	cache    *textCache                      // nil without one

	labelCache *textCache // of labels' vectors, nil without one
}

func newEmbedder(opts *Options) *embedder {
	e := &embedder{opts: opts.withDefaults()}
	if e.opts.Encoder != nil {
		e.model.Store(&e.opts.Encoder)
	}
	e.decoders = make(chan struct{}, e.opts.Workers)
	if e.opts.TextCache > 0 {
		e.cache, e.labelCache = newTextCache(e.opts.TextCache), newTextCache(MaxLabels)
	}
	return e
}

// enc is the encoder of this moment, nil without a model. Whatever takes two
// steps with it keeps what it got.
func (e *embedder) enc() encoder.Encoder {
	if p := e.model.Load(); p != nil {
		return *p
	}
	return nil
}

// picture is an image that was read, and decoded where that was needed.
type picture struct {
	data []byte
	sum  [32]byte
	rgb  *pixel.RGB
	info pixel.Info

	tensor []float32 // what is left of rgb once it is prepared for an encoder.Preparer
}

// read reads r to its end within the limit of bytes.
func (e *embedder) read(ctx context.Context, r io.Reader) (*picture, error) {
	if f, ok := r.(*fileReader); ok {
		defer f.Close()
	}
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	limit := e.opts.MaxImageBytes
	var buf bytes.Buffer
	if f, ok := r.(interface{ Stat() (fs.FileInfo, error) }); ok {
		info, err := f.Stat()
		switch {
		case err != nil:
			return nil, fmt.Errorf("reading image: %w", err)
		case info.IsDir():
			return nil, fmt.Errorf("%w: it is a folder", ErrImageFormat)
		case info.Mode().IsRegular() && info.Size() > limit:
			return nil, fmt.Errorf("%w: %d bytes, %d are allowed", ErrImageTooLarge, info.Size(), limit)
		case info.Mode().IsRegular():
			buf.Grow(int(info.Size()) + bytes.MinRead)
		}
	}
	n, err := buf.ReadFrom(io.LimitReader(r, limit+1))
	if err != nil {
		return nil, fmt.Errorf("reading image: %w", err)
	}
	if n > limit {
		return nil, fmt.Errorf("%w: more than %d bytes", ErrImageTooLarge, limit)
	}
	return &picture{data: buf.Bytes(), sum: sha256.Sum256(buf.Bytes())}, nil
}

// decode fills in the pixels. It waits for a token of gate, if there is one,
// because each decoding may hold hundreds of megabytes.
func (e *embedder) decode(ctx context.Context, p *picture, gate chan struct{}) error {
	return e.decodeWithin(ctx, p, gate, e.opts.MaxImageBytes)
}

// decodeWithin is decode with another limit of bytes.
func (e *embedder) decodeWithin(ctx context.Context, p *picture, gate chan struct{}, most int64) error {
	if gate != nil {
		select {
		case gate <- struct{}{}:
			defer func() { <-gate }()
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	var err error
	p.rgb, p.info, err = pixel.DecodeBytes(ctx, p.data, pixel.Limits{Bytes: most, Pixels: e.opts.MaxImagePixels})
	return err
}

// open reads and decodes the picture of a query.
func (e *embedder) open(ctx context.Context, r io.Reader) (image.Image, error) {
	if r == nil {
		return nil, fmt.Errorf("%w: the image is nil", ErrQuery)
	}
	p, err := e.read(ctx, r)
	if err != nil {
		return nil, err
	}
	if err := e.decode(ctx, p, e.decoders); err != nil {
		return nil, err
	}
	return p.rgb, nil
}

// texts returns the unit vectors of texts.
func (e *embedder) texts(ctx context.Context, enc encoder.Encoder, texts []string) ([][]float32, error) {
	if err := checkTexts(texts); err != nil {
		return nil, err
	}
	return e.cache.through(enc.Model().Fingerprint, texts, func(texts []string) ([][]float32, error) {
		return e.encodeTexts(ctx, enc, texts)
	})
}

func checkTexts(texts []string) error {
	for _, t := range texts {
		if len(t) > MaxText {
			return fmt.Errorf("%w: it has %d bytes, %d are allowed", ErrText, len(t), MaxText)
		}
		if !utf8.ValidString(t) {
			return fmt.Errorf("%w: it is not UTF-8", ErrText)
		}
	}
	return nil
}

// encodeTexts asks the model.
func (e *embedder) encodeTexts(ctx context.Context, enc encoder.Encoder, texts []string) ([][]float32, error) {
	if err := checkTexts(texts); err != nil {
		return nil, err
	}
	vs, err := enc.EncodeText(ctx, texts)
	if err != nil {
		return nil, e.noted(err)
	}
	return units(enc.Model(), vs, len(texts))
}

// images returns the unit vectors of upright images.
func (e *embedder) images(ctx context.Context, enc encoder.Encoder, images []image.Image) ([][]float32, error) {
	vs, err := enc.EncodeImages(ctx, images)
	if err != nil {
		return nil, e.noted(err)
	}
	return units(enc.Model(), vs, len(images))
}

// tensors returns the unit vectors of images that enc prepared before.
func (e *embedder) tensors(ctx context.Context, enc encoder.Preparer, tensors [][]float32) ([][]float32, error) {
	vs, err := enc.EncodeTensors(ctx, tensors)
	if err != nil {
		return nil, e.noted(err)
	}
	return units(enc.Model(), vs, len(tensors))
}

// units checks what an encoder returned: encoders are also written by others.
func units(m encoder.Model, vs [][]float32, want int) ([][]float32, error) {
	if len(vs) != want {
		return nil, fmt.Errorf("model %s returned %d vectors for %d inputs", m.Name, len(vs), want)
	}
	for i, v := range vs {
		if len(v) != m.Dim {
			return nil, fmt.Errorf("model %s returned a vector of another size: %w", m.Name, &DimensionError{Want: m.Dim, Got: len(v)})
		}
		u, err := engine.Unit(v)
		if err != nil {
			return nil, fmt.Errorf("model %s: %w", m.Name, err)
		}
		vs[i] = u
	}
	return vs, nil
}

// noted logs a missing runtime, once: the database goes on without it, and
// whoever wonders why finds the reason.
func (e *embedder) noted(err error) error {
	if errors.Is(err, ErrNoRuntime) {
		e.warn.Do(func() {
			e.opts.Logger.Warn("the model cannot run; only vectors of the caller's own work", "error", err)
		})
	}
	return err
}

// spec is the spec of the model's vectors.
func (e *embedder) spec() engine.Spec { return specOf(e.enc()) }

func specOf(enc encoder.Encoder) engine.Spec {
	m := enc.Model()
	return engine.Spec{Dim: m.Dim, Model: m.Name, Fingerprint: m.Fingerprint, Licence: m.Licence, Card: m.Card.String()}
}

// describe makes the stored form of a decoded picture, under the image
// policy.
func (e *embedder) describe(p *picture) (*ImageInfo, error) {
	im := &ImageInfo{
		SHA256: p.sum,
		Format: p.info.Format,
		Width:  p.rgb.W,
		Height: p.rgb.H,
		Size:   int64(len(p.data)),
		Frames: max(1, p.info.Frames),
	}
	if e.opts.Images == KeepOriginal {
		im.Original = p.data
	}
	if e.opts.Images != KeepNone {
		thumb, err := pixel.Thumbnail(p.rgb, ThumbnailSide)
		if err != nil {
			return nil, err
		}
		im.Thumbnail = thumb
	}
	return im, nil
}
