package engine

import (
	"context"
	"io"
	"iter"
	"time"
)

// Engine keeps records with their vectors and finds the nearest ones. Every
// method is safe for several goroutines. After Close all of them but Close
// and Caps return ErrClosed. Package enginetest holds the suite that each
// engine passes.
//
// Methods that an engine cannot offer return errors.ErrUnsupported, and Caps
// tells so beforehand.
type Engine interface {
	// Caps says what the engine can do. It does no work.
	Caps() Caps

	// Spec says whose vectors the engine holds; zero before the first Bind.
	Spec() Spec

	// Bind declares whose vectors Put will bring. An engine without records
	// takes any spec; one with records returns a *MismatchError or a
	// *DimensionError for another spec than its own. It returns ErrReadOnly
	// where the spec would have to be written.
	Bind(ctx context.Context, spec Spec) error

	// Put stores a batch: when it returns no error, what the results call
	// created or replaced is durable, and searches that begin now see it.
	// Records of a batch are taken in order, so of two equal ids the second
	// meets the first. A record that cannot be stored has its error in its
	// result and does not hold the others back. When Put returns an error
	// nothing of the batch is stored.
	//
	// Created and Updated are set by the engine where they are zero; a
	// replacement keeps the Created of what it replaces and has a later
	// Updated, by which a change of the record is known; with Renew, the
	// Updated that is given is that of the record to be replaced. Image.Original and
	// Image.Thumbnail are stored when not nil. The engine does not keep the
	// slices it is given after Put returns.
	Put(ctx context.Context, records []Record, mode PutMode) ([]PutResult, error)

	// Get returns one record, or ErrNotFound.
	Get(ctx context.Context, id string, fetch Fetch) (*Record, error)

	// Exists tells for each id whether a record has it.
	Exists(ctx context.Context, ids []string) ([]bool, error)

	// DeleteUnchanged removes those of the records that are as they were when
	// their Updated was read, and returns their ids in the order given. It
	// compares and removes in one step; what changed or went meanwhile is
	// passed over.
	DeleteUnchanged(ctx context.Context, versions []Version) ([]string, error)

	// Delete removes records and returns how many there were. Ids that no
	// record has are passed over. Deleted records are in no later answer;
	// their bytes leave the file with Compact at the latest.
	Delete(ctx context.Context, ids []string) (int, error)

	// Search returns at most q.K hits, best score first and equal scores in
	// an order that repeats. Fewer hits are no error.
	Search(ctx context.Context, q Query) ([]Hit, error)

	// Sample returns the vectors of n records, or of all where there are
	// fewer, chosen without regard to what they are: the same ones as long as
	// none come or go, also when the database is opened again.
	Sample(ctx context.Context, n int) (Sample, error)

	// All yields the records that pass the filter, by rising id, starting
	// after the id in scan. The caller may change the engine while it
	// iterates; it then sees some state of each record. The sequence ends
	// after the first error it yields.
	All(ctx context.Context, scan Scan) iter.Seq2[*Record, error]

	// PutFailures remembers items that could not be stored. A later Put or
	// Delete of the id forgets them.
	PutFailures(ctx context.Context, failures []Failure) error

	// Failures yields what PutFailures remembered, by rising id.
	Failures(ctx context.Context) iter.Seq2[Failure, error]

	// Reembedding tells what BeginReembed has begun; a status without a
	// bound spec is no reembedding.
	Reembedding(ctx context.Context) (ReembedStatus, error)

	// BeginReembed makes room for a second set of vectors, of spec, beside
	// the served ones. When a set of that spec is there already it goes on
	// with it; one of another spec is dropped. Searches, Put and Delete go on
	// with the served vectors.
	BeginReembed(ctx context.Context, spec Spec) (ReembedStatus, error)

	// Pending yields, by rising id and without their large parts, the records
	// that have no vector in the second set.
	Pending(ctx context.Context) iter.Seq2[*Record, error]

	// PutReembedded stores vectors of the second set durably and returns how
	// many it took. A record that is gone meanwhile, or has another picture
	// than Reembedded.Image, is passed over: the vector would not be its own.
	PutReembedded(ctx context.Context, vectors []Reembedded) (int, error)

	// FinishReembed puts the second set in the place of the served one, in
	// one durable step, together with the deletion of those records of drop
	// that have no vector in it and have not been written since. Searches are
	// served by the old vectors until that step and by the new ones from then
	// on; Put and Delete wait while the index of the new vectors is built. When records without a vector
	// remain nothing changes, and the error wraps ErrPending.
	FinishReembed(ctx context.Context, drop []Version) error

	// AbortReembed drops the second set.
	AbortReembed(ctx context.Context) error

	// Audit yields the audit log, oldest entry first: all of it, or what
	// concerns one id.
	Audit(ctx context.Context, id string) iter.Seq2[AuditEntry, error]

	// WriteTo writes a copy of the whole database as it is at one moment;
	// readers and writers go on meanwhile.
	WriteTo(w io.Writer) (int64, error)

	// Compact gives unused space back and erases what was deleted for good.
	Compact(ctx context.Context) error

	// Verify reads everything and reports what is wrong. The error tells
	// that the check could not be finished, not that it found something.
	Verify(ctx context.Context) (VerifyReport, error)

	// Stats are cheap to take.
	Stats(ctx context.Context) (Stats, error)

	// Warm loads what the first search would otherwise wait for.
	Warm(ctx context.Context) error

	// Close makes everything durable and lets go of file, memory and
	// goroutines. It waits for calls in flight. A second Close does nothing.
	Close() error
}

