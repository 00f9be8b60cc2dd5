package engine

import (
	"errors"
	"fmt"
)

// Errors of looking records up and writing them.
var (
	// ErrNotFound is returned when no record has the id.
	ErrNotFound = errors.New("no such item")
	// ErrExists is returned when a record is to be created under an id that
	// is taken.
	ErrExists = errors.New("item exists already")

	// ErrChanged is returned when a record is to be renewed that was changed
	// or deleted since it was read.
	ErrChanged = errors.New("item was changed meanwhile")
	// ErrDimension is returned when a vector has not the database's
	// dimension. It comes as a *DimensionError.
	ErrDimension = errors.New("wrong vector dimension")
	// ErrVector is returned for vectors with NaN or infinite components, and
	// for vectors without length, which have no direction to compare.
	ErrVector = errors.New("vector cannot be used")
	// ErrLimit is returned when an id, a caption, an attribute or a filter is
	// beyond its limit, or is not valid UTF-8.
	ErrLimit = errors.New("beyond the limits of an item")
	// ErrModelMismatch is returned when vectors of one model meet a database
	// of another. It comes as a *MismatchError.
	ErrModelMismatch = errors.New("database was written with another model")
	// ErrFilter is returned for filters that say nothing sensible.
	ErrFilter = errors.New("filter cannot be used")
)

// Errors of opening and of a database's state.
var (
	// ErrClosed is returned by calls on a closed database.
	ErrClosed = errors.New("database is closed")
	// ErrLocked is returned when another process holds the file.
	ErrLocked = errors.New("database is locked by another process")
	// ErrReadOnly is returned by changes to a database opened read-only.
	ErrReadOnly = errors.New("database is read-only")
	// ErrCorrupt is returned when stored bytes fail their checks.
	ErrCorrupt = errors.New("database is damaged")
	// ErrNewerFormat is returned for files of a later format than this
	// program knows.
	ErrNewerFormat = errors.New("database has a newer format")
	// ErrNotDatabase is returned when a file is something else.
	ErrNotDatabase = errors.New("not a clipdb database")
)

// DimensionError tells the two dimensions of an ErrDimension.
type DimensionError struct {
	Want, Got int
}

func (e *DimensionError) Error() string {
	return fmt.Sprintf("%v: the database holds vectors of %d components, this one has %d", ErrDimension, e.Want, e.Got)
}

// Unwrap makes errors.Is(err, ErrDimension) hold.
func (e *DimensionError) Unwrap() error { return ErrDimension }

// MismatchError names the two models of an ErrModelMismatch.
type MismatchError struct {
	Stored, Given Spec
}

func (e *MismatchError) Error() string {
	return fmt.Sprintf("%v: it holds %s, not %s; open it with its own model, or write to a new file", ErrModelMismatch, e.Stored, e.Given)
}

// Unwrap makes errors.Is(err, ErrModelMismatch) hold.
func (e *MismatchError) Unwrap() error { return ErrModelMismatch }

// Wrap gives err the sentinel without changing what it says: errors.Is finds
// both. Engines use it to bring errors of their own packages to the seam.
func Wrap(sentinel, err error) error {
	if err == nil {
		return nil
	}
	return &wrapped{sentinel, err}
}

type wrapped struct{ sentinel, err error }

func (e *wrapped) Error() string   { return e.err.Error() }
func (e *wrapped) Unwrap() []error { return []error{e.sentinel, e.err} }
