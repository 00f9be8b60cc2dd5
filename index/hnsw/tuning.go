package hnsw

import (
	"context"
	"math"
	"slices"
	"sync"
	"sync/atomic"

	"github.com/clipdb/clipdb/index"
)

// tuning knows which beam finds which share of the nearest. It is measured
// from time to time, in the background, for a side whose queries ask for
// recall: sampled queries are answered by the graph with rising beams and by
// a scan of the plane that misses nothing to speak of. Until then such
// queries are served by the plane.
//
// The queries are the latest of that side. While there are few, stored
// vectors stand in for image queries, each hidden from its own search: with
// its node in reach it would be found far more easily than a new picture is.
// Nothing stands in for text queries, whose recall by beam is far lower than
// that of any stored vector.
type tuning struct {
	curves  [2]atomic.Pointer[index.Calibration]
	recent  [2]recent
	busy    [2]atomic.Bool
	stand   [2]atomic.Bool // the curve was measured with stored vectors
	working sync.WaitGroup
}

const (
	tuneQueries = 256 // sampled for a calibration
	tuneLeast   = 128 // real queries below which stored vectors stand in
	tuneK       = 10  // neighbours asked for
	tuneGrowth  = 1.5 // times as many vectors, or as few, after which it is measured anew
	tuneTop     = 0.998

	// tuneMargin is by how much more is taken for missed than was measured:
	// the sample has an error of its own.
	tuneMargin = 0.15
)

var tuneBeams = []int{10, 14, 20, 28, 40, 56, 80, 112, 160, 224, 320, 448, 640, 896, 1280, 1792, 2560}

// recent keeps the latest queries of a side, one in eight.
type recent struct {
	mu    sync.Mutex
	turn  atomic.Uint32
	next  int
	units [][]float32
}

const recentShare = 8

// note keeps a query that asks for recall, where no filter makes it a
// different one.
func (t *tuning) note(q index.Query, unit []float32) {
	if q.Ef == 0 && int(q.Side) < len(t.recent) {
		t.recent[q.Side].note(unit)
	}
}

func (r *recent) note(unit []float32) {
	// Hashed, so that queries which repeat in a cycle are not met again and again.
	if hash64(uint64(r.turn.Add(1)))%recentShare != 0 || !r.mu.TryLock() {
		return
	}
	defer r.mu.Unlock()
	if len(r.units) < tuneQueries {
		r.units = append(r.units, slices.Clone(unit))
		return
	}
	copy(r.units[r.next], unit)
	r.next = (r.next + 1) % tuneQueries
}

// plenty reports whether there are enough to measure with.
func (r *recent) plenty() bool {
	if !r.mu.TryLock() {
		return false
	}
	defer r.mu.Unlock()
	return len(r.units) >= tuneLeast
}

func (r *recent) all() [][]float32 {
	r.mu.Lock()
	defer r.mu.Unlock()
	out := make([][]float32, len(r.units))
	for i, u := range r.units {
		out[i] = slices.Clone(u)
	}
	return out
}

func (t *tuning) clear() {
	for side := range t.curves {
		t.curves[side].Store(nil)
		r := &t.recent[side]
		r.mu.Lock()
		r.units, r.next = nil, 0
		r.mu.Unlock()
	}
}

// ef returns the beam for a recall of k, or false while it is not known. It
// starts a calibration when there is none that fits.
func (t *tuning) ef(g *Graph, side index.Side, recall float32, k, live int) (int, bool) {
	if int(side) >= len(t.curves) {
		side = index.SideImage
	}
	c := t.curves[side].Load()
	if c == nil || float64(live) > tuneGrowth*float64(c.Live) || float64(c.Live) > tuneGrowth*float64(live) ||
		t.stand[side].Load() && t.recent[side].plenty() {
		t.start(g, side)
	}
	if c == nil {
		return 0, false
	}
	ef, ok := beamFor(c, recall)
	return ef * max(k, tuneK) / tuneK, ok
}

// beamFor reads a beam from a curve, on straight lines between what was
// measured. Recall rises ever more slowly with the beam, so that the lines lie
// below it.
func beamFor(c *index.Calibration, recall float32) (int, bool) {
	for i, r := range c.Recall {
		if r < recall {
			continue
		}
		if i == 0 || r <= c.Recall[i-1] {
			return c.Ef[i], true
		}
		low, at := c.Recall[i-1], c.Ef[i-1]
		return at + int(math.Ceil(float64(c.Ef[i]-at)*float64((recall-low)/(r-low)))), true
	}
	return 0, false
}

// start measures a side in the background unless that is under way or there
// is nothing to measure it with.
func (t *tuning) start(g *Graph, side index.Side) {
	if side == index.SideText && !t.recent[side].plenty() {
		return
	}
	if !t.busy[side].CompareAndSwap(false, true) {
		return
	}
	t.working.Go(func() {
		defer t.busy[side].Store(false)
		_ = g.Calibrate(context.Background(), side) // closed: nobody will ask
	})
}

// Calibrations implements index.Calibrated.
func (g *Graph) Calibrations() []index.Calibration {
	var out []index.Calibration
	for side := range g.tuned.curves {
		if c := g.tuned.curves[side].Load(); c != nil {
			out = append(out, *c)
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
	c := &index.Calibration{Side: side, Live: g.live.count(), Queries: len(probes)}
	truth := make([][]index.Candidate, len(probes))
	for i, p := range probes {
		var err error
		if truth[i], err = g.measured(ctx, p, 0); err != nil {
			return err
		}
	}
	for _, ef := range tuneBeams {
		found, wanted := 0, 0
		for i, p := range probes {
			got, err := g.measured(ctx, p, ef)
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
	g.tuned.stand[side].Store(stand)
	g.tuned.curves[side].Store(c)
	return nil
}

// probe is a query of a calibration.
type probe struct {
	unit   []float32
	hidden uint32 // one above the slot that must not be met; 0 for none
}

// measured answers a query by a beam, or with ef 0 by a scan of the plane.
func (g *Graph) measured(ctx context.Context, p probe, ef int) ([]index.Candidate, error) {
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
	v, a := g.view.Load(), admit(g.live.load(), nil)
	s.unit = append(s.unit[:0], p.unit...)
	s.prepare(v, s.unit)
	if ef > 0 {
		s.hidden = p.hidden
		s.beam(v, s.descend(v, entry, top, 0), 0, max(ef, tuneK), a, 0)
		s.hidden = 0
		g.rank(s, v, tuneK, maxRerank(tuneK))
	} else {
		// One more, in case it is the hidden one.
		if err := g.scanPlane(ctx, s, v, a, tuneK+1, maxRerank(tuneK), 0.9999); err != nil {
			return nil, err
		}
		g.rank(s, v, tuneK+1, maxRerank(tuneK))
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
