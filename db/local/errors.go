package local

import (
	"errors"

	"github.com/clipdb/clipdb/db/engine"
	"github.com/clipdb/clipdb/index"
	"github.com/clipdb/clipdb/storage"
)

// sentinels of the rooms below, and what they are called at the seam.
var sentinels = [...]struct{ below, seam error }{
	{storage.ErrLocked, engine.ErrLocked},
	{storage.ErrNotDatabase, engine.ErrNotDatabase},
	{storage.ErrNewerFormat, engine.ErrNewerFormat},
	{storage.ErrClosed, engine.ErrClosed},
	{storage.ErrReadOnly, engine.ErrReadOnly},
	{storage.ErrCorrupt, engine.ErrCorrupt},
	{storage.ErrNotFound, engine.ErrNotFound},
	{storage.ErrDimension, engine.ErrDimension},
	{storage.ErrInvalid, engine.ErrLimit},
	{storage.ErrTooLarge, engine.ErrLimit},
	{index.ErrDimension, engine.ErrDimension},
	{index.ErrVector, engine.ErrVector},
	{index.ErrClosed, engine.ErrClosed},
}

// seam makes errors.Is find the seam's sentinel in an error from below.
func seam(err error) error {
	for _, s := range sentinels {
		if errors.Is(err, s.below) && !errors.Is(err, s.seam) {
			return engine.Wrap(s.seam, err)
		}
	}
	return err
}
