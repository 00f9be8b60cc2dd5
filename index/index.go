package index

import (
	"cmp"
	"context"
	"errors"
	"fmt"
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
	// ErrSlot is returned by Add for a slot that is in use: live, not yet
	// reusable, or named twice.
	ErrSlot = errors.New("slot is in use")
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

// Compare orders answers: better scores first, equal ones by lower slot.
func (c Candidate) Compare(o Candidate) int {
	if d := cmp.Compare(o.Score, c.Score); d != 0 {
		return d
	}
	return cmp.Compare(c.Slot, o.Slot)
}

// Query asks for the K nearest vectors by cosine.
type Query struct {
	Vector []float32 // unit length, Dim components
	K      int       // at least 1
	Ef     int       // size of the search beam; 0 takes Recall, and K is its floor
	Recall float32   // share of the K nearest to be found, below 1, when Ef is 0; 0 takes the index's default
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

// Quant names what an index computes distances on: hnsw on all but QuantBinary,
// scan on that alone.
type Quant uint8

// The kinds of codes.
const (
	QuantInt8     Quant = iota // a byte a component, best candidates re-ranked exactly
	QuantInt8Only              // a byte a component and no re-ranking: scores are estimates
	QuantBinary                // a bit a component, candidates re-ranked exactly
	QuantFloat32               // the vectors themselves
)

var quantNames = [...]string{"int8", "int8-only", "binary", "float32"}

// String is the name of the kind in options and tables.
func (q Quant) String() string {
	if int(q) < len(quantNames) {
		return quantNames[q]
	}
	return fmt.Sprintf("Quant(%d)", uint8(q))
}

// ParseQuant reads what String writes.
func ParseQuant(name string) (Quant, error) {
	for q, n := range quantNames {
		if n == name {
			return Quant(q), nil
		}
	}
	return 0, fmt.Errorf("unknown quantization %q: take one of %v", name, quantNames)
}

// Params describe an index at its making. The zero value of each field
// but Dim is a good default.
type Params struct {
	Dim            int     // components of a vector, 1 to MaxDim
	M              int     // links per node on the upper layers, 2M on layer 0; default 16, 2 to MaxM
	EfConstruction int     // beam while building; default 200
	EfSearch       int     // beam while searching when a query names neither Ef nor Recall; default 64
	Recall         float32 // recall aimed at when a query names neither; 0 searches with EfSearch
	Seed           uint64  // of layer draws and rotations; equal seeds and inserts give equal graphs
	Quant          Quant   // what distances are computed on; default QuantInt8
	Workers        int     // goroutines of one Add; default GOMAXPROCS. The graph does not depend on it
	Vectors        Vectors // exact vectors for re-ranking; nil keeps a copy in memory
}

// Limits of Params and of slots.
const (
	MaxDim  = 32768
	MaxM    = 128
	MaxEf   = 1 << 16
	MaxSlot = 1<<30 - 1 // largest slot
)

// WithDefaults fills the zero fields and refuses what is out of range.
func (p Params) WithDefaults() (Params, error) {
	if p.M == 0 {
		p.M = 16
	}
	if p.EfConstruction == 0 {
		p.EfConstruction = 200
	}
	if p.EfSearch == 0 {
		p.EfSearch = 64
	}
	switch {
	case p.Dim < 1 || p.Dim > MaxDim:
		return p, fmt.Errorf("index: dimension %d is not in 1..%d: %w", p.Dim, MaxDim, ErrDimension)
	case p.M < 2 || p.M > MaxM:
		return p, fmt.Errorf("index: M %d is not in 2..%d", p.M, MaxM)
	case p.EfConstruction < 1 || p.EfConstruction > MaxEf || p.EfSearch < 1 || p.EfSearch > MaxEf:
		return p, fmt.Errorf("index: ef %d and %d are not in 1..%d", p.EfConstruction, p.EfSearch, MaxEf)
	case !ValidRecall(p.Recall):
		return p, fmt.Errorf("index: recall %v is not from 0 to below 1", p.Recall)
	case p.Workers < 0:
		return p, fmt.Errorf("index: %d workers", p.Workers)
	case int(p.Quant) >= len(quantNames):
		return p, fmt.Errorf("index: unknown quantization %v", p.Quant)
	}
	return p, nil
}

// ValidRecall reports whether r can be asked for: from 0, which asks for
// nothing, to below 1, which is Query.Exact.
func ValidRecall(r float32) bool { return r >= 0 && r < 1 }

// Stats of an index.
type Stats struct {
	Kind           string
	Live           int   // vectors that searches can return
	Tombstones     int   // deleted vectors that still route
	BytesResident  int64 // codes, links and copies held in memory
	BytesPerVector float64
	MaxLevel       int
	Work           Work
}

// Work is what searches have cost since the index was made, for measuring: an
// index that does not count leaves it zero.
type Work struct {
	Searches int64 // that were answered
	Codes    int64 // codes, or vectors in their place, that were scored
	Bits     int64 // 1-bit codes that were compared
	Exact    int64 // exact vectors that were read to rank the best
}

// Calibrated is an index that measures which effort finds what. It is asked
// for recall by Query.Recall.
type Calibrated interface {
	Index

	// Calibrations tells what is known now, by side; nothing before recall was
	// asked for.
	Calibrations() []Calibration

	// Calibrate measures a side now. Searches that ask for recall start it by
	// themselves, in the background.
	Calibrate(ctx context.Context, side Side) error
}

// Calibration tells what an index has measured about itself: recall@10 by
// beam, on the careful side, against all but exact scans of sampled queries.
type Calibration struct {
	Side    Side
	Passing float32 // share of the vectors that a filter let through at random; 1 is without a filter
	Live    int     // vectors when it was measured
	Queries int     // that were sampled
	Ef      []int
	Recall  []float32 // by entry of Ef
}

// Index answers nearest-neighbour queries over unit vectors. Every method is
// safe for several goroutines; searches run while vectors are added. Package
// indextest holds the suite that each implementation passes.
type Index interface {
	// Kind is the short name of the implementation: "flat", "hnsw", "scan",
	// "coder".
	Kind() string

	// Add inserts vectors[i] under slots[i]. A slot that is in use is refused
	// (ErrSlot), as are non-finite and zero vectors (ErrVector) and other
	// dimensions (ErrDimension); then nothing of the call is added. When ctx
	// ends midway the vectors added so far stay, always the first ones of
	// the call, and ctx.Err() is returned. Vectors are taken as unit length;
	// what is slightly off is normalised in the index's own copy.
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
