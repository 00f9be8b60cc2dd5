package clipdb

import (
	"cmp"
	"errors"
	"log/slog"
	"time"

	"github.com/clipdb/clipdb/db"
	"github.com/clipdb/clipdb/db/local"
	"github.com/clipdb/clipdb/encoder"
	"github.com/clipdb/clipdb/encoder/builtin"
	"github.com/clipdb/clipdb/encoder/onnx"
)

// DB is an open database. See package db for its methods.
type DB = db.DB

// Options of Open. Nil and the zero value are good defaults: the built-in
// model, one file, originals and thumbnails kept.
type Options struct {
	// Encoder is the model to use in the place of the built-in one. The
	// caller closes it, after the database.
	Encoder Encoder

	// Model says how the built-in model runs, such as its execution provider;
	// nil runs it on the CPU with Logger and Runtime.
	Model *ModelOptions

	// NoModel opens the database without any model. It then takes and finds
	// the caller's own vectors only, and opens files of every model.
	NoModel bool

	// Runtime is the path of the ONNX Runtime library, or of the folder that
	// holds it, for the built-in model; "" looks in the usual places.
	Runtime string

	ReadOnly    bool          // open an existing file without changing it
	LockTimeout time.Duration // how long to wait for another process; 0 means one second

	Index        IndexOptions // how vectors are indexed
	VectorMemory int64        // bytes of exact vectors kept in memory; 0 means 256 MiB, below zero none

	// AllowedLicences are SPDX identifiers. With any, a database or encoder
	// whose model is under another licence is refused with ErrLicence.
	AllowedLicences []string

	// Sensitive rates each picture that is stored for sensitive content; nil,
	// the default, rates none. Read its caveats first.
	Sensitive *SensitiveOptions

	Audit Audit // switches the file's audit log on or off; AuditKeep leaves it as it is, off in new files

	Images         ImagePolicy // what of a picture is stored: KeepOriginal by default
	MaxImageBytes  int64       // largest picture taken; 0 means 64 MiB
	MaxImagePixels int64       // largest picture taken; 0 means 100 million
	Workers        int         // pictures decoded at the same time; 0 means one for each CPU, at most four

	// Language is that of captions, for searching by keywords: da, de, en, es,
	// fi, fr, it, nl, no, pt, sv or none; "" means en. It says how words of
	// Latin script are stemmed, is not stored, and may differ with every Open.
	Language string

	Listener Listener     // hears of work that takes time
	Logger   *slog.Logger // receives what deserves a note; nil is silent
}

// Open opens the database file at path, and makes it when it does not exist.
//
// The model is loaded by the first call that needs it. Without ONNX Runtime
// such calls return ErrNoRuntime, and the caller's own vectors work.
//
// It returns ErrLocked when another process holds the file, ErrModelMismatch
// when it was written with another model, ErrLicence when the licence of its
// model is not allowed, ErrNewerFormat, ErrNotDatabase or
// ErrCorrupt when it cannot be read.
func Open(path string, opts *Options) (*DB, error) {
	var o Options
	if opts != nil {
		o = *opts
	}
	eng, err := local.Open(path, &local.Options{
		ReadOnly: o.ReadOnly, LockTimeout: o.LockTimeout, Index: o.Index, VectorMemory: o.VectorMemory, Audit: o.Audit,
		Language: o.Language, Listener: o.Listener, Logger: o.Logger,
	})
	if err != nil {
		return nil, err
	}
	d := &db.Options{
		Encoder: o.Encoder, Images: o.Images, MaxImageBytes: o.MaxImageBytes, MaxImagePixels: o.MaxImagePixels,
		Workers: o.Workers, Logger: o.Logger, AllowedLicences: o.AllowedLicences, Sensitive: o.Sensitive,
	}
	if o.Encoder == nil && !o.NoModel {
		how := ModelOptions{Library: o.Runtime, Logger: o.Logger}
		if o.Model != nil {
			how = *o.Model
			how.Library = cmp.Or(how.Library, o.Runtime)
		}
		enc, err := BuiltinModel(&how)
		if err != nil {
			return nil, errors.Join(err, eng.Close())
		}
		d.Encoder, d.EncoderIsDefault, d.CloseEncoder = enc, true, true
	}
	return db.Open(eng, d)
}

// ModelOptions say how models run. See package encoder/onnx.
type ModelOptions = onnx.Options

// BuiltinModel returns the built-in model, for programs that share it between
// databases or use it without one. It loads nothing before it is used. Nil
// options are good.
func BuiltinModel(opts *ModelOptions) (Encoder, error) {
	enc, err := builtin.New(opts)
	if err != nil {
		return nil, err // not a nil *onnx.Encoder in an interface
	}
	return enc, nil
}

// Encoder turns pictures and texts into vectors. See package encoder.
type Encoder = encoder.Encoder

// Model describes what an encoder computes.
type Model = encoder.Model

// Card says what a model is, what it learnt from and where it errs.
type Card = encoder.Card

// IndexOptions say how vectors are indexed.
type IndexOptions = local.IndexOptions

// The kinds of index for IndexOptions.Kind.
const (
	IndexAuto  = local.Auto  // flat for small collections, hnsw for others
	IndexFlat  = local.Flat  // exact
	IndexHNSW  = local.HNSW  // graph over the codes of IndexOptions.Quant
	IndexScan  = local.Scan  // 1-bit codes of every vector with exact re-ranking: the least memory
	IndexCoder = local.Coder // adapter of github.com/coder/hnsw
)

// The codes of the graph for IndexOptions.Quant.
const (
	QuantInt8     = local.QuantInt8     // the default
	QuantInt8Only = local.QuantInt8Only // without exact re-ranking
	QuantFloat32  = local.QuantFloat32  // the vectors themselves
)

// Audit says whether a file keeps an audit log: Options.Audit. See DB.Audit.
type Audit = local.Audit

// What Options.Audit can be.
const (
	AuditKeep = local.AuditKeep // as the file has it: off in new files
	AuditOn   = local.AuditOn   // from this opening on, and in later ones
	AuditOff  = local.AuditOff  // no longer; what is in the log stays
)
