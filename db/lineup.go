package db

import (
	"cmp"
	"context"
	"encoding/binary"
	"errors"
	"slices"
	"sort"
	"sync"
	"sync/atomic"

	"github.com/clipdb/clipdb/db/engine"
	"github.com/clipdb/clipdb/internal/hamming"
)

// lineup is what a search for duplicates keeps of the items, a column for each
// property; an item is its number, by rising id. Of ids only the text is kept,
// one after the other.
type lineup struct {
	ids     []byte
	ends    []uint64 // of each id in ids
	updated []int64  // when the item was last written: tells changes afterwards
	flags   []itemFlag
	sums    []uint64 // the first 8 bytes of the picture's sha256; 0 without one
	hashes  []uint64 // perceptual; 0 without one
	ranks   []rank   // only until the items are in order

	order  []uint32       // items by what is the better one to keep
	bySum  []uint32       // items with a picture, by sums, then by number
	looks  *hamming.Index // nil when no perceptual hashes are asked for
	noHash int            // pictures without a perceptual hash
}

type itemFlag uint8

const (
	hasPicture itemFlag = 1 << iota
	hasHash
	taken // in a group, gone, or found to have no duplicates
)

// rank says which of two pictures is the better one to keep. Numbers that do
// not fit are as large as can be.
type rank struct {
	pixels, size uint32
	created      int64
}

func (a rank) compare(b rank) int {
	return cmp.Or(cmp.Compare(b.pixels, a.pixels), cmp.Compare(b.size, a.size), cmp.Compare(a.created, b.created))
}

// lineupChunk is how many records are hashed together.
const lineupChunk = 256

// newLineup reads the items that take part.
func (d *DB) newLineup(ctx context.Context, o DuplicateOptions, t *teller) (*lineup, error) {
	l := &lineup{}
	hashing := o.Kinds&DuplicatePerceptual != 0
	chunk := make([]*Record, 0, lineupChunk)
	flush := func() error {
		err := l.add(ctx, d, chunk, hashing)
		clear(chunk)
		chunk = chunk[:0]
		t.state.NoHash = l.noHash
		t.tell(l.len(), false)
		return err
	}
	for rec, err := range d.eng.All(ctx, engine.Scan{Filter: o.Filter, Fetch: Fetch{Thumbnail: hashing}}) {
		if err != nil {
			return nil, err
		}
		if chunk = append(chunk, rec); len(chunk) == lineupChunk {
			if err := flush(); err != nil {
				return nil, err
			}
		}
	}
	if err := flush(); err != nil {
		return nil, err
	}
	l.sort(o.Kinds)
	return l, ctx.Err()
}

func (l *lineup) len() int { return len(l.ends) }

// text returns the bytes of an item's id.
func (l *lineup) text(i int) []byte {
	start := uint64(0)
	if i > 0 {
		start = l.ends[i-1]
	}
	return l.ids[start:l.ends[i]]
}

func (l *lineup) id(i uint32) ID { return ID(l.text(int(i))) }

// find returns the item of an id.
func (l *lineup) find(id ID) (uint32, bool) {
	i, ok := sort.Find(l.len(), func(i int) int {
		switch b := l.text(i); { // conversions in comparisons copy nothing
		case id < string(b):
			return -1
		case id > string(b):
			return 1
		}
		return 0
	})
	return uint32(i), ok
}

// open reports whether an item may still become part of a group.
func (l *lineup) open(i uint32) bool { return l.flags[i]&taken == 0 }

func (l *lineup) take(i uint32) { l.flags[i] |= taken }

