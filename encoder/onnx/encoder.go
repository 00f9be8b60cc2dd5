package onnx

import (
	"context"
	"fmt"
	"sync"

	"github.com/clipdb/clipdb/encoder"
	"github.com/clipdb/clipdb/encoder/model"
	"github.com/clipdb/clipdb/encoder/token"
)

// Encoder runs the two towers of a model. It implements encoder.Encoder.
type Encoder struct {
	manifest *model.Manifest
	model    encoder.Model
	files    Files
	opts     Options

	mu          sync.Mutex
	closed      bool
	inflight    sync.WaitGroup
	image, text lazy[*tower]
	tokenizer   lazy[token.Tokenizer]
}

// Open returns an encoder for the model in a folder that holds model.json and
// the files it names, or is laid out as exports are: see model.Load. Sizes and
// hashes of the files are compared when they are first used, and the towers
// are loaded then: see Warm.
func Open(dir string, opts *Options) (*Encoder, error) {
	m, err := model.Load(context.Background(), dir)
	if err != nil {
		return nil, fmt.Errorf("model %s: %w", dir, err)
	}
	return New(m, Dir(dir), opts)
}

// New returns an encoder for the model that m describes. It loads nothing, so
// it also succeeds where there is no ONNX Runtime; the calls that need it
// then return encoder.ErrNoRuntime. A provider that nobody knows is ErrProvider.
func New(m *model.Manifest, files Files, opts *Options) (*Encoder, error) {
	o := opts.withDefaults()
	var err error
	if o.Provider, err = ParseProvider(string(o.Provider)); err != nil {
		return nil, err
	}
	return &Encoder{manifest: m, model: m.Model(), files: files, opts: o}, nil
}

// Model implements encoder.Encoder.
func (e *Encoder) Model() encoder.Model {
	m := e.model
	m.Languages = append([]string(nil), m.Languages...)
	return m
}

// Stats implements encoder.Meter.
func (e *Encoder) Stats() encoder.Stats {
	var s encoder.Stats
	if t, ok := e.image.have(); ok {
		s.Image = t.stats()
	}
	if t, ok := e.text.have(); ok {
		s.Text = t.stats()
	}
	return s
}

// Warm loads both towers, so that the first call does not have to. It returns
// encoder.ErrNoRuntime when the library is missing, ctx.Err() when ctx ends
// first (loading goes on in the background) and encoder.ErrClosed.
func (e *Encoder) Warm(ctx context.Context) error {
	if err := e.enter(); err != nil {
		return err
	}
	defer e.inflight.Done()
	// Both start before either is waited for.
	imageErr := make(chan error, 1)
	e.inflight.Go(func() {
		_, err := e.imageTower(ctx)
		imageErr <- err
	})
	_, err := e.textTower(ctx)
	if err == nil {
		_, err = e.words(ctx)
	}
	if e2 := <-imageErr; err == nil {
		err = e2
	}
	return err
}

// Close waits for calls in flight and lets go of the towers, which are freed
// when no other encoder of this process uses them. A second Close does
// nothing.
func (e *Encoder) Close() error {
	e.mu.Lock()
	first := !e.closed
	e.closed = true
	e.mu.Unlock()
	e.inflight.Wait()
	if first {
		for _, l := range []*lazy[*tower]{&e.image, &e.text} {
			if t, ok := l.have(); ok {
				releaseTower(t)
			}
		}
	}
	return nil
}

// enter counts a call in flight; the caller owes inflight.Done.
func (e *Encoder) enter() error {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.closed {
		return encoder.ErrClosed
	}
	e.inflight.Add(1)
	return nil
}

func (e *Encoder) imageTower(ctx context.Context) (*tower, error) {
	im := e.manifest.Image
	return e.image.get(ctx, &e.inflight, func() (*tower, error) {
		return acquireTower(towerSpec{
			what:    "image tower",
			file:    model.File{Name: im.File, SHA256: im.SHA256, Size: im.Size},
			files:   e.files,
			inputs:  []string{im.Input},
			output:  im.Output,
			dim:     e.manifest.Dim,
			batch:   batchOf(im.Batch, e.opts.ImageBatch),
			image:   im.ImageSize,
			options: e.opts,
			extra:   e.manifest.ExtraFor("image"),
			inType:  im.InputType,
			outTyp:  im.OutputType,
			fixed:   im.Batch,
			dummies: im.Dummies,
		})
	})
}

func (e *Encoder) textTower(ctx context.Context) (*tower, error) {
	tx := e.manifest.Text
	return e.text.get(ctx, &e.inflight, func() (*tower, error) {
		return acquireTower(towerSpec{
			what:    "text tower",
			file:    model.File{Name: tx.File, SHA256: tx.SHA256, Size: tx.Size},
			files:   e.files,
			inputs:  tx.Inputs,
			output:  tx.Output,
			dim:     e.manifest.Dim,
			batch:   batchOf(tx.Batch, e.opts.TextBatch),
			padID:   tx.PadID,
			options: e.opts,
			extra:   e.manifest.ExtraFor("text"),
			inType:  tx.InputType,
			outTyp:  tx.OutputType,
			typeIDs: tx.TypeIDs,
			fixed:   tx.Batch,
			context: textWidth(tx),
			dummies: tx.Dummies,
		})
	})
}

// textWidth is how many ids each text has, 0 for any number.
func textWidth(tx model.Text) int {
	if tx.PadFull {
		return tx.ContextLength
	}
	return 0
}

// batchOf is the batch size of a tower: its file's own, where that is fixed.
func batchOf(fixed, wanted int) int {
	if fixed > 0 {
		return fixed
	}
	return wanted
}

// lazy is a value made by the first caller who needs it. A failure is not
// kept: the next caller tries again.
type lazy[T any] struct {
	mu    sync.Mutex
	value T
	ready bool
	under *attempt // being made
}

type attempt struct {
	done chan struct{}
	err  error
}

// get returns the value, making it in the background if need be, so that a
// caller can give up waiting. group counts the maker.
func (l *lazy[T]) get(ctx context.Context, group *sync.WaitGroup, make func() (T, error)) (T, error) {
	var none T
	l.mu.Lock()
	if l.ready {
		defer l.mu.Unlock()
		return l.value, nil
	}
	a := l.under
	if a == nil {
		a = newAttempt()
		l.under = a
		group.Go(func() {
			v, err := make()
			l.mu.Lock()
			l.value, l.ready, l.under, a.err = v, err == nil, nil, err
			l.mu.Unlock()
			close(a.done)
		})
	}
	l.mu.Unlock()
	select {
	case <-a.done:
	case <-ctx.Done():
		return none, ctx.Err()
	}
	if a.err != nil {
		return none, a.err
	}
	v, _ := l.have()
	return v, nil
}

func newAttempt() *attempt { return &attempt{done: make(chan struct{})} }

// have returns the value if it was made.
func (l *lazy[T]) have() (T, bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.value, l.ready
}
