package db

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"image"
	"slices"
	"sync"
	"time"

	"github.com/clipdb/clipdb/db/engine"
	"github.com/clipdb/clipdb/encoder"
	"github.com/clipdb/clipdb/encoder/pixel"
)

// ErrPending is returned by Reembed when items are left that have no vector of
// the new model.
var ErrPending = engine.ErrPending

// ReembedOptions say how to reembed. Nil is the zero value.
type ReembedOptions struct {
	BatchSize int // pictures given to the model at once; 0 means 16

	// DropFailed deletes, in the step that switches the models, the items that
	// no model could have a vector for: those without a picture that is large
	// enough, and those whose picture cannot be decoded. Without it such items
	// hold the switch back. Items that failed for any other reason, as by a
	// limit of today or by an error of the disk, stay and hold it back always.
	DropFailed bool

	// Progress is called after each group of items that is durable.
	Progress func(ReembedProgress)
}

// ReembedProgress tells how far a Reembed is.
type ReembedProgress struct {
	Done   int // items that have a vector of the new model, also from an earlier run
	Total  int
	Failed int
	Rate   float64 // items a second in this run
}

// ReembedReport sums a Reembed up.
type ReembedReport struct {
	Embedded int       // items embedded by this run
	Kept     int       // items that an earlier run had embedded
	Failed   []Failure // items without a vector of the new model, and why
	Switched bool      // the new model serves from here on
	Elapsed  time.Duration
}

// Reembed gives every item a vector of another model and then serves that
// model in the place of the present one. Searches, inserts and deletions go on
// meanwhile with the present model. The switch is one durable step: before it,
// also after a crash, all of the old model is served, after it all of the new.
//
// Vectors that are made stay in the file, so that a Reembed with the same
// model, after ctx has ended or the process has died, does not make them again.
// A Reembed with a third model begins anew.
//
// Pictures are read from what was stored: the original, or else the thumbnail
// if it is as large as the model's input or the whole picture. Items without
// one, such as those with vectors of the caller's own, fail. Unless DropFailed
// is set, failed items make the error ErrPending, and nothing is switched; the
// report names them.
//
// When the switch has happened the database embeds with enc, and Close closes
// it if CloseEncoder is set. An insert that was under way with the old model
// at that moment may return ErrModelMismatch; insert it again.
func (d *DB) Reembed(ctx context.Context, enc encoder.Encoder, opts *ReembedOptions) (ReembedReport, error) {
	began := time.Now()
	var o ReembedOptions
	if opts != nil {
		o = *opts
	}
	if o.BatchSize <= 0 {
		o.BatchSize = 16
	}
	var rep ReembedReport
	if err := d.writable(ctx); err != nil {
		return rep, err
	}
	if enc == nil {
		return rep, fmt.Errorf("%w: Reembed needs the model to change to", ErrNoEncoder)
	}
	if m := enc.Model(); len(d.opts.AllowedLicences) > 0 {
		if err := encoder.CheckLicence(d.opts.AllowedLicences, m.Name, m.Licence); err != nil {
			return rep, err
		}
	}
	d.reembeds.Lock()
	defer d.reembeds.Unlock()
	if stored := d.eng.Spec(); !stored.Bound() || stored.Check(specOf(enc)) == nil {
		d.adopt(enc) // nothing is of another model
		rep.Switched = true
		return rep, nil
	}
	status, err := d.eng.BeginReembed(ctx, specOf(enc))
	if err != nil {
		return rep, err
	}
	r := reembedding{d: d, enc: enc, o: o, began: began, failed: map[string]failing{}}
	r.done, r.total, rep.Kept = status.Done, status.Total, status.Done
	rep.Switched, err = r.run(ctx)
	rep.Embedded, rep.Elapsed = r.embedded, time.Since(began)
	for id, why := range r.failed {
		rep.Failed = append(rep.Failed, Failure{ID: id, Reason: why.reason, Time: began})
	}
	slices.SortFunc(rep.Failed, func(a, b Failure) int { return bytes.Compare([]byte(a.ID), []byte(b.ID)) })
	return rep, err
}

// adopt makes enc the encoder of the database.
func (d *DB) adopt(enc encoder.Encoder) {
	d.model.Store(&enc)
	d.switched.Store(true)
}

// switching reports whether a search that was made with enc is worth another
// try: a switch of models is under way, for which it waits a moment, or has
// happened.
func (d *DB) switching(ctx context.Context, enc encoder.Encoder) bool {
	if !d.turning.Load() {
		return d.enc() != enc
	}
	select {
	case <-ctx.Done():
	case <-time.After(time.Millisecond):
	}
	return ctx.Err() == nil
}

// reembedding is a Reembed at work.
type reembedding struct {
	d      *DB
	enc    encoder.Encoder
	o      ReembedOptions
	began  time.Time
	failed map[string]failing // by id

	done, total, embedded int
}

// failing is why an item has no vector of the new model.
type failing struct {
	reason string
	drop   bool      // there will never be one
	seen   time.Time // when the item was last written, then
}

func (r *reembedding) fail(id string, seen time.Time, err error) {
	drop := errors.Is(err, errNoPicture) || errors.Is(err, ErrImageFormat)
	r.failed[id] = failing{err.Error(), drop, seen}
}

