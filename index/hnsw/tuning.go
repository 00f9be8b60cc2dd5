package hnsw

import (
	"context"
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
// vectors stand in for image queries; nothing stands in for text queries,
// whose recall by beam is far lower than that of any stored vector.
type tuning struct {
	curves  [2]atomic.Pointer[index.Calibration]
	recent  [2]recent
	busy    [2]atomic.Bool
	working sync.WaitGroup
}

const (
	tuneQueries = 256 // sampled for a calibration
	tuneLeast   = 128 // real queries below which stored vectors stand in
	tuneK       = 10  // neighbours asked for
	tuneGrowth  = 1.5 // times as many vectors, or as few, after which it is measured anew
	tuneTop     = 0.998

	// tuneMargin is added to what is asked for, as a share of what may be
	// missed: the sample has an error of its own, and stored vectors, to which
	// there are links, are found more easily than new ones.
	tuneMargin = 0.15
	storedMore = 0.25
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
	if r.turn.Add(1)%recentShare != 0 || !r.mu.TryLock() {
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
	if c == nil || float64(live) > tuneGrowth*float64(c.Live) || float64(c.Live) > tuneGrowth*float64(live) {
		t.start(g, side)
	}
	if c == nil {
		return 0, false
	}
	for i, r := range c.Recall {
		if r >= recall {
			return c.Ef[i] * max(k, tuneK) / tuneK, true
		}
	}
	return 0, false
}

// start measures a side in the background unless that is under way or there
// is nothing to measure it with.
func (t *tuning) start(g *Graph, side index.Side) {
	if side == index.SideText {
		r := &t.recent[side]
		if !r.mu.TryLock() {
			return
		}
		few := len(r.units) < tuneLeast
		r.mu.Unlock()
		if few {
			return
		}
	}
	if !t.busy[side].CompareAndSwap(false, true) {
		return
	}
	t.working.Go(func() {
		defer t.busy[side].Store(false)
		_ = g.Calibrate(context.Background(), side) // closed: nobody will ask
	})
}

// Calibrate measures which beam finds which share of the nearest for a side.
// Searches that ask for recall start it by themselves, in the background. It
// does nothing for the text side before there were text queries.
func (g *Graph) Calibrate(ctx context.Context, side index.Side) error {
	queries := g.tuned.recent[side].all()
	margin := float32(tuneMargin)
	if len(queries) < tuneLeast {
		if side == index.SideText {
			return nil
		}
		queries = append(queries, g.storedQueries(tuneQueries-len(queries))...)
		margin += storedMore
	}
	if len(queries) == 0 {
		return nil
	}
	c := &index.Calibration{Side: side, Live: g.live.count(), Queries: len(queries)}
	k := tuneK + 1 // a stored vector finds itself
	truth := make([][]index.Candidate, len(queries))
	for i, q := range queries {
		var err error
		if truth[i], err = g.measured(ctx, q, k, 0); err != nil {
			return err
		}
	}
	for _, ef := range tuneBeams {
		found, wanted := 0, 0
		for i, q := range queries {
			got, err := g.measured(ctx, q, k, ef)
			if err != nil {
				return err
			}
			found, wanted = found+agreeing(got, truth[i]), wanted+min(len(truth[i]), tuneK)
		}
		recall := float32(found) / float32(max(wanted, 1))
		// What is missed is taken for more than was measured.
		c.Ef, c.Recall = append(c.Ef, ef), append(c.Recall, 1-(1-recall)*(1+margin)-0.001)
		if recall >= tuneTop || ef >= c.Live {
			break
		}
	}
	g.tuned.curves[side].Store(c)
	return nil
}

// measured answers a query by a beam, or with ef 0 by a scan of the plane.
func (g *Graph) measured(ctx context.Context, unit []float32, k, ef int) ([]index.Candidate, error) {
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
	s.unit = append(s.unit[:0], unit...)
	s.prepare(v, s.unit)
	if ef > 0 {
		s.beam(v, s.descend(v, entry, top, 0), 0, max(ef, k), a, 0)
	} else if err := g.scanPlane(ctx, s, v, a, k, 0.9999); err != nil {
		return nil, err
	}
	g.rank(s, v, k)
	out, _ := g.appendLive(nil, s.heap.Sorted())
	return out, nil
}

// agreeing counts those of truth that got has, the tenth and not the eleventh
// deciding, and not the query itself where it is stored.
func agreeing(got, truth []index.Candidate) int {
	const itself = 0.99999
	skip := func(c []index.Candidate) []index.Candidate {
		if len(c) > 0 && c[0].Score > itself {
			c = c[1:]
		}
		return c[:min(len(c), tuneK)]
	}
	truth = skip(truth)
	n := 0
	for _, c := range skip(got) {
		if slices.ContainsFunc(truth, func(o index.Candidate) bool { return o.Slot == c.Slot }) {
			n++
		}
	}
	if len(truth) < tuneK && n == len(truth) {
		return min(n+1, tuneK) // the query itself was one of few
	}
	return n
}

// storedQueries draws vectors of the graph.
func (g *Graph) storedQueries(n int) [][]float32 {
	g.readers.RLock()
	defer g.readers.RUnlock()
	live := g.live.load()
	if g.closed || len(live) == 0 {
		return nil
	}
	s := g.searcher()
	defer g.searchers.Put(s)
	v := g.view.Load()
	var out [][]float32
	for i := 0; i < 16*n && len(out) < n; i++ {
		slot := uint32(hash64(uint64(i)) % uint64(64*len(live)))
		if hasBit(live, slot) && slot < v.size {
			out = append(out, slices.Clone(g.best(s, v, slot)))
		}
	}
	return out
}
