package best

import (
	"math/rand/v2"
	"slices"
	"testing"
)

// The heap agrees with a full sort, ties included.
func TestHeapAgainstSort(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 2))
	var h Heap
	for range 500 {
		n, k := rng.IntN(60), rng.IntN(20)
		all := make([]Entry, n)
		for i := range all {
			all[i] = Entry{uint32(i), float32(rng.IntN(8))}
		}
		rng.Shuffle(n, func(i, j int) { all[i], all[j] = all[j], all[i] })
		h.Reset(k)
		for _, e := range all {
			h.Push(e.Slot, e.Score)
		}
		slices.SortFunc(all, Compare)
		want := all[:min(k, n)]
		if got := h.Sorted(); !slices.Equal(got, want) {
			t.Fatalf("n=%d k=%d: got %v, want %v", n, k, got, want)
		}
	}
}