// held counts the failed items that may not be deleted.
func (r *reembedding) held() (n int) {
	for _, f := range r.failed {
		if !f.drop || !r.o.DropFailed {
			n++
		}
	}
	return n
}

// run makes passes over what is pending until nothing is, and switches.
func (r *reembedding) run(ctx context.Context) (switched bool, err error) {
	for {
		clear(r.failed)
		if err := r.pass(ctx); err != nil {
			return false, err
		}
		if n := r.held(); n > 0 {
			return false, fmt.Errorf("%w: %d of %d; Failed tells why, DropFailed deletes those without a usable picture", ErrPending, n, r.total)
		}
		err := r.finish(ctx)
		if err == nil {
			return true, nil
		}
		// Inserted or replaced since the pass: another one takes them along.
		if !errors.Is(err, ErrPending) {
			return false, err
		}
	}
}

// finish switches the models.
func (r *reembedding) finish(ctx context.Context) error {
	d := r.d
	var drop []engine.Version
	for id, f := range r.failed {
		drop = append(drop, engine.Version{ID: id, Updated: f.seen})
	}
	d.storing.Lock()
	defer d.storing.Unlock()
	d.turning.Store(true)
	defer d.turning.Store(false)
	err := d.eng.FinishReembed(ctx, drop)
	if err == nil {
		d.adopt(r.enc)
	}
	return err
}

// pass embeds what is pending now.
func (r *reembedding) pass(ctx context.Context) error {
	var group []string
	for rec, err := range r.d.eng.Pending(ctx) {
		if err != nil {
			return err
		}
		if group = append(group, rec.ID); len(group) == r.o.BatchSize {
			if err := r.embed(ctx, group); err != nil {
				return err
			}
			group = group[:0]
		}
	}
	return r.embed(ctx, group)
}

// embed stores the vectors of a group of items.
func (r *reembedding) embed(ctx context.Context, ids []string) error {
	if len(ids) == 0 {
		return nil
	}
	pictures := make([]image.Image, len(ids))
	sums := make([][32]byte, len(ids))
	seen := make([]time.Time, len(ids))
	errs := make([]error, len(ids))
	var wg sync.WaitGroup
	for i, id := range ids {
		wg.Go(func() { pictures[i], sums[i], seen[i], errs[i] = r.picture(ctx, id) })
	}
	wg.Wait()
	var images []image.Image
	var out []engine.Reembedded
	for i, id := range ids {
		switch err := errs[i]; {
		case ctx.Err() != nil:
			return ctx.Err()
		case errors.Is(err, ErrNotFound): // deleted meanwhile
		case errors.Is(err, ErrClosed):
			return err
		case err != nil:
			r.fail(id, seen[i], err)
		default:
			images = append(images, pictures[i])
			out = append(out, engine.Reembedded{ID: id, Image: sums[i]})
		}
	}
	if len(images) > 0 {
		vectors, err := r.d.images(ctx, r.enc, images)
		if err != nil {
			return err
		}
		for i := range out {
			out[i].Vector = vectors[i]
		}
		n, err := r.d.eng.PutReembedded(ctx, out)
		if err != nil {
			return err
		}
		r.embedded += n
		r.done += n
	}
	if r.o.Progress != nil {
		r.o.Progress(ReembedProgress{
			Done: r.done, Total: r.total, Failed: len(r.failed),
			Rate: float64(r.embedded) / max(time.Since(r.began).Seconds(), 1e-9),
		})
	}
	return nil
}

// errNoPicture is why an item cannot be embedded.
var errNoPicture = errors.New("no picture is stored that is large enough for the model")

// picture reads what of an item's picture the model can see.
func (r *reembedding) picture(ctx context.Context, id string) (image.Image, [32]byte, time.Time, error) {
	rec, err := r.d.eng.Get(ctx, id, Fetch{Original: true, Thumbnail: true})
	if err != nil {
		return nil, [32]byte{}, time.Time{}, err
	}
	im := rec.Image
	if im == nil {
		return nil, [32]byte{}, rec.Updated, errNoPicture
	}
	data := im.Original
	if len(data) == 0 {
		data = im.Thumbnail
	}
	if len(data) == 0 {
		return nil, im.SHA256, rec.Updated, errNoPicture
	}
	p := &picture{data: data}
	// Bytes that are stored were within the limit once.
	if err := r.d.decodeWithin(ctx, p, r.d.decoders, max(r.d.opts.MaxImageBytes, int64(len(data)))); err != nil {
		return nil, im.SHA256, rec.Updated, err
	}
	if len(im.Original) == 0 && !enough(p.rgb, im, r.enc.Model().ImageSize) {
		return nil, im.SHA256, rec.Updated, errNoPicture
	}
	return p.rgb, im.SHA256, rec.Updated, nil
}

// enough reports whether a thumbnail shows the model as much as the picture.
func enough(thumb *pixel.RGB, im *ImageInfo, side int) bool {
	return min(thumb.W, thumb.H) >= side && side > 0 || thumb.W >= im.Width && thumb.H >= im.Height
}
