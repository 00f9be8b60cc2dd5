package db

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"sync/atomic"

	"github.com/clipdb/clipdb/db/engine"
)

// stars divides a lineup into groups: the best item that is in none yet takes
// all others that are duplicates of it and in none.
type stars struct {
	*lineup
	d    *DB
	o    DuplicateOptions
	spec engine.Spec // of the vectors, for searches
	tell teller
}

// starWindow is how many items are looked at together. Most items have no
// duplicates, and that is found out for several of them at the same time.
const starWindow = 256

// firstNeighbours is how many neighbours the index is asked for at first.
const firstNeighbours = 8

func (d *DB) newStars(ctx context.Context, o DuplicateOptions) (*stars, error) {
	s := &stars{d: d, o: o, spec: d.eng.Spec(), tell: teller{progress: o.Progress}}
	st, err := d.eng.Stats(ctx)
	if err != nil {
		return nil, err
	}
	s.tell.state.Total = st.Records
	if s.lineup, err = d.newLineup(ctx, o, &s.tell); err != nil {
		return nil, err
	}
	if len(o.IDs) > 0 {
		s.order = s.order[:0]
		for _, id := range o.IDs {
			i, ok := s.find(id)
			if !ok {
				return nil, fmt.Errorf("%w: %.200q, whose duplicates are asked for, is not among the items", ErrNotFound, id)
			}
			s.order = append(s.order, i)
		}
	}
	s.tell.state.Comparing, s.tell.state.Total = true, len(s.order)
	return s, nil
}

// each calls yield with the groups until it returns false.
func (s *stars) each(ctx context.Context, yield func(DuplicateGroup) bool) error {
	var window []uint32
	for done := 0; done < len(s.order); {
		window = window[:0]
		for ; done < len(s.order) && len(window) < starWindow; done++ {
			if s.open(s.order[done]) {
				window = append(window, s.order[done])
			}
		}
		lone, err := s.lone(ctx, window)
		if err != nil {
			return err
		}
		for at, i := range window {
			if !s.open(i) {
				continue
			}
			s.take(i)
			if lone[at] {
				continue
			}
			g, err := s.group(ctx, i)
			if err != nil {
				return err
			}
			if len(g.Items) > 1 && !yield(g) {
				return nil
			}
			if err := ctx.Err(); err != nil {
				return err
			}
		}
		s.tell.tell(done, false)
	}
	s.tell.tell(len(s.order), true)
	return nil
}

// lone tells of each item of a window whether nothing is near to it that is in
// no group yet.
func (s *stars) lone(ctx context.Context, window []uint32) ([]bool, error) {
	lone := make([]bool, len(window))
	errs := make([]error, s.d.opts.Workers)
	var next atomic.Int64
	var wg sync.WaitGroup
	for w := range errs {
		wg.Go(func() {
			for at := int(next.Add(1)) - 1; at < len(window) && errs[w] == nil; at = int(next.Add(1)) - 1 {
				near := false
				errs[w] = s.near(ctx, window[at], func(uint32, Duplicate) bool {
					near = true
					return false
				})
				lone[at] = !near
			}
		})
	}
	wg.Wait()
	return lone, cmp.Or(ctx.Err(), errors.Join(errs...))
}

// near yields what is near to an item and in no group, one kind of evidence at
// a time and so perhaps the same item twice, until yield returns false.
func (s *stars) near(ctx context.Context, i uint32, yield func(other uint32, evidence Duplicate) bool) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	more := true
	s.equal(i, func(j uint32) bool {
		if s.open(j) {
			more = yield(j, Duplicate{Kinds: DuplicateExact})
		}
		return more
	})
	if !more {
		return nil
	}
	s.alike(i, s.o.Distance, func(j uint32, distance int) bool {
		if s.open(j) {
			more = yield(j, Duplicate{Kinds: DuplicatePerceptual, Distance: distance})
		}
		return more
	})
	if !more || s.o.Kinds&DuplicateCosine == 0 {
		return nil
	}
	return s.nearest(ctx, i, func(h engine.Hit) bool {
		j, ok := s.find(h.Record.ID)
		return !ok || j == i || !s.open(j) || yield(j, Duplicate{Kinds: DuplicateCosine, Score: h.Score})
	})
}

// nearest yields the items whose cosine with an item's vector is enough, at
// most MaxK, until yield returns false. It asks the index for a few, and for
// more of them, the first ones again, when all of these are near enough.
func (s *stars) nearest(ctx context.Context, i uint32, yield func(engine.Hit) bool) error {
	rec, err := s.unchanged(ctx, i, Fetch{Vector: true})
	if rec == nil || err != nil {
		return err
	}
	for k := firstNeighbours; ; k = min(4*k, MaxK) {
		hits, err := s.d.eng.Search(ctx, engine.Query{Vector: rec.Vector, K: k, MinScore: s.o.MinScore, Filter: s.o.Filter, Spec: s.spec})
		if err != nil {
			return err
		}
		for _, h := range hits {
			if !yield(h) {
				return nil
			}
		}
		if len(hits) < k || k == MaxK {
			return nil
		}
	}
}

// unchanged reads an item, and gives nil when it is gone or was written since
// the lineup was made.
func (s *stars) unchanged(ctx context.Context, i uint32, fetch Fetch) (*Record, error) {
	rec, err := s.d.eng.Get(ctx, s.id(i), fetch)
	if errors.Is(err, ErrNotFound) || err == nil && rec.Updated.UnixNano() != s.updated[i] {
		return nil, nil
	}
	return rec, err
}

// group makes the group of an item, which takes its members. It has no items
// when there are no members, or the first item is gone.
func (s *stars) group(ctx context.Context, i uint32) (g DuplicateGroup, err error) {
	fetch := Fetch{Thumbnail: s.o.WithThumbnail}
	first, err := s.unchanged(ctx, i, fetch)
	if first == nil || err != nil {
		return g, err
	}
	found := map[uint32]Duplicate{}
	err = s.near(ctx, i, func(j uint32, e Duplicate) bool {
		m := found[j]
		m.Kinds |= e.Kinds
		m.Distance, m.Score = max(m.Distance, e.Distance), max(m.Score, e.Score)
		found[j] = m
		return true
	})
	if err != nil {
		return g, err
	}
	var members []Duplicate
	for j, m := range found {
		rec, err := s.unchanged(ctx, j, fetch)
		if err != nil {
			return g, err
		}
		if rec == nil {
			s.take(j) // it is no item of the lineup any more
			continue
		}
		if m.Kinds&DuplicateExact != 0 && rec.Image.SHA256 != first.Image.SHA256 {
			if m.Kinds &^= DuplicateExact; m.Kinds == 0 {
				continue // only the beginning of the sha256 is the same
			}
		}
		s.take(j)
		m.Record = *rec
		members = append(members, m)
	}
	if len(members) == 0 {
		return g, nil
	}
	slices.SortFunc(members, closerFirst)
	g.Items = append([]Duplicate{{Record: *first}}, members...)
	return g, nil
}

// closerFirst orders the members of a group by the strength of the evidence,
// equal ones by id.
func closerFirst(a, b Duplicate) int {
	strongest := func(k DuplicateKind) DuplicateKind { return k & -k }
	c := cmp.Compare(strongest(a.Kinds), strongest(b.Kinds))
	if c == 0 && strongest(a.Kinds) == DuplicatePerceptual {
		c = cmp.Compare(a.Distance, b.Distance)
	}
	return cmp.Or(c, cmp.Compare(b.Score, a.Score), cmp.Compare(a.ID, b.ID))
}
