package hnsw

import (
	"fmt"

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
	ef        int     // of the beam
	budget    int     // codes that the beam may score before it gives up; 0 sets no limit
	recall    float32 // of the plane
}

// Costs in nanoseconds, measured on 100,000 vectors of 512 components with
// AVX-512 (docs/recall.md). Only their ratios matter, and these hold within a
// factor of two from AVX2 to NEON: all three ways wait for memory.
const (
	beamCost  = 1000  // an entry of the beam: some fifteen codes in random order
	codeCost  = 25    // a code, read in order of slots
	planeCost = 3.5   // a row of the plane
	planeBase = 40000 // what the plane costs beside: its best rows' codes
	probeCost = 40    // a code that the beam scores

	floatFactor = 3 // by how much more a vector costs in the place of a code
)

// textRecall is aimed at for text queries that name neither beam nor recall:
// a beam that suits image queries finds too little of theirs.
const textRecall = 0.95

// filterRecall is what the plane aims at when it stands in for a beam.
const filterRecall = 0.99

// planFor decides how a query for k of live vectors is served.
func (g *Graph) planFor(q index.Query, live, k int) plan {
	rows := live
	if q.Allow != nil {
		rows = min(rows, q.Allow.Len())
	}
	p := plan{otherwise: wayCodes, ef: q.Ef, recall: q.Recall}
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
		p.ef, known = g.tuned.ef(g, q.Side, p.recall, k, live)
	} else {
		p.recall = filterRecall
	}
	p.ef = min(max(p.ef, k), index.MaxEf)
	if g.neverScan {
		return p
	}
	// With a filter that lets a share f through, the beam walks 1/f times as
	// far for as many answers.
	beam := float64(beamCost) * float64(p.ef) * float64(live) / float64(rows)
	codes := codeCost * float64(rows)
	if g.keepsFloats() {
		beam, codes = floatFactor*beam, floatFactor*codes
	}
	plane := planeBase + planeCost*float64(live)
	if !known {
		beam = 2 * (codes + plane)
	}
	if plane < codes {
		p.otherwise = wayPlane
	}
	// A beam that was asked for is what is meant where all may be answers.
	scans := asked || q.Allow != nil
	switch {
	case codes <= beam && (codes <= plane || !scans):
		p.way = wayCodes
	case plane <= beam && scans:
		p.way = wayPlane
	}
	if p.way == wayBeam && q.Allow != nil {
		// Where the passing rows lie away from the query, the beam finds
		// nothing for long: then it has cost as much again as the plane.
		p.budget = max(int(min(plane, codes)/probeCost), 4*p.ef)
	}
	return p
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
