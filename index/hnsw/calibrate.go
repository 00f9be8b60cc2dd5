package hnsw

import (
	"context"
	"slices"

	"github.com/clipdb/clipdb/index"
)

// Calibrations implements index.Calibrated.
func (g *Graph) Calibrations() []index.Calibration {
	var out []index.Calibration
	for side := range g.tuned.curves {
		if known := g.tuned.curves[side].Load(); known != nil {
			out = append(out, *known...)
		}
	}
	return out
}

// Calibrate measures which beam finds which share of the nearest for a side.
// Searches that ask for recall start it by themselves, in the background. It
// does nothing for the text side before there were text queries.
func (g *Graph) Calibrate(ctx context.Context, side index.Side) error {
	var probes []probe
	for _, unit := range g.tuned.recent[side].all() {
		probes = append(probes, probe{unit: unit})
	}
	stand := len(probes) < tuneLeast
	if stand {
		if side == index.SideText {
			return nil
		}
		probes = append(probes, g.storedProbes(tuneQueries-len(probes))...)
	}
	if len(probes) == 0 {
		return nil
	}
	var known []index.Calibration
	for _, passing := range tunePassing {
		c := index.Calibration{Side: side, Passing: passing, Live: g.live.count(), Queries: len(probes)}
		if err := g.curve(ctx, &c, probes); err != nil {
			return err
		}
		known = append(known, c)
		probes = probes[:(len(probes)+1)/2] // behind a filter all costs more
	}
	g.tuned.stand[side].Store(stand)
	g.tuned.curves[side].Store(&known)
	return nil
}

// curve measures the points of a calibration.
func (g *Graph) curve(ctx context.Context, c *index.Calibration, probes []probe) error {
	allow := passing(c.Passing, g.slots())
	truth := make([][]index.Candidate, len(probes))
	for i, p := range probes {
		var err error
		if truth[i], err = g.measured(ctx, p, 0, allow); err != nil {
			return err
		}
	}
	for _, ef := range tuneBeams {
		found, wanted := 0, 0
		for i, p := range probes {
			got, err := g.measured(ctx, p, ef, allow)
			if err != nil {
				return err
			}
			for _, t := range truth[i] {
				if slices.ContainsFunc(got, func(c index.Candidate) bool { return c.Slot == t.Slot }) {
					found++
				}
			}
			wanted += len(truth[i])
		}
		recall := float32(found) / float32(max(wanted, 1))
		c.Ef, c.Recall = append(c.Ef, ef), append(c.Recall, 1-(1-recall)*(1+tuneMargin)-0.001)
		if recall >= tuneTop || ef >= c.Live {
			break
		}
	}
	return nil
}

// passing is a filter that lets a share of the slots through at random; nil
// lets all.
func passing(share float32, slots uint32) *index.Bitmap {
	if share == 1 {
		return nil
	}
	b := index.NewBitmap(int(slots))
	for slot := range slots {
		if float32(hash64(uint64(slot))>>40) < share*(1<<24) {
			b.Set(slot)
		}
	}
	return b
}

// slots is one above the largest slot that a search may meet.
func (g *Graph) slots() uint32 { return g.view.Load().size }

// probe is a query of a calibration.
type probe struct {
	unit   []float32
	hidden uint32 // one above the slot that must not be met; 0 for none
}

// measured answers a query by a beam, or with ef 0 by a scan of the plane.
func (g *Graph) measured(ctx context.Context, p probe, ef int, allow *index.Bitmap) ([]index.Candidate, error) {
	g.readers.RLock()
	defer g.readers.RUnlock()
	if g.closed {
		return nil, index.ErrClosed
	}
	entry, top, ok := g.entryPoint()
	if !ok {
		return nil, nil
	}
	s := g.searcher()
	defer g.searchers.Put(s)
	v, a := g.view.Load(), admit(g.live.load(), allow)
	s.unit = append(s.unit[:0], p.unit...)
	s.prepare(v, s.unit)
	if ef > 0 {
		s.hidden = p.hidden
		s.beam(v, s.descend(v, entry, top, 0), 0, max(ef, tuneK), a)
		s.hidden = 0
		g.rank(s, v, s.pool.keys, tuneK, maxRerank(tuneK))
	} else {
		// One more, in case it is the hidden one.
		if ok, err := g.scanPlane(ctx, s, v, a, tuneK+1, maxRerank(tuneK), 0.9999); !ok {
			return nil, err
		}
	}
	out, _ := g.appendLive(nil, s.heap.Sorted())
	out = slices.DeleteFunc(out, func(c index.Candidate) bool { return c.Slot+1 == p.hidden })
	return out[:min(len(out), tuneK)], ctx.Err()
}

// storedProbes draws vectors of nodes on layer 0, which no descent ends at.
func (g *Graph) storedProbes(n int) []probe {
	g.readers.RLock()
	defer g.readers.RUnlock()
	live := g.live.load()
	if g.closed || len(live) == 0 {
		return nil
	}
	s := g.searcher()
	defer g.searchers.Put(s)
	v := g.view.Load()
	entry, _, _ := g.entryPoint()
	var out []probe
	for i := 0; i < 16*n && len(out) < n; i++ {
		slot := uint32(hash64(uint64(i)) % uint64(64*len(live)))
		if slot < v.size && hasBit(live, slot) && v.level(slot) == 0 && slot != entry {
			out = append(out, probe{slices.Clone(g.best(s, v, slot)), slot + 1})
		}
	}
	return out
}
