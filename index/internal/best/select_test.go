package best

import (
	"math/rand/v2"
	"slices"
	"testing"
)

func FuzzLeast(f *testing.F) {
	f.Add(uint64(1), uint16(100), uint16(10), uint64(1<<40))
	f.Add(uint64(2), uint16(500), uint16(500), uint64(3))
	f.Fuzz(func(t *testing.T, seed uint64, size, n uint16, bound uint64) {
		r := rand.New(rand.NewPCG(seed, 1))
		keys := make([]uint64, int(size)%2000+1)
		for i := range keys {
			keys[i] = r.Uint64N(max(1, bound)) // with ties
		}
		want := slices.Sorted(slices.Values(keys))
		k := 1 + int(n)%len(keys)
		Least(keys, k)
		got := slices.Sorted(slices.Values(keys[:k]))
		if !slices.Equal(got, want[:k]) {
			t.Fatalf("the %d least of %d: %v, want %v", k, len(keys), got, want[:k])
		}
		if all := slices.Sorted(slices.Values(keys)); !slices.Equal(all, want) {
			t.Fatal("keys were lost")
		}
	})
}
