package db

import (
	"errors"

	"github.com/clipdb/clipdb/db/engine"
	"github.com/clipdb/clipdb/encoder"
	"github.com/clipdb/clipdb/encoder/pixel"
)

// Errors of items and queries. Errors returned wrap them with what, where and
// what to do; test with errors.Is.
var (
	// ErrNotFound is returned when no item has the id.
	ErrNotFound = engine.ErrNotFound
	// ErrExists is returned when an item is to be inserted under an id that
	// is taken.
	ErrExists = engine.ErrExists
	// ErrDimension is returned when a vector has not the database's
	// dimension. It comes as a *DimensionError.
	ErrDimension = engine.ErrDimension
	// ErrVector is returned for vectors with NaN or infinite components, for
	// vectors without length, and for queries whose parts cancel out.
	ErrVector = engine.ErrVector
	// ErrLimit is returned when an id, a caption, an attribute or a filter is
	// beyond its limit or is not UTF-8.
	ErrLimit = engine.ErrLimit
	// ErrFilter is returned for filters that say nothing sensible.
	ErrFilter = engine.ErrFilter
	// ErrItem is returned for items with neither a picture nor a vector.
	ErrItem = errors.New("item has neither an image nor a vector")
	// ErrProvenance is returned for items whose reserved attributes of
	// provenance have another type than their meaning asks for.
	ErrProvenance = errors.New("provenance cannot be used")
	// ErrQuery is returned for queries that say nothing.
	ErrQuery = errors.New("query cannot be answered")
	// ErrText is returned for text that the model cannot take: not UTF-8, or
	// longer than MaxText.
	ErrText = encoder.ErrBadText
)

// Errors of pictures. ErrImageTruncated and ErrImageEmpty are ErrImageFormat
// too.
var (
	// ErrImageFormat is returned for bytes that are no picture of a known
	// format, or a damaged one.
	ErrImageFormat = pixel.ErrFormat
	// ErrImageTruncated is returned for pictures that end too soon.
	ErrImageTruncated = pixel.ErrTruncated
	// ErrImageEmpty is returned for pictures of no bytes.
	ErrImageEmpty = pixel.ErrEmpty
	// ErrImageTooLarge is returned for pictures of more bytes or pixels than
	// the options allow.
	ErrImageTooLarge = pixel.ErrTooLarge
)

// Errors of the model.
var (
	// ErrNoEncoder is returned by calls that need a model when the database
	// was opened without one.
	ErrNoEncoder = errors.New("database was opened without a model")
	// ErrNoRuntime is returned by calls that need the model when the library
	// that runs it cannot be found. The message lists what was tried and the
	// command that mends it.
	ErrNoRuntime = encoder.ErrNoRuntime
	// ErrModelMismatch is returned when vectors of one model meet a database
	// of another. It comes as a *MismatchError.
	ErrModelMismatch = engine.ErrModelMismatch
	// ErrLicence is returned when the licence of a model is not among those
	// that the options allow.
	ErrLicence = encoder.ErrLicence
)

// Errors of the database's file and state.
var (
	// ErrClosed is returned by calls on a closed database.
	ErrClosed = engine.ErrClosed
	// ErrLocked is returned when another process holds the file.
	ErrLocked = engine.ErrLocked
	// ErrReadOnly is returned by changes to a database opened read-only.
	ErrReadOnly = engine.ErrReadOnly
	// ErrCorrupt is returned when stored bytes fail their checks.
	ErrCorrupt = engine.ErrCorrupt
	// ErrNewerFormat is returned for files of a later format than this
	// program knows.
	ErrNewerFormat = engine.ErrNewerFormat
	// ErrNotDatabase is returned when a file is something else.
	ErrNotDatabase = engine.ErrNotDatabase
)

// Errors with details, for errors.As.
type (
	// DimensionError tells the two dimensions of an ErrDimension.
	DimensionError = engine.DimensionError
	// MismatchError names the two models of an ErrModelMismatch.
	MismatchError = engine.MismatchError
)
