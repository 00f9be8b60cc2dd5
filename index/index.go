package index

import (
	"context"
	"errors"
)

// Slot names a vector inside an index. The caller hands slots out, densely
// from zero; a slot is not used again for another vector while the index
// holds a tombstone for it.
type Slot = uint32

var (
	// ErrDimension is returned when a vector has not the index's dimension.
	ErrDimension = errors.New("wrong vector dimension")
	// ErrVector is returned for vectors with NaN, infinities or no length.
	ErrVector = errors.New("vector is not finite or is zero")
	// ErrSnapshot is returned by Restore for pages that are damaged, of an
	// unknown version or of another configuration: rebuild from the vectors.
	ErrSnapshot = errors.New("index snapshot cannot be used")
	// ErrClosed is returned by calls on a closed index.
	ErrClosed = errors.New("index is closed")
)

// Side says where a query vector comes from. Text vectors lie outside the
// cloud of image vectors (the modality gap), which an index may serve in
// another way.
type Side uint8

// The sides of a query.
const (
	SideImage Side = iota
	SideText
)

// Candidate is one answer of a search.
type Candidate struct {
	Slot  Slot
	Score float32 // cosine with the query, exact after re-ranking
}

// Query asks for the K nearest vectors by cosine.
type Query struct {
	Vector []float32 // unit length, Dim components
	K      int       // at least 1
	Ef     int       // size of the search beam; 0 takes the index's default, and K is its floor
	Exact  bool      // scan every live vector instead of the graph
	Side   Side
	Allow  *Bitmap // nil admits every slot; else only the slots it holds are returned
}

// Vectors reads the exact vectors behind the codes of an index, for
// re-ranking and rebuilding. Implementations are safe for several goroutines.
type Vectors interface {
	// Vector appends the unit vector of slot to dst[:0] and returns it, or
	// false when the slot holds none.
	Vector(slot Slot, dst []float32) ([]float32, bool)
}

// Params describe an index at its making. The zero value of each field
// but Dim is a good default.
type Params struct {
	Dim            int
	M              int     // links per node on the upper layers, 2M on layer 0; default 16
	EfConstruction int     // beam while building; default 200
	EfSearch       int     // beam while searching when Query.Ef is 0; default 64
	Seed           uint64  // of layer draws and rotations; equal seeds and inserts give equal graphs
	Vectors        Vectors // exact vectors for re-ranking; nil keeps a copy in memory
}

// Stats of an index.
type Stats struct {
	Kind           string
	Live           int   // vectors that searches can return
	Tombstones     int   // deleted vectors that still route
	BytesResident  int64 // codes, links and copies held in memory
	BytesPerVector float64
	MaxLevel       int
}

// Index answers nearest-neighbour queries over unit vectors. Every method is
// safe for several goroutines; searches run while vectors are added. Package
// indextest holds the suite that each implementation passes.
type Index interface {
	// Kind is the short name of the implementation: "flat", "hnsw", "coder".
	Kind() string

	// Add inserts vectors[i] under slots[i]. A slot that is live already is
	// refused, as are non-finite vectors (ErrVector) and other dimensions
	// (ErrDimension); then nothing of the call is added. When ctx ends midway
	// the vectors added so far stay, and ctx.Err() is returned.
	Add(ctx context.Context, slots []Slot, vectors [][]float32) error

	// Delete removes slots from every later answer and returns how many of
	// them were live. The caller may use a slot again once Reusable says so.
	Delete(slots ...Slot) int

	// Reusable reports whether slot is free for a new vector.
	Reusable(slot Slot) bool

	// Search returns at most q.K candidates, best score first, equal scores
	// by lower slot. The answer never holds a deleted or disallowed slot.
	Search(ctx context.Context, q Query) ([]Candidate, error)

	// Checkpoint writes the pages that changed since the last Checkpoint or
	// Restore that succeeded; put replaces the page of that key, and page is
	// only valid during the call. An error of put ends it and is returned;
	// then the pages count as unwritten. Pages carry their own checksums.
	Checkpoint(put func(key uint32, page []byte) error) error

	// Restore fills an empty index from the pages that Checkpoint wrote; get
	// returns nil for a page that is not there. It returns ErrSnapshot,
	// leaving the index empty, when the pages cannot be trusted.
	Restore(get func(key uint32) ([]byte, error)) error

	// Stats are cheap to take.
	Stats() Stats

	// Close frees memory and ends background work. A second Close does nothing.
	Close() error
}
