package clipdb

import (
	"io"
	"time"

	"github.com/clipdb/clipdb/db"
	"github.com/clipdb/clipdb/db/engine"
)

// Names of package db that programs type.
type (
	ID               = db.ID
	Item             = db.Item
	Record           = db.Record
	ImageInfo        = db.ImageInfo
	Fetch            = db.Fetch
	Query            = db.Query
	Match            = db.Match
	Answer           = db.Answer
	Warning          = db.Warning
	WarningKind      = db.WarningKind
	SearchOptions    = db.SearchOptions
	ScanOptions      = db.ScanOptions
	BatchOptions     = db.BatchOptions
	BatchReport      = db.BatchReport
	ItemResult       = db.ItemResult
	Status           = db.Status
	Progress         = db.Progress
	OnExists         = db.OnExists
	Classifier       = db.Classifier
	ClassifyOptions  = db.ClassifyOptions
	LabelScore       = db.LabelScore
	ImagePolicy      = db.ImagePolicy
	Stats            = db.Stats
	VerifyReport     = db.VerifyReport
	Problem          = db.Problem
	Failure          = db.Failure
	Event            = db.Event
	Listener         = db.Listener
	Provenance       = db.Provenance
	Expired          = db.Expired
	ExpireOptions    = db.ExpireOptions
	SensitiveOptions = db.SensitiveOptions
	SensitiveScore   = db.SensitiveScore
	DimensionError   = db.DimensionError
	MismatchError    = db.MismatchError
	Hybrid           = db.Hybrid
	AuditEntry       = db.AuditEntry
	ReembedOptions   = db.ReembedOptions
	ReembedProgress  = db.ReembedProgress
	ReembedReport    = db.ReembedReport

	DuplicateOptions  = db.DuplicateOptions
	DuplicateKind     = db.DuplicateKind
	DuplicateGroup    = db.DuplicateGroup
	DuplicateProgress = db.DuplicateProgress
	Duplicate         = db.Duplicate
)

// What is stored of a picture: Options.Images.
const (
	KeepOriginal  = db.KeepOriginal
	KeepThumbnail = db.KeepThumbnail
	KeepNone      = db.KeepNone
)

// What InsertAll does about ids that exist: BatchOptions.OnExists.
const (
	Skip    = db.Skip
	Fail    = db.Fail
	Replace = db.Replace
)

// What became of an item of InsertAll: ItemResult.Status.
const (
	Failed   = db.Failed
	Added    = db.Added
	Replaced = db.Replaced
	Skipped  = db.Skipped
)

// Why an answer may not be to what was meant: Warning.Kind.
const (
	WarnScript  = db.WarnScript
	WarnUnread  = db.WarnUnread
	WarnUnknown = db.WarnUnknown
)

// What makes items duplicates: DuplicateOptions.Kinds.
const (
	DuplicateExact      = db.DuplicateExact
	DuplicatePerceptual = db.DuplicatePerceptual
	DuplicateCosine     = db.DuplicateCosine
)

// Errors, for errors.Is. Package db says when each is returned.
var (
	ErrNotFound       = db.ErrNotFound
	ErrExists         = db.ErrExists
	ErrClosed         = db.ErrClosed
	ErrLocked         = db.ErrLocked
	ErrReadOnly       = db.ErrReadOnly
	ErrNoRuntime      = db.ErrNoRuntime
	ErrNoEncoder      = db.ErrNoEncoder
	ErrModelMismatch  = db.ErrModelMismatch
	ErrPending        = db.ErrPending
	ErrLicence        = db.ErrLicence
	ErrProvenance     = db.ErrProvenance
	ErrDimension      = db.ErrDimension
	ErrVector         = db.ErrVector
	ErrCorrupt        = db.ErrCorrupt
	ErrNewerFormat    = db.ErrNewerFormat
	ErrNotDatabase    = db.ErrNotDatabase
	ErrImageTooLarge  = db.ErrImageTooLarge
	ErrImageFormat    = db.ErrImageFormat
	ErrImageTruncated = db.ErrImageTruncated
	ErrImageEmpty     = db.ErrImageEmpty
	ErrText           = db.ErrText
	ErrLimit          = db.ErrLimit
	ErrItem           = db.ErrItem
	ErrQuery          = db.ErrQuery
	ErrFilter         = db.ErrFilter
)

// ProvenanceOf reads the provenance out of attributes.
func ProvenanceOf(a Attrs) (Provenance, error) { return db.ProvenanceOf(a) }

// Text looks for pictures that show what the words say.
func Text(text string) Query { return db.Text(text) }

// Image looks for pictures like the one that r holds.
func Image(r io.Reader) Query { return db.Image(r) }

// Like looks for items like the stored one, which is itself left out.
func Like(id string) Query { return db.Like(id) }

// Vector looks for items near the caller's own vector.
func Vector(v []float32) Query { return db.Vector(v) }

// Keywords looks for items whose captions hold the words, without a model.
func Keywords(text string) Query { return db.Keywords(text) }

// File returns a reader of the file at path that opens it at the first Read
// and closes it at its end.
func File(path string) io.Reader { return db.File(path) }

// NewClassifier returns what classifies pictures among labels without a
// database.
func NewClassifier(enc Encoder, labels []string, opts *ClassifyOptions) (*Classifier, error) {
	return db.NewClassifier(labels, opts, &db.Options{Encoder: enc})
}

// Attrs are typed attributes by name.
type Attrs = engine.Attrs

// Value is a typed attribute.
type Value = engine.Value

// String returns a string value.
func String(s string) Value { return engine.String(s) }

// Int returns an integer value.
func Int(i int64) Value { return engine.Int(i) }

// Float returns a floating-point value.
func Float(f float64) Value { return engine.Float(f) }

// Bool returns a truth value.
func Bool(b bool) Value { return engine.Bool(b) }

// Time returns an instant.
func Time(t time.Time) Value { return engine.Time(t) }

// Strings returns a list of strings, such as tags. In filters it matches when
// one of its strings does.
func Strings(list ...string) Value { return engine.Strings(list...) }

// Filter tells which items may be in an answer, by their attributes.
type Filter = engine.Filter

// Eq passes items whose attribute equals v.
func Eq(field string, v Value) Filter { return engine.Eq(field, v) }

// In passes items whose attribute equals one of the values.
func In(field string, values ...Value) Filter { return engine.In(field, values...) }

// Range passes items whose attribute lies from min to max, both included. A
// zero Value leaves its side open.
func Range(field string, min, max Value) Filter { return engine.Range(field, min, max) }

// Less passes items whose attribute is below v.
func Less(field string, v Value) Filter { return engine.Less(field, v) }

// AtMost passes items whose attribute is v or below.
func AtMost(field string, v Value) Filter { return engine.AtMost(field, v) }

// Greater passes items whose attribute is above v.
func Greater(field string, v Value) Filter { return engine.Greater(field, v) }

// AtLeast passes items whose attribute is v or above.
func AtLeast(field string, v Value) Filter { return engine.AtLeast(field, v) }

// Exists passes items that have the attribute.
func Exists(field string) Filter { return engine.Exists(field) }

// And passes items that pass every filter.
func And(filters ...Filter) Filter { return engine.And(filters...) }

// Or passes items that pass at least one filter.
func Or(filters ...Filter) Filter { return engine.Or(filters...) }

// Not passes items that the filter does not pass, items without its attribute
// among them.
func Not(f Filter) Filter { return engine.Not(f) }
