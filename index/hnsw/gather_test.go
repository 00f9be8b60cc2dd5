package hnsw

import (
	"math/rand/v2"
	"slices"
	"testing"
)

// What gather keeps is all that lies within the slack of the k-th best, in
// order, as a full sort says; above the limit the best of it.
func TestGatherAgainstSort(t *testing.T) {
	rng := rand.New(rand.NewPCG(3, 4))
	var c gather
	for round := range 400 {
		n, k, limit := rng.IntN(500), 1+rng.IntN(20), 1+rng.IntN(100)
		limit = max(limit, k)
		slack, spread := rng.Int32N(50), 1+rng.Int32N(2000)
		keys := make([]uint64, n)
		for i := range keys {
			keys[i] = keyOf(rng.Int32N(spread)-spread/2, uint32(i))
		}
		c.reset(k, limit, slack)
		for _, i := range rng.Perm(n) {
			c.add(keys[i])
		}
		slices.Sort(keys)
		want := keys
		if n >= k {
			low := scoreOf(keys[k-1]) - slack
			want = slices.DeleteFunc(keys, func(key uint64) bool { return scoreOf(key) < low })
			if kth, ok := c.kth(); !ok || kth != scoreOf(keys[k-1]) {
				t.Fatalf("round %d: the k-th score is %d, %v", round, kth, ok)
			}
		} else if _, ok := c.kth(); ok {
			t.Fatalf("round %d: a k-th of %d", round, n)
		}
		want = want[:min(len(want), limit)]
		if got := c.sorted(); !slices.Equal(got, want) {
			t.Fatalf("round %d: n %d k %d limit %d slack %d: %d keys, want %d", round, n, k, limit, slack, len(got), len(want))
		}
	}
}
