package local

import (
	"fmt"
	"log/slog"
	"time"

	"github.com/clipdb/clipdb/db/engine"
	"github.com/clipdb/clipdb/db/local/keyword"
	"github.com/clipdb/clipdb/index"
)

// Kind names an index.
type Kind string

// The kinds of index.
const (
	Auto  Kind = ""      // what the file has; in new files flat up to FlatLimit vectors, hnsw from there on
	Flat  Kind = "flat"  // compares with every vector: exact
	HNSW  Kind = "hnsw"  // graph over the codes that IndexOptions.Quant names
	Scan  Kind = "scan"  // compares 1-bit codes of every vector, exact re-ranking: the least memory, quick to build; see docs/recall.md for when it is fast
	Coder Kind = "coder" // adapter of github.com/coder/hnsw; see docs/recall.md before choosing it; not on Windows
)

// Quant names what the graph of HNSW computes distances on. See docs/recall.md
// for the memory that each takes.
type Quant string

// The kinds of codes.
const (
	QuantInt8     Quant = "int8"      // a byte a component, the best ranked by the exact vectors: the default
	QuantInt8Only Quant = "int8-only" // the same without exact vectors: scores are estimates, off by about 4e-4
	QuantFloat32  Quant = "float32"   // the vectors themselves, all in memory
)

// FlatLimit is the number of vectors above which Auto takes a graph: up to it
// comparing with all of them is as quick.
const FlatLimit = 2000

// IndexOptions say how vectors are indexed. The zero value is good for new
// files, and takes what existing files have.
type IndexOptions struct {
	Kind           Kind
	M              int // links of a node of the graph, twice that on the ground layer; 0 means 16
	EfConstruction int // effort of building; 0 means 200

	// Quant says what the graph computes distances on; "" means what the file
	// has, int8 in new ones. The other kinds of index have no choice.
	Quant Quant

	EfSearch int // effort of searching when a query names neither effort nor recall; 0 means 64

	// Recall is aimed at by searches that name neither effort nor recall; 0
	// means EfSearch for pictures, and 0.95 for texts.
	Recall float32
}

// Options of Open. Nil is the zero value.
type Options struct {
	// ReadOnly opens an existing file without changing it. Several processes
	// may do so at the same time.
	ReadOnly bool

	// LockTimeout is how long to wait for another process to let go of the
	// file; zero means one second.
	LockTimeout time.Duration

	// Index says how vectors are indexed. A file whose index was made with
	// other than zero options that differ is indexed again when it is opened.
	Index IndexOptions

	// VectorMemory bounds the exact vectors that are kept in memory for
	// re-ranking, in bytes; the others are read from the file when they are
	// needed. Zero means 256 MiB, below zero none.
	VectorMemory int64

	// Language is that of captions, for searching by keywords: the ISO 639-1
	// code of da, de, en, es, fi, fr, it, nl, no, pt or sv, whose stemmer and
	// stop words serve Latin script; "" means en, "none" takes words as they
	// are. Nothing of it is stored.
	Language string

	// Audit switches the audit log of the file on or off. The zero value
	// leaves it as it is; in new files it is off.
	Audit Audit

	// Listener hears of work that takes time.
	Listener engine.Listener

	// Logger receives what deserves a note. Nil is silent.
	Logger *slog.Logger
}

// DefaultVectorMemory is the zero value of Options.VectorMemory, in bytes.
const DefaultVectorMemory = 256 << 20

func (o *Options) withDefaults() (Options, error) {
	var v Options
	if o != nil {
		v = *o
	}
	if v.Audit > AuditOff {
		return v, fmt.Errorf("no audit setting %d: choose AuditKeep, AuditOn or AuditOff", v.Audit)
	}
	switch v.Index.Kind {
	case Auto, Flat, HNSW, Scan, Coder:
	default:
		return v, fmt.Errorf("no index is called %q: choose flat, hnsw, scan or coder", v.Index.Kind)
	}
	if err := v.Index.checkQuant(); err != nil {
		return v, err
	}
	if v.Index.M < 0 || v.Index.M == 1 || v.Index.M > index.MaxM || v.Index.EfConstruction < 0 || v.Index.EfConstruction > index.MaxEf || v.Index.EfSearch < 0 || v.Index.EfSearch > index.MaxEf {
		return v, fmt.Errorf("index options out of range: M %d (2 to %d), EfConstruction %d and EfSearch %d (1 to %d)", v.Index.M, index.MaxM, v.Index.EfConstruction, v.Index.EfSearch, index.MaxEf)
	}
	if !index.ValidRecall(v.Index.Recall) {
		return v, fmt.Errorf("index options out of range: Recall %v (0 to below 1)", v.Index.Recall)
	}
	if err := keyword.Language(v.Language).Check(); err != nil {
		return v, err
	}
	if v.VectorMemory == 0 {
		v.VectorMemory = DefaultVectorMemory
	}
	if v.Logger == nil {
		v.Logger = slog.New(slog.DiscardHandler)
	}
	return v, nil
}

func (o IndexOptions) checkQuant() error {
	switch o.Quant {
	case "", QuantInt8, QuantInt8Only, QuantFloat32:
	default:
		return fmt.Errorf("no codes are called %q: choose %s, %s or %s; for 1-bit codes take the index %s", o.Quant, QuantInt8, QuantInt8Only, QuantFloat32, Scan)
	}
	if o.Quant != "" && o.Kind != HNSW && o.Kind != Auto {
		return fmt.Errorf("index %s has no codes to choose from: leave Quant (%s) out, or take the index %s", o.Kind, o.Quant, HNSW)
	}
	return nil
}

// code is the name as package index has it.
func (q Quant) code() index.Quant {
	code, _ := index.ParseQuant(string(q)) // "" and what was refused are the default
	return code
}
