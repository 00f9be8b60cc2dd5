package storage

import (
	"context"
	"errors"
	"fmt"
	"time"
)

// Problem is one thing that is wrong with a database.
type Problem struct {
	Kind string // what it is about: "record", "blob", "vector page", "page structure", ...
	Key  string // which one, "" when there is only one
	Text string // what is wrong with it
}

func (p Problem) String() string {
	if p.Key == "" {
		return p.Kind + ": " + p.Text
	}
	return p.Kind + " " + p.Key + ": " + p.Text
}

// Check reads everything and tells report of each problem: the structure of
// the file (twice, once as bbolt sees it), every checksum, the hash of every
// blob, every reference between records, slots, vectors and blobs, and every
// counter. The result is nil when it got through, whatever it found; with a
// nil report it is an ErrCorrupt with the first problem.
//
// Writes wait while the structure is looked at, which reads every page but not
// the bytes of images. Content is checked in the state of one moment. report
// must not use the Store.
func (s *Store) Check(ctx context.Context, report func(Problem)) error {
	var first error
	if report == nil {
		report = func(p Problem) {
			if first == nil {
				first = fmt.Errorf("%s: %w: %s", s.path, ErrCorrupt, p)
			}
		}
	}
	sound, err := s.checkStructure(ctx, report)
	if err == nil && (sound || s.salvage) {
		err = s.View(func(t *Tx) error {
			c := &checker{t: t, ctx: ctx, report: report, blobs: make(map[Hash]*blobUses)}
			return c.run()
		})
	}
	if err != nil {
		return err
	}
	return first
}

// checkStructure reports whether the pages are sound enough to be walked.
func (s *Store) checkStructure(ctx context.Context, report func(Problem)) (sound bool, err error) {
	s.write.Lock()
	defer s.write.Unlock()
	g, err := s.acquire()
	if err != nil {
		return false, err
	}
	defer s.release(g)
	info, err := g.file.Stat()
	if err != nil {
		return false, err
	}
	sound = true
	fault := func(err error) {
		sound = false
		report(Problem{Kind: "page structure", Text: err.Error()})
	}
	l, err := readLayout(g.file, info.Size())
	if err != nil {
		fault(err)
		return false, nil
	}
	if err := l.checkAll(ctx, fault); err != nil || !sound {
		return false, err
	}
	if l.spoilt {
		// bbolt's own check would end right there.
		report(Problem{Kind: "page structure", Text: "one of the two heads is damaged; opening the file for writing mends it"})
		return true, nil
	}
	err = s.checkBolt(g, fault)
	return sound, errors.Join(err, ctx.Err())
}

// checkBolt runs bbolt's own check, which cannot be stopped before it is
// through. Where the list of free pages is not in use bbolt loads it for the
// check, regardless of other readers: then it gets an opening of its own.
func (s *Store) checkBolt(g *generation, fault func(error)) error {
	if s.readOnly {
		own, err := openBolt(s.file, true, 0, time.Now().Add(s.wait))
		if err != nil {
			return err
		}
		defer own.close()
		g = own
	}
	t, err := s.begin(g, false)
	if err != nil {
		return err
	}
	return t.run(func(t *Tx) error {
		for err := range t.b.Check() {
			fault(err)
		}
		return nil
	})
}
