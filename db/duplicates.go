package db

import (
	"context"
	"fmt"
	"iter"
	"math"
	"strings"
	"time"

	"github.com/clipdb/clipdb/internal/hamming"
)

// DuplicateKind says what makes two items duplicates of each other. Kinds are
// joined with |.
type DuplicateKind uint8

// The kinds of evidence, strongest first.
const (
	// DuplicateExact: the files have the same bytes (sha256).
	DuplicateExact DuplicateKind = 1 << iota
	// DuplicatePerceptual: the pictures look alike. Their perceptual hashes
	// (pixel.RGB.PerceptualHash), made from the stored thumbnails, or else
	// originals, differ in few of their 64 bits.
	DuplicatePerceptual
	// DuplicateCosine: the vectors have a high cosine.
	DuplicateCosine

	allDuplicateKinds = DuplicateExact | DuplicatePerceptual | DuplicateCosine
)

// String names the kinds, joined by commas.
func (k DuplicateKind) String() string {
	var names []string
	for i, name := range []string{"exact", "perceptual", "cosine"} {
		if k&(1<<i) != 0 {
			names = append(names, name)
		}
	}
	return strings.Join(names, ",")
}

// Defaults and limits of DuplicateOptions. docs/duplicates.md has the
// measurements they come from.
const (
	DefaultDuplicateDistance = 8
	MaxDuplicateDistance     = hamming.MaxDistance
	DefaultDuplicateScore    = 0.97
)

// DuplicateOptions say what Duplicates looks for. Nil is the zero value.
type DuplicateOptions struct {
	// Kinds are the kinds of evidence that count, any of which is enough; zero
	// means DuplicateExact | DuplicatePerceptual.
	Kinds DuplicateKind

	// Distance is the most bits, of 64, in which perceptual hashes may differ,
	// at most MaxDuplicateDistance. Zero means DefaultDuplicateDistance, below
	// zero equal hashes alone.
	Distance int

	// MinScore is the least cosine, above 0 and at most 1, for
	// DuplicateCosine; zero means DefaultDuplicateScore, which was measured
	// with the built-in model. Other models need other values.
	MinScore float32

	Filter Filter // which items take part; zero means all
	IDs    []ID   // only the duplicates of these items, which take part, too; none means of all
	Limit  int    // groups wanted; 0 means all

	WithThumbnail bool // fetch the thumbnail of each item of a group

	// Progress is called now and then, by the goroutine that iterates.
	Progress func(DuplicateProgress)
}

// DuplicateProgress tells how far Duplicates is. First all items are read,
// then compared.
type DuplicateProgress struct {
	Comparing bool // false while items are read
	Done      int  // items read, or compared
	Total     int  // about how many there are
	NoHash    int  // pictures without a perceptual hash: none is stored, it cannot be read, or it is all but blank
}

// DuplicateGroup is an item with its duplicates.
type DuplicateGroup struct {
	// Items are two or more. The first is the one to keep: the picture of
	// most pixels, then of most bytes, then the first stored; with
	// DuplicateOptions.IDs it is the item asked for. The others follow, those
	// of stronger evidence first.
	Items []Duplicate
}

// Duplicate is an item of a DuplicateGroup. What its Image says, where it has
// one, helps to choose which to keep. Kinds, Distance and Score compare it
// with the first item of the group, for which they are zero.
type Duplicate struct {
	Record
	Kinds    DuplicateKind // what was found, of what was asked for
	Distance int           // bits in which the perceptual hashes differ; with DuplicatePerceptual
	Score    float32       // cosine; with DuplicateCosine
}

// Duplicates yields groups of items that are the same or nearly the same, best
// first item first. No item is in two groups, and each is a duplicate of the
// first of its group: groups are stars, so that a chain of pictures of which
// each resembles the next does not become one. When all but the first of each
// group are deleted, no duplicates are left, but for what an approximate index
// misses. Items that change or disappear meanwhile are left out.
//
// The first group comes when all items have been read and, with
// DuplicatePerceptual, their thumbnails decoded, which takes about half a
// millisecond a picture and core; hashes are not kept. Memory is about 60
// bytes an item, its id besides, and the group being yielded. DuplicateCosine
// asks the index once for each item that is in no group yet; vectors of the
// caller's own compare, too, whether the item has a picture or not. The other
// kinds are about pictures alone.
//
// It returns ErrQuery for options that cannot be, and ErrNotFound when one of
// IDs is not among the items. The sequence ends after the first error; ctx
// ends it with its own.
func (d *DB) Duplicates(ctx context.Context, opts *DuplicateOptions) iter.Seq2[DuplicateGroup, error] {
	return func(yield func(DuplicateGroup, error) bool) {
		var o DuplicateOptions
		if opts != nil {
			o = *opts
		}
		err := d.ready(ctx)
		if err == nil {
			err = o.complete()
		}
		if err != nil {
			yield(DuplicateGroup{}, err)
			return
		}
		s, err := d.newStars(ctx, o)
		if err != nil {
			yield(DuplicateGroup{}, err)
			return
		}
		groups := 0
		err = s.each(ctx, func(g DuplicateGroup) bool {
			groups++
			return yield(g, nil) && groups != o.Limit
		})
		if err != nil {
			yield(DuplicateGroup{}, err)
		}
	}
}

// complete checks the options and puts the defaults in.
func (o *DuplicateOptions) complete() error {
	if o.Kinds == 0 {
		o.Kinds = DuplicateExact | DuplicatePerceptual
	}
	switch {
	case o.Distance == 0:
		o.Distance = DefaultDuplicateDistance
	case o.Distance < 0:
		o.Distance = 0
	}
	if o.MinScore == 0 {
		o.MinScore = DefaultDuplicateScore
	}
	switch {
	case o.Kinds&^allDuplicateKinds != 0:
		return fmt.Errorf("%w: duplicates of kind %#x, which there is not", ErrQuery, uint8(o.Kinds))
	case o.Distance > MaxDuplicateDistance:
		return fmt.Errorf("%w: a distance of %d bits; at most %d make sense", ErrQuery, o.Distance, MaxDuplicateDistance)
	case math.IsNaN(float64(o.MinScore)) || o.MinScore <= 0 || o.MinScore > 1:
		return fmt.Errorf("%w: a least score of %v; it is above 0 and at most 1", ErrQuery, o.MinScore)
	case o.Limit < 0:
		return fmt.Errorf("%w: %d groups are wanted", ErrQuery, o.Limit)
	}
	return o.Filter.Check()
}

// tellEvery is how long Progress may be left without news.
const tellEvery = 200 * time.Millisecond

// teller calls Progress, not too often.
type teller struct {
	progress func(DuplicateProgress)
	state    DuplicateProgress
	last     time.Time
}

func (t *teller) tell(done int, now bool) {
	t.state.Done = done
	if t.progress == nil || !now && time.Since(t.last) < tellEvery {
		return
	}
	t.last = time.Now()
	t.progress(t.state)
}
