package db

import (
	"context"
	"iter"

	"github.com/clipdb/clipdb/db/engine"
)

// Get returns the item of that id without its large parts, or ErrNotFound.
func (d *DB) Get(ctx context.Context, id string) (*Record, error) {
	return d.GetWith(ctx, id, Fetch{})
}

// GetWith returns the item of that id with the parts that fetch names, or
// ErrNotFound. Parts that are not stored stay nil.
func (d *DB) GetWith(ctx context.Context, id string, fetch Fetch) (*Record, error) {
	if err := d.ready(ctx); err != nil {
		return nil, err
	}
	return d.eng.Get(ctx, id, fetch)
}

// Exists tells for each id whether an item has it.
func (d *DB) Exists(ctx context.Context, ids ...string) ([]bool, error) {
	if err := d.ready(ctx); err != nil {
		return nil, err
	}
	return d.eng.Exists(ctx, ids)
}

// All yields every item by rising id, without its large parts. The loop may
// change the database. The sequence ends after the first error.
func (d *DB) All(ctx context.Context) iter.Seq2[*Record, error] {
	return d.Scan(ctx, ScanOptions{})
}

// ScanOptions say what Scan yields.
type ScanOptions = engine.Scan

// Scan yields items as All does, from an id onwards, passing a filter, and
// with parts to be fetched.
func (d *DB) Scan(ctx context.Context, opts ScanOptions) iter.Seq2[*Record, error] {
	return func(yield func(*Record, error) bool) {
		if err := d.ready(ctx); err != nil {
			yield(nil, err)
			return
		}
		for rec, err := range d.eng.All(ctx, opts) {
			if !yield(rec, err) || err != nil {
				return
			}
		}
	}
}

// Failures yields the items that InsertAll could not store and that have not
// been stored or deleted since, by rising id.
func (d *DB) Failures(ctx context.Context) iter.Seq2[Failure, error] {
	return func(yield func(Failure, error) bool) {
		if err := d.ready(ctx); err != nil {
			yield(Failure{}, err)
			return
		}
		for f, err := range d.eng.Failures(ctx) {
			if !yield(f, err) || err != nil {
				return
			}
		}
	}
}
