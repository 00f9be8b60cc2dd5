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
//	fused = (1-Weight)/(RankConstant+rank by vector) + Weight/(RankConstant+rank by keywords)
//
// Ranks count from 1, equal scores share one, and a record has no rank by
// keywords when its caption holds none of the words. A record without a caption
// is ranked by its vector alone, fused = 1/(RankConstant+rank by vector): no
// word speaks for it, and none against. So are all records when no caption that
// may match holds any of the words; the order is then that of the vectors.
//
// Either order is looked into as deep as FusionDepth ranks, or K where that is
// more; what comes later has no rank. Hits come by fused score, equal ones by cosine. Filters decide who takes
// part; MinScore, a cosine, leaves out afterwards.
type Keywords struct {
	Text   string
	Weight float64 // share of the keywords in the order, above 0 and at most 1
}

// RankConstant of the fusion keeps the first ranks from outweighing all
// others; 60 is what the paper found.
const RankConstant = 60

// FusionDepth is how many ranks of either order take part at least. What comes
// later in both would add next to nothing.
const FusionDepth = 200

// Check returns an error when the query cannot be answered.
func (k *Keywords) Check(q Query) error {
	switch {
	case math.IsNaN(k.Weight) || k.Weight <= 0 || k.Weight > 1:
		return fmt.Errorf("search: the weight of keywords is %v; it is above 0 and at most 1", k.Weight)
	case q.Vector == nil && q.MinScore != 0:
		return fmt.Errorf("search: MinScore is a cosine, which keywords alone do not have")
	}
	return nil
}