// Caps say what an engine can do.
type Caps struct {
	Name     string // "local", ...
	ReadOnly bool   // changes return ErrReadOnly
	Images   bool   // originals and thumbnails are kept
	Exact    bool   // Query.Exact is honoured
	Backup   bool   // WriteTo works
	Compact  bool   // Compact works
	Verify   bool   // Verify works
	Keywords bool   // Query.Keywords is honoured
	Reembed  bool   // a second set of vectors can be made beside the served ones
	Audit    bool   // an audit log is kept, where the owner has switched it on
}

// PutMode says what Put does about ids that exist.
type PutMode uint8

// The modes of Put.
const (
	Create  PutMode = iota // an id that exists gets ErrExists
	Replace                // an id that exists is replaced whole
	Renew                  // an id whose record has the same Updated is replaced whole; others get ErrChanged
)

// Version is a record as it was at some time.
type Version struct {
	ID      string
	Updated time.Time
}

// PutStatus says what became of one record of a Put.
type PutStatus uint8

// What can become of a record.
const (
	Refused  PutStatus = iota // see PutResult.Err
	Created                   // stored under a new id
	Replaced                  // stored in the place of another
)

// PutResult tells what became of one record of a Put.
type PutResult struct {
	Status PutStatus
	Err    error
}

// Fetch says which of a record's large parts to read.
type Fetch struct {
	Vector    bool
	Original  bool
	Thumbnail bool
}

// Scan says what All yields.
type Scan struct {
	After  string // ids up to and including this one are passed over
	Filter Filter
	Fetch  Fetch
}

// Side says where a query vector comes from. Text vectors lie outside the
// cloud of image vectors, which an engine may serve in another way.
type Side uint8

// The sides of a query.
const (
	SideImage Side = iota
	SideText
)

// Query asks for the nearest records by cosine.
type Query struct {
	Vector   []float32 // unit length
	K        int       // at least 1
	Filter   Filter    // zero passes everything
	Ef       int       // effort of an approximate search; 0 takes Recall
	Recall   float32   // share of the nearest to be found, below 1, when Ef is 0; 0 takes the engine's default
	Exact    bool      // compare with every record that passes the filter
	MinScore float32   // hits below are left out; zero leaves none out
	Cut      float32   // the same, but it spares hits that Keywords vouch for: see Spared
	Side     Side
	Fetch    Fetch

	// Keywords ranks by the words of captions too; nil by vectors alone. Then
	// Vector may be nil, which ranks by keywords alone and takes neither
	// MinScore nor Cut.
	Keywords *Keywords

	// Spec says whose vectors Vector compares with. When it is bound and not
	// the engine's own, Search returns its mismatch. Zero compares the
	// dimensions alone.
	Spec Spec
}

// Hit is one answer of a search.
type Hit struct {
	Record *Record
	Score  float32 // cosine with the query, from -1 to 1; 0 for a query without a vector

	// Of queries with Keywords, else zero:
	Keyword float32 // how well the caption fits the words; 0 when it has none of them
	Fused   float32 // what the hits are ordered by
}

// Failure is an item that could not be stored.
type Failure struct {
	ID     string
	Reason string
	Time   time.Time
}
