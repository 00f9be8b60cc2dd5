package db

import (
	"context"
	"io"
)

// WriteTo writes a copy of the whole database as it is at one moment to w,
// while reading and writing go on. The copy is a database file like any
// other. It returns the bytes written.
func (d *DB) WriteTo(w io.Writer) (int64, error) {
	if d.closed.Load() {
		return 0, ErrClosed
	}
	return d.eng.WriteTo(w)
}

// Compact gives unused space back to the system and erases for good what was
// deleted or replaced: captions, pictures, vectors and what the index knew of
// them. It needs about the size of the compacted file as free space, and
// changes wait while it runs.
func (d *DB) Compact(ctx context.Context) error {
	if err := d.ready(ctx); err != nil {
		return err
	}
	return d.eng.Compact(ctx)
}
