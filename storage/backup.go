package storage

import (
	"fmt"
	"io"
)

// WriteTo writes a copy of the file as it is at this moment, while reads and
// writes go on, and returns the number of bytes written. The copy is a
// database that Open takes. It holds free pages like the original, and so
// perhaps bytes of what was deleted: Compact first where that matters.
func (s *Store) WriteTo(w io.Writer) (n int64, err error) {
	out := &errorKeeper{w: w}
	err = s.View(func(t *Tx) (err error) {
		defer t.guard(&err, bucketClipdb)
		n, err = t.b.WriteTo(out)
		return err
	})
	if out.err != nil {
		err = out.err
	}
	if err != nil {
		return n, fmt.Errorf("backing up %s: %w", s.path, err)
	}
	return n, nil
}

// errorKeeper remembers the error of a writer, of which bbolt keeps the text
// only.
type errorKeeper struct {
	w   io.Writer
	err error
}

func (k *errorKeeper) Write(p []byte) (n int, err error) {
	n, err = k.w.Write(p)
	if err != nil {
		k.err = err
	}
	return n, err
}
