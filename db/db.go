package db

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"

	"github.com/clipdb/clipdb/db/engine"
	"github.com/clipdb/clipdb/encoder"
)

// DB is an open database. Its methods are safe for several goroutines.
type DB struct {
	*embedder
	eng    engine.Engine
	rater  rater
	cutter cutter
	closed atomic.Bool
	// storing is held by whoever binds a model and stores its vectors, against
	// a change of the model in between.
	storing  sync.RWMutex
	turning  atomic.Bool // the engine may have changed its model, the encoder not yet
	switched atomic.Bool // Reembed has put another encoder in the place of the first
	reembeds sync.Mutex  // one Reembed at a time

	close    sync.Once
	closeErr error
}

// Open joins an engine with what opts name; nil options are the zero Options.
// The database takes the engine over: Close closes it, and so does Open when
// it fails.
//
// It returns ErrModelMismatch, naming both models, when the engine holds
// vectors of another model than the encoder's, and ErrLicence when the model
// of either is not allowed.
func Open(eng engine.Engine, opts *Options) (*DB, error) {
	d := &DB{embedder: newEmbedder(opts), eng: eng}
	err := d.checkModel(context.Background())
	if err == nil {
		err = d.checkLicences()
	}
	if err == nil {
		err = d.opts.Sensitive.check()
	}
	if err != nil {
		return nil, errors.Join(err, eng.Close())
	}
	return d, nil
}

// checkModel compares the encoder with what the engine holds.
func (d *DB) checkModel(ctx context.Context) error {
	if d.enc() == nil {
		return nil
	}
	stored := d.eng.Spec()
	if d.unchosen() && stored.Own() {
		return nil // text and pictures will be refused, the caller's vectors will not
	}
	return d.fits(ctx, stored, d.spec())
}

// unchosen reports whether nobody chose the encoder for this database.
func (d *DB) unchosen() bool { return d.opts.EncoderIsDefault && !d.switched.Load() }

// fits returns the error of stored.Check(spec), unless the engine is empty
// and so takes any spec.
func (d *DB) fits(ctx context.Context, stored, spec engine.Spec) error {
	if !stored.Bound() {
		return nil
	}
	err := stored.Check(spec)
	if err == nil {
		return nil
	}
	if st, serr := d.eng.Stats(ctx); serr == nil && st.Records == 0 {
		return nil
	}
	return err
}

// Spec says whose vectors the database holds; zero before the first item.
func (d *DB) Spec() engine.Spec { return d.eng.Spec() }

// Model describes the encoder, and is false when there is none.
func (d *DB) Model() (encoder.Model, bool) {
	if d.enc() == nil {
		return encoder.Model{}, false
	}
	return d.enc().Model(), true
}

// Engine returns what the database was opened on.
func (d *DB) Engine() engine.Engine { return d.eng }

// Close makes everything durable, and lets go of file, memory and goroutines.
// It waits for calls in flight. A second Close returns what the first did.
func (d *DB) Close() error {
	d.close.Do(func() {
		d.closed.Store(true)
		d.closeErr = d.eng.Close()
		if d.opts.CloseEncoder && d.opts.Encoder != nil {
			d.closeErr = errors.Join(d.closeErr, d.opts.Encoder.Close())
			if enc := d.enc(); enc != d.opts.Encoder { // Reembed brought it
				d.closeErr = errors.Join(d.closeErr, enc.Close())
			}
		}
	})
	return d.closeErr
}

// ready returns the error that every call begins with.
func (d *DB) ready(ctx context.Context) error {
	if d.closed.Load() {
		return ErrClosed
	}
	return ctx.Err()
}

// usable returns an error unless there is an encoder whose vectors compare
// with what the database holds.
func (d *DB) usable(ctx context.Context) error { return d.usableWith(ctx, d.enc()) }

func (d *DB) usableWith(ctx context.Context, enc encoder.Encoder) error {
	if enc == nil {
		return fmt.Errorf("%w: give one in the options, or use vectors of your own", ErrNoEncoder)
	}
	return d.fits(ctx, d.eng.Spec(), specOf(enc))
}