// add appends records, which come by rising id.
func (l *lineup) add(ctx context.Context, d *DB, records []*Record, hashing bool) error {
	hashes, hashed := make([]uint64, len(records)), make([]bool, len(records))
	if hashing {
		var next atomic.Int64
		var wg sync.WaitGroup
		errs := make([]error, d.opts.Workers)
		for w := range d.opts.Workers {
			wg.Go(func() {
				for i := int(next.Add(1)) - 1; i < len(records) && errs[w] == nil; i = int(next.Add(1)) - 1 {
					hashes[i], hashed[i], errs[w] = d.perceptualHash(ctx, records[i])
				}
			})
		}
		wg.Wait()
		if err := errors.Join(errs...); err != nil {
			return cmp.Or(ctx.Err(), err)
		}
	}
	for i, r := range records {
		l.ids = append(l.ids, r.ID...)
		l.ends = append(l.ends, uint64(len(l.ids)))
		l.updated = append(l.updated, r.Updated.UnixNano())
		k := rank{created: r.Created.UnixNano()}
		var flags itemFlag
		var sum uint64
		if im := r.Image; im != nil {
			flags |= hasPicture
			sum = binary.BigEndian.Uint64(im.SHA256[:])
			k.pixels = uint32(min(uint64(im.Width)*uint64(im.Height), 1<<32-1))
			k.size = uint32(min(uint64(im.Size), 1<<32-1))
			if hashed[i] {
				flags |= hasHash
			} else if hashing {
				l.noHash++
			}
		}
		l.flags, l.sums, l.hashes, l.ranks = append(l.flags, flags), append(l.sums, sum), append(l.hashes, hashes[i]), append(l.ranks, k)
	}
	return nil
}

// perceptualHash hashes what is stored of a record's picture. A picture that
// cannot be read has no hash; the error is that of the engine or of ctx.
func (d *DB) perceptualHash(ctx context.Context, r *Record) (hash uint64, ok bool, err error) {
	im := r.Image
	if im == nil {
		return 0, false, nil
	}
	data := im.Thumbnail
	if data == nil && im.HasOriginal {
		full, err := d.eng.Get(ctx, r.ID, Fetch{Original: true})
		if errors.Is(err, ErrNotFound) || err == nil && (full.Image == nil || full.Image.SHA256 != im.SHA256) {
			return 0, false, nil // changed meanwhile
		}
		if err != nil {
			return 0, false, err
		}
		data = full.Image.Original
	}
	if data == nil {
		return 0, false, nil
	}
	p := &picture{data: data}
	if err := d.decode(ctx, p, d.decoders); err != nil {
		if ctx.Err() == nil {
			d.opts.Logger.Debug("no perceptual hash", "id", r.ID, "error", err)
		}
		return 0, false, ctx.Err()
	}
	hash, ok = p.rgb.PerceptualHash()
	return hash, ok, nil
}

// sort brings the items into their orders.
func (l *lineup) sort(kinds DuplicateKind) {
	l.order = make([]uint32, l.len())
	for i := range l.order {
		l.order[i] = uint32(i)
	}
	slices.SortFunc(l.order, func(a, b uint32) int { return cmp.Or(l.ranks[a].compare(l.ranks[b]), cmp.Compare(a, b)) })
	l.ranks = nil
	if kinds&DuplicateExact != 0 {
		for i, f := range l.flags {
			if f&hasPicture != 0 {
				l.bySum = append(l.bySum, uint32(i))
			}
		}
		slices.SortFunc(l.bySum, func(a, b uint32) int { return cmp.Or(cmp.Compare(l.sums[a], l.sums[b]), cmp.Compare(a, b)) })
	}
	if kinds&DuplicatePerceptual != 0 {
		l.looks = hamming.New(l.hashes, func(i int) bool { return l.flags[i]&hasHash != 0 })
	}
}

// equal yields the other items whose picture may have the same bytes, going by
// the beginning of the sha256, until yield returns false.
func (l *lineup) equal(i uint32, yield func(other uint32) bool) {
	if l.bySum == nil || l.flags[i]&hasPicture == 0 {
		return
	}
	at, _ := slices.BinarySearchFunc(l.bySum, l.sums[i], func(j uint32, sum uint64) int { return cmp.Compare(l.sums[j], sum) })
	for ; at < len(l.bySum) && l.sums[l.bySum[at]] == l.sums[i]; at++ {
		if l.bySum[at] != i && !yield(l.bySum[at]) {
			return
		}
	}
}

// alike yields the other items whose perceptual hash is within the distance,
// until yield returns false.
func (l *lineup) alike(i uint32, distance int, yield func(other uint32, distance int) bool) {
	if l.looks == nil || l.flags[i]&hasHash == 0 {
		return
	}
	l.looks.Within(l.hashes[i], distance, func(n uint32, d int) bool { return n == i || yield(n, d) })
}
