package local

import (
	"errors"

	"github.com/clipdb/clipdb/db/engine"
)

// Open opens the database file at path, and makes it when it does not exist.
func Open(path string, opts *Options) (engine.Engine, error) {
	return nil, errors.ErrUnsupported
}
