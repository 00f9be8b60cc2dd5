package db

import (
	"log/slog"
	"runtime"

	"github.com/clipdb/clipdb/db/engine"
	"github.com/clipdb/clipdb/encoder"
	"github.com/clipdb/clipdb/encoder/pixel"
)

// MaxText is the longest text of a query or a label, in bytes. Models read
// far less and cut the rest.
const MaxText = 64 << 10

// ThumbnailSide is the longer side of thumbnails, in pixels.
const ThumbnailSide = 256

// ImagePolicy says what of a picture is stored.
type ImagePolicy uint8

// The image policies. The sha256, format and size of a picture are stored
// under each of them.
const (
	KeepOriginal  ImagePolicy = iota // the bytes as given, and a thumbnail
	KeepThumbnail                    // a thumbnail alone
	KeepNone                         // neither
)

func (p ImagePolicy) String() string {
	switch p {
	case KeepOriginal:
		return "original"
	case KeepThumbnail:
		return "thumbnail"
	case KeepNone:
		return "none"
	}
	return "unknown"
}

// Options of Open. The zero value is good for the caller's own vectors.
type Options struct {
	// Encoder turns pictures and texts into vectors. Without one, calls that
	// need it return ErrNoEncoder.
	Encoder encoder.Encoder

	// EncoderIsDefault says that nobody chose the encoder for this database.
	// Then a database of the caller's own vectors opens all the same, and
	// vectors of the caller's own make a new database theirs. Otherwise the
	// caller's vectors are taken to come from the encoder's model.
	EncoderIsDefault bool

	// CloseEncoder makes Close close the encoder. Leave it false to share an
	// encoder between databases.
	CloseEncoder bool

	// AllowedLicences are SPDX identifiers. With any, Open refuses an encoder,
	// and a database, whose model is under another licence, with ErrLicence.
	// See encoder.CheckLicence.
	AllowedLicences []string

	// Sensitive rates each picture that is stored for sensitive content; nil,
	// the default, rates none. See SensitiveOptions.
	Sensitive *SensitiveOptions

	// Images says what of a picture is stored; KeepOriginal by default.
	Images ImagePolicy

	// MaxImageBytes and MaxImagePixels bound the pictures that are taken,
	// stored or queried with. Zero means 64 MiB and 100 million.
	MaxImageBytes  int64
	MaxImagePixels int64

	// TextCache is how many texts of queries have their vectors kept in memory,
	// the latest ones; zero means 1,024, below zero none. Unless it is below
	// zero, those of up to MaxLabels labels of Classify are kept beside them.
	TextCache int

	// Workers is how many pictures are decoded at the same time; zero means
	// one for each CPU, at most four.
	Workers int

	// Logger receives what deserves a note. Nil is silent.
	Logger *slog.Logger
}

func (o *Options) withDefaults() Options {
	var v Options
	if o != nil {
		v = *o
	}
	if v.MaxImageBytes <= 0 {
		v.MaxImageBytes = pixel.DefaultMaxBytes
	}
	if v.MaxImagePixels <= 0 {
		v.MaxImagePixels = pixel.DefaultMaxPixels
	}
	if v.TextCache == 0 {
		v.TextCache = DefaultTextCache
	}
	if v.Workers <= 0 {
		v.Workers = min(4, runtime.GOMAXPROCS(0))
	}
	if v.Logger == nil {
		v.Logger = slog.New(slog.DiscardHandler)
	}
	return v
}

// Names of the seam that programs type. See package engine.
type (
	// Record is an item as it is stored.
	Record = engine.Record
	// ImageInfo describes the picture of a record.
	ImageInfo = engine.Image
	// Attrs are typed attributes by name.
	Attrs = engine.Attrs
	// Value is a typed attribute.
	Value = engine.Value
	// Filter tells which items may be in an answer.
	Filter = engine.Filter
	// Fetch says which large parts of a record to read.
	Fetch = engine.Fetch
	// Failure is an item that could not be stored.
	Failure = engine.Failure
	// Stats describe a database.
	Stats = engine.Stats
	// VerifyReport tells what Verify found.
	VerifyReport = engine.VerifyReport
	// Problem is one thing that Verify found wrong.
	Problem = engine.Problem
	// Event tells about work that takes time.
	Event = engine.Event
	// Listener receives events.
	Listener = engine.Listener
)
