package hnsw

import (
	"fmt"
	"math"

	"github.com/clipdb/clipdb/index"
)

// way is how a query is served.
type way uint8

const (
	wayBeam  way = iota // a walk through the graph
	wayCodes            // the codes of all rows that may be answers
	wayPlane            // the 1-bit plane, then codes of its best
)

// plan is how a query is served, and with what effort.
type plan struct {
	way       way
	otherwise way     // should the beam come to nothing
	ef        int     // of the beam, behind a filter to begin with
	recall    float32 // of the plane
	asked     float32 // the recall that ef was read from; 0 when ef was given
	scan      float64 // what the better scan costs
	share     float64 // of the live vectors that pass the filter
}

// Costs in nanoseconds, measured on 100,000 vectors of 512 components with
// AVX-512 (docs/recall.md). Only their ratios matter, and these hold within a
// factor of two from AVX2 to NEON: all three ways wait for memory.
const (
	beamCost  = 1000  // an entry of the beam: some fifteen codes in random order
	codeCost  = 38    // a code, read in order of slots
	planeCost = 3     // a row of the plane
	planeBase = 80000 // what the plane costs beside: its best rows' codes
	probeCost = 60    // a code that the beam scores

	floatFactor = 3 // by how much more a vector costs in the place of a code
)

// Where a filter is, the beam looks around before it is decided whether it
// goes on: what passes may lie near the query, or anywhere but there.
const (
	lookCodes   = 256 // scored
	lookEntries = 32  // the best so far, of which some pass
	lookPrior   = 4   // entries' worth of belief in the filter's share
	lookCost    = lookCodes * probeCost
)

// textRecall is aimed at for text queries that name neither beam nor recall:
// a beam that suits image queries finds too little of theirs.
const textRecall = 0.95

// filterRecall is what the plane aims at behind a filter, at least: what passes
// may all be about equally far.
const filterRecall = 0.99

// planFor decides how a query for k of live vectors is served.
func (g *Graph) planFor(q index.Query, live, k int) plan {
	rows := live
	if q.Allow != nil {
		rows = min(rows, q.Allow.Len())
	}
	p := plan{otherwise: wayCodes, ef: q.Ef, recall: q.Recall, share: float64(rows) / float64(live)}
	asked := q.Ef == 0
	if asked && p.recall == 0 {
		p.recall = g.params.Recall
		if p.recall == 0 && q.Side == index.SideText && !g.neverScan {
			p.recall = textRecall
		}
		if p.recall == 0 {
			p.ef, asked = g.params.EfSearch, false
		}
	}
	known := true
	if asked {
		p.asked = p.recall
		p.ef, known = g.tuned.ef(g, q.Side, p.recall, k, live, 1)
	}
	if q.Allow != nil {
		p.recall = max(p.recall, filterRecall)
	}
	p.ef = min(max(p.ef, k), index.MaxEf)
	if g.neverScan {
		p.scan = math.Inf(1)
		return p
	}
	beam := g.beamCost(p.ef, 1)
	codes := codeCost * float64(rows)
	if g.keepsFloats() {
		codes *= floatFactor
	}
	plane := planeBase + planeCost*float64(live)
	p.scan = codes
	if plane < codes {
		p.otherwise, p.scan = wayPlane, plane
	}
	switch {
	case !known:
		p.way = p.otherwise
	case q.Allow == nil && !asked:
		// The beam that was asked for is what is meant, but for few vectors.
		if codes <= beam {
			p.way = wayCodes
		}
	case q.Allow == nil:
		if p.scan <= beam {
			p.way = p.otherwise
		}
	case p.scan <= beam+2*lookCost:
		p.way = p.otherwise
	}
	return p
}

// beamCost is what a beam costs where a share of what it meets may be answers.
func (g *Graph) beamCost(ef int, share float64) float64 {
	cost := beamCost * float64(ef) / share
	if g.keepsFloats() {
		cost *= floatFactor
	}
	return cost
}

// walkFiltered is a beam behind a filter. It reports false when a scan is the
// better way: the beam looks around first, and goes on if enough of what is
// near passes.
func (g *Graph) walkFiltered(s *searcher, v *view, from uint32, q index.Query, p plan, a *admission, live, k int) bool {
	s.enter(v, from, p.ef, a)
	if s.walk(v, 0, a, lookCodes) {
		return true
	}
	share := min(s.pool.share(lookEntries, p.share, lookPrior), 1)
	if p.asked > 0 {
		if ef, ok := g.tuned.ef(g, q.Side, p.asked, k, live, share); ok {
			s.pool.widen(min(max(ef, k), index.MaxEf))
		}
	}
	cost := g.beamCost(s.pool.ef, share)
	if cost > p.scan+lookCost {
		return false
	}
	// Twice what is expected: then what passes has come to an end here.
	return s.walk(v, 0, a, int(min(2*cost/probeCost, math.MaxInt32)))
}

// checkQuery refuses what is out of range.
func checkQuery(q index.Query) error {
	switch {
	case q.K < 1:
		return fmt.Errorf("hnsw: k is %d, want at least 1", q.K)
	case q.Ef < 0 || q.Ef > index.MaxEf:
		return fmt.Errorf("hnsw: ef is %d, want 0 to %d", q.Ef, index.MaxEf)
	case !index.ValidRecall(q.Recall):
		return fmt.Errorf("hnsw: recall is %v, want from 0 to below 1", q.Recall)
	}
	return nil
}
