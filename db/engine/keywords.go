package engine

import (
	"fmt"
	"math"
)

// Keywords ask for records by the words of their captions, beside the vector.
//
// The two orders are joined by reciprocal rank fusion (Cormack, Clarke and
// Büttcher, SIGIR 2009):
//
//	fused = (1-Weight)*v + Weight*max(w, Silence*v)
//	v = 1/(RankConstant+rank by vector), w = 1/(RankConstant+rank by keywords)
//
// Ranks count from 1, equal scores share one, and what has no rank in an order
// adds nothing there: v or w is 0. The paper's formula has w alone in the place
// of the maximum. It takes a picture whose caption happens to lack the words
// for unrelated; here its vector vouches for it, with a little off. A record
// without a caption loses nothing: its fused score is v. So is that of all
// records when no caption that may match holds any of the words; the order is
// then that of the vectors.
//
// Either order is looked into as deep as FusionDepth ranks, or K where that is
// more; what comes later has no rank. Hits come by fused score, equal ones by cosine. Filters decide who takes
// part; MinScore, a cosine, leaves out afterwards, and so does Query.Cut, which
// spares those whose keyword score is at least Spared times the best one.
type Keywords struct {
	Text   string
	Weight float64 // share of the keywords in the order, above 0 and at most 1
}

// RankConstant of the fusion keeps the first ranks from outweighing all
// others; 60 is what the paper found.
const RankConstant = 60

// Silence is what the rank by vector is worth in the place of a rank by
// keywords, when a caption lacks the words. docs/recall.md has the measurement.
const Silence = 0.85

// Spared is the share of the best keyword score from which on Query.Cut leaves
// a hit in, however low its cosine is: its caption has what is looked for, or
// most of it, and not just one word of a sentence.
const Spared = 0.5

// FusionDepth is how many ranks of either order take part at least. What comes
// later in both would add next to nothing.
const FusionDepth = 200

// Check returns an error when the query cannot be answered.
func (k *Keywords) Check(q Query) error {
	switch {
	case math.IsNaN(k.Weight) || k.Weight <= 0 || k.Weight > 1:
		return fmt.Errorf("search: the weight of keywords is %v; it is above 0 and at most 1", k.Weight)
	case q.Vector == nil && (q.MinScore != 0 || q.Cut != 0):
		return fmt.Errorf("search: MinScore and Cut are cosines, which keywords alone do not have")
	}
	return nil
}
