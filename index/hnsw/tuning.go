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
	curves  [2]atomic.Pointer[[]index.Calibration] // by side, in the order of tunePassing
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

// tunePassing are the shares let through by the filters that are measured: none,
// and one that the beam walks through. Others are reckoned from the two.
var tunePassing = []float32{1, 0.25}

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

// ef returns the beam for a recall of k where a share of the vectors passes a
// filter, or false while it is not known. It starts a calibration when there is
// none that fits.
func (t *tuning) ef(g *Graph, side index.Side, recall float32, k, live int, share float64) (int, bool) {
	if int(side) >= len(t.curves) {
		side = index.SideImage
	}
	known := t.curves[side].Load()
	if known == nil || t.stale((*known)[0].Live, live) || t.stand[side].Load() && t.recent[side].plenty() {
		t.start(g, side)
	}
	if known == nil {
		return 0, false
	}
	ef, ok := beamFor(&(*known)[0], recall)
	if share < 1 {
		ef = int(math.Ceil(float64(ef) * wider(*known, recall, share)))
	}
	return ef * max(k, tuneK) / tuneK, ok
}

func (t *tuning) stale(then, live int) bool {
	return float64(live) > tuneGrowth*float64(then) || float64(then) > tuneGrowth*float64(live)
}

// wider is by how much a beam must be wider behind a filter for the same
// recall: the ratio of the two beams that were measured, to the power of how
// many times the filter is as narrow, in logarithms. What is not known is
// taken for half as wide again.
func wider(known []index.Calibration, recall float32, share float64) float64 {
	ratio := 1.5
	if len(known) > 1 {
		open, ok := beamFor(&known[0], recall)
		behind, also := beamFor(&known[1], recall)
		if ok && also {
			ratio = max(1, float64(behind)/float64(open))
		}
	}
	times := math.Log(share) / math.Log(float64(tunePassing[1]))
	return math.Pow(min(ratio, 3), min(times, 3))
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
