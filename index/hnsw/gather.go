package hnsw

import (
	"math"
	"slices"

	"github.com/clipdb/clipdb/index/internal/best"
)

// gather collects what a scan scores: keys of slots that may all be answers,
// most of which are of no use. It keeps those whose code may hide one of the k
// best, which are few unless very many are equally far from the query.
type gather struct {
	keys  []uint64
	top   []uint64 // the k best in order
	k     int
	limit int   // keys that are kept at most
	slack int32 // by how much a score may be off twice over
	bound uint64
}

func (c *gather) reset(k, limit int, slack int32) {
	*c = gather{keys: c.keys[:0], top: c.top[:0], k: k, limit: limit, slack: slack, bound: math.MaxUint64}
}

func (c *gather) add(key uint64) {
	if key >= c.bound {
		return
	}
	c.keys = append(c.keys, key)
	if n := len(c.top); n < c.k || key < c.top[n-1] {
		if n == c.k {
			c.top = c.top[:n-1]
		}
		at, _ := slices.BinarySearch(c.top, key)
		c.top = slices.Insert(c.top, at, key)
		if len(c.top) == c.k {
			c.bound = min(c.bound, behind(c.top[c.k-1], c.slack))
		}
	}
	if len(c.keys) >= 2*c.limit {
		c.cut()
	}
}

// behind is the first key whose score is lower than that of key by more than
// slack.
func behind(key uint64, slack int32) uint64 {
	low := max(int64(scoreOf(key))-int64(slack), math.MinInt32+1)
	return keyOf(int32(low)-1, 0)
}

// cut lets go of keys at or behind the bound, and of the worst above the limit.
func (c *gather) cut() {
	c.keys = slices.DeleteFunc(c.keys, func(key uint64) bool { return key >= c.bound })
	if len(c.keys) > c.limit {
		best.Least(c.keys, c.limit)
		c.keys = c.keys[:c.limit]
		c.bound = min(c.bound, slices.Max(c.keys)+1)
	}
}

// kth returns the score of the k-th best so far, or false when there are fewer.
func (c *gather) kth() (int32, bool) {
	if len(c.top) < c.k {
		return 0, false
	}
	return scoreOf(c.top[c.k-1]), true
}

// sorted ends a scan and returns what it kept, best first.
func (c *gather) sorted() []uint64 {
	c.cut()
	slices.Sort(c.keys)
	return c.keys
}
