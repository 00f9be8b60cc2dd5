package db

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"fmt"
	"image"

	"github.com/clipdb/clipdb/db/engine"
	"github.com/clipdb/clipdb/encoder"
)

// Insert stores one item and returns its id once it is durable and
// searchable. An id that exists gives ErrExists, and nothing changes.
//
// Many items go faster through InsertAll. Inserts of several goroutines at
// the same time share one commit.
func (d *DB) Insert(ctx context.Context, item Item) (ID, error) {
	id, _, err := d.insert(ctx, item, engine.Create)
	return id, err
}

// Upsert stores one item as Insert does, in the place of the item with its id
// where there is one, and reports whether there was. The whole item is
// replaced; only the time of its creation stays.
func (d *DB) Upsert(ctx context.Context, item Item) (id ID, replaced bool, err error) {
	return d.insert(ctx, item, engine.Replace)
}

func (d *DB) insert(ctx context.Context, item Item, mode engine.PutMode) (ID, bool, error) {
	if err := d.writable(ctx); err != nil {
		return "", false, err
	}
	p, err := d.prepare(ctx, &item, mode == engine.Create, d.decoders)
	if err != nil {
		return "", false, item.failed(err)
	}
	if p.record.Vector == nil {
		vs, err := d.images(ctx, p.enc, []image.Image{p.picture.rgb})
		if err != nil {
			return "", false, item.failed(err)
		}
		p.record.Vector = vs[0]
	}
	d.storing.RLock()
	defer d.storing.RUnlock()
	if err := d.bind(ctx, p.spec); err != nil {
		return "", false, item.failed(err)
	}
	records := []engine.Record{p.record}
	if err := d.rateRecords(ctx, records); err != nil {
		return "", false, item.failed(err)
	}
	results, err := d.eng.Put(ctx, records, mode)
	if err == nil {
		err = results[0].Err
	}
	if err != nil {
		return "", false, item.failed(err)
	}
	return p.record.ID, results[0].Status == engine.Replaced, nil
}

// failed says which item an error is about.
func (it *Item) failed(err error) error {
	if name := it.source(); name != "" {
		return fmt.Errorf("%.200s: %w", name, err)
	}
	return err
}

// writable returns the error that changes begin with.
func (d *DB) writable(ctx context.Context) error {
	if err := d.ready(ctx); err != nil {
		return err
	}
	if d.eng.Caps().ReadOnly {
		return ErrReadOnly
	}
	return nil
}

// prepared is an item that lacks at most its vector.
type prepared struct {
	record  engine.Record
	spec    engine.Spec     // whose vector it has or gets
	enc     encoder.Encoder // that makes the vector; nil when the item came with one
	picture *picture        // nil without one
}

// prepare checks an item and reads its picture. Cheap checks come first, so
// that bad and known items cost little; fresh makes a known id ErrExists. The
// picture is decoded under a token of gate, if there is one. The prepared item
// that comes with an error has at most its id.
func (d *DB) prepare(ctx context.Context, item *Item, fresh bool, gate chan struct{}) (*prepared, error) {
	p := &prepared{record: engine.Record{ID: item.ID, Caption: item.Caption, Attrs: item.Attrs}}
	if err := d.prepareVector(ctx, item, p); err != nil {
		return p, err
	}
	if item.Image == nil && p.record.ID == "" {
		p.record.ID = rand.Text()
	}
	if p.record.ID != "" {
		if err := d.checkNew(ctx, p, fresh); err != nil {
			return p, err
		}
	}
	if item.Image == nil {
		return p, nil
	}
	var err error
	if p.picture, err = d.read(ctx, item.Image); err != nil {
		return p, err
	}
	if p.record.ID == "" {
		p.record.ID = hex.EncodeToString(p.picture.sum[:])
		if err := d.checkNew(ctx, p, fresh); err != nil {
			return p, err
		}
	}
	if err := d.decode(ctx, p.picture, gate); err != nil {
		return p, err
	}
	p.record.Image, err = d.describe(p.picture)
	if p.record.Vector != nil {
		p.picture = nil // nobody needs the pixels
	}
	return p, err
}

// prepareVector finds out whose vector the item will have.
func (d *DB) prepareVector(ctx context.Context, item *Item, p *prepared) error {
	switch {
	case item.Vector != nil:
		spec, err := d.ownSpec(ctx, len(item.Vector))
		if err != nil {
			return err
		}
		p.spec, p.record.Model = spec, spec.Fingerprint
		p.record.Vector, err = engine.Unit(item.Vector)
		return err
	case item.Image != nil:
		if err := d.usable(ctx); err != nil {
			return err
		}
		p.enc = d.enc()
		p.spec = specOf(p.enc)
		p.record.Model = p.spec.Fingerprint
		return nil
	}
	return ErrItem
}

// ownSpec is the spec that a vector of the caller's own is stored under.
func (d *DB) ownSpec(ctx context.Context, dim int) (engine.Spec, error) {
	if dim == 0 || dim > engine.MaxDim {
		return engine.Spec{}, fmt.Errorf("%w: %d components; 1 to %d are allowed", ErrVector, dim, engine.MaxDim)
	}
	want := engine.Spec{Dim: dim}
	if d.enc() != nil && !d.unchosen() {
		want = d.spec()
	}
	if stored := d.eng.Spec(); stored.Bound() && d.fits(ctx, stored, want) != nil {
		want = stored // items are there already: their spec counts
	}
	if want.Dim != dim {
		return want, &DimensionError{Want: want.Dim, Got: dim}
	}
	return want, nil
}

// checkNew checks what of the record is known before its picture is read.
func (d *DB) checkNew(ctx context.Context, p *prepared, fresh bool) error {
	if err := p.record.CheckText(); err != nil {
		return err
	}
	if err := checkProvenance(p.record.Attrs); err != nil {
		return err
	}
	if !fresh {
		return nil
	}
	found, err := d.eng.Exists(ctx, []string{p.record.ID})
	if err == nil && found[0] {
		err = fmt.Errorf("%w: %.200q", ErrExists, p.record.ID)
	}
	return err
}

// bind declares whose vectors come next, where that is news to the engine.
func (d *DB) bind(ctx context.Context, spec engine.Spec) error {
	if stored := d.eng.Spec(); stored.Bound() && stored.Check(spec) == nil && stored.With(spec) == stored {
		return nil
	}
	return d.eng.Bind(ctx, spec)
}
