package db

import (
	"context"
	"fmt"
	"iter"
	"time"
)

// OnExists says what InsertAll does about items whose id is stored.
type OnExists uint8

// What to do about items whose id is stored.
const (
	Skip    OnExists = iota // leave the stored one, without reading the picture
	Fail                    // report ErrExists
	Replace                 // store the new one in its place
)

// BatchOptions say how InsertAll works. Nil is the zero value.
type BatchOptions struct {
	Workers   int      // pictures decoded at the same time, beside the model's work; 0 takes Options.Workers
	BatchSize int      // pictures given to the model at once; 0 means 16
	OnExists  OnExists // Skip by default, so that a second run continues the first
	Total     int      // items expected, for Progress; 0 when unknown

	// Progress is called after each group of items, committed, skipped or
	// failed: about twice a second.
	Progress func(Progress)

	// Result is called for each item, in the order of the sequence, once the
	// item is durable or has failed for good. Calls of Progress and Result do
	// not overlap; both must be quick.
	Result func(ItemResult)
}

// Status says what became of an item.
type Status uint8

// What can become of an item.
const (
	Failed Status = iota
	Added
	Replaced
	Skipped
)

func (s Status) String() string {
	switch s {
	case Failed:
		return "failed"
	case Added:
		return "added"
	case Replaced:
		return "replaced"
	case Skipped:
		return "skipped"
	}
	return "unknown"
}

// ItemResult tells what became of one item of InsertAll.
type ItemResult struct {
	Index  int    // position in the sequence, from 0
	ID     string // "" when the item failed before it got one
	Source string // Item.Source, or the path of File
	Status Status
	Err    error // why it failed
}

// Progress tells how far InsertAll is.
type Progress struct {
	Done     int // items added, replaced, skipped and failed
	Total    int // BatchOptions.Total
	Added    int
	Replaced int
	Skipped  int
	Failed   int
	Elapsed  time.Duration
	Rate     float64       // items a second, over the last ten seconds or so
	ETA      time.Duration // time left at that rate; 0 when unknown
}

// BatchReport sums InsertAll up.
type BatchReport struct {
	Added, Replaced, Skipped, Failed int

	// Failures are the first MaxReported items that failed. Each of them is
	// also kept in the database: see DB.Failures.
	Failures []ItemResult

	Elapsed time.Duration
}

// MaxReported is how many failures a BatchReport lists.
const MaxReported = 1000

func (r BatchReport) String() string {
	return fmt.Sprintf("%d added, %d replaced, %d skipped, %d failed in %v", r.Added, r.Replaced, r.Skipped, r.Failed, r.Elapsed.Round(time.Millisecond))
}

// InsertAll stores the items of a sequence. Pictures are decoded beside the
// model's work, and items are committed in groups: after half a second, 256
// items or 32 MiB, whichever comes first. What is committed stays, whatever
// comes after.
//
// An item that cannot be stored is counted, reported and remembered (see
// Failures), and the next one is taken. Items that are there already are
// skipped by default, so after an interruption the same call continues where
// the last one ended.
//
// When ctx ends, items whose vectors are known are still committed, and
// ctx.Err() is returned with the report. Other errors end the run too: a
// database that cannot be written, a model that cannot run.
//
// The sequence is read in the caller's goroutine. It may use the database.
func (d *DB) InsertAll(ctx context.Context, items iter.Seq[Item], opts *BatchOptions) (BatchReport, error) {
	if err := d.writable(ctx); err != nil {
		return BatchReport{}, err
	}
	var o BatchOptions
	if opts != nil {
		o = *opts
	}
	if o.Workers <= 0 {
		o.Workers = d.opts.Workers
	}
	if o.BatchSize <= 0 {
		o.BatchSize = 16
	}
	b := newBatch(d, o)
	err := b.run(ctx, items)
	b.report.Elapsed = time.Since(b.start)
	return b.report, err
}
