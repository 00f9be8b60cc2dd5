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
	MaxBytes  int64    // of pictures held between decoding and storing; 0 means DefaultMaxBytes, 256 MiB
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

	// Encoding is how much of Elapsed the model was at work. Near to Elapsed
	// the model is what limits the speed, and a smaller kind of it or another
	// Provider would be faster; far below, decoding or the disk is, and more
	// Workers may help.
	Encoding time.Duration
}

// EncoderShare is the share of the time that the model was at work, from 0 to 1.
func (r BatchReport) EncoderShare() float64 {
	if r.Elapsed <= 0 {
		return 0
	}
	return min(1, r.Encoding.Seconds()/r.Elapsed.Seconds())
}

// MaxReported is how many failures a BatchReport lists.
const MaxReported = 1000

func (r BatchReport) String() string {
	return fmt.Sprintf("%d added, %d replaced, %d skipped, %d failed in %v, the model at work for %.0f %% of it",
		r.Added, r.Replaced, r.Skipped, r.Failed, r.Elapsed.Round(time.Millisecond), 100*r.EncoderShare())
}

// InsertAll stores the items of a sequence. Pictures are decoded and, where the
// encoder is an encoder.Preparer, resized beside the model's work, and items are committed in groups: after half a second, 256
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
	if o.MaxBytes <= 0 {
		o.MaxBytes = DefaultMaxBytes
	}
	b := newBatch(d, o)
	err := b.run(ctx, items)
	b.report.Elapsed, b.report.Encoding = time.Since(b.start), b.encoding
	return b.report, err
}
