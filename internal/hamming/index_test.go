package hamming_test

import (
	"encoding/binary"
	"math/bits"
	"math/rand/v2"
	"testing"

	"github.com/clipdb/clipdb/internal/hamming"
)

// crowd makes codes in clouds around a few, as pictures and their copies are,
// beside codes of no cloud.
func crowd(r *rand.Rand, n int) []uint64 {
	centres := make([]uint64, 1+n/20)
	for i := range centres {
		centres[i] = r.Uint64()
	}
	codes := make([]uint64, n)
	for i := range codes {
		codes[i] = r.Uint64()
		if i%3 > 0 {
			codes[i] = centres[r.IntN(len(centres))]
			for range r.IntN(20) {
				codes[i] ^= 1 << r.IntN(64)
			}
		}
	}
	return codes
}

// agree compares an index with counting the bits of every code.
func agree(t *testing.T, x *hamming.Index, codes []uint64, in func(int) bool, query uint64, distance int) {
	t.Helper()
	got := map[uint32]int{}
	x.Within(query, distance, func(n uint32, d int) bool {
		if _, twice := got[n]; twice {
			t.Fatalf("distance %d: code %d came twice", distance, n)
		}
		got[n] = d
		return true
	})
	want := 0
	for i, c := range codes {
		d := bits.OnesCount64(c ^ query)
		if !in(i) || d > distance {
			continue
		}
		want++
		if g, ok := got[uint32(i)]; !ok || g != d {
			t.Fatalf("distance %d: code %d is %d bits away; found %v, as %d", distance, i, d, ok, g)
		}
	}
	if len(got) != want {
		t.Fatalf("distance %d: %d codes found, %d are there", distance, len(got), want)
	}
}

func TestWithinMissesNothing(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	for _, n := range []int{0, 1, 30, 3000, 40_000} {
		codes := crowd(r, n)
		in := func(i int) bool { return i%7 != 3 }
		x := hamming.New(codes, in)
		for d := range hamming.MaxDistance + 1 {
			agree(t, x, codes, in, r.Uint64(), d)
			if n > 0 {
				agree(t, x, codes, in, codes[r.IntN(n)], d)
			}
		}
		agree(t, x, codes, in, r.Uint64(), -1)
	}
}

// Each pattern of few bits is found, wherever in the code the bits are.
func TestWithinFindsEveryPattern(t *testing.T) {
	r := rand.New(rand.NewPCG(3, 4))
	codes := crowd(r, 20_000) // enough for the tables to be used
	query := codes[0]
	at := 1
	for i := range 64 {
		for j := range i {
			codes[at] = query ^ 1<<i ^ 1<<j
			at++
		}
	}
	all := func(int) bool { return true }
	x := hamming.New(codes, all)
	for d := range 6 {
		agree(t, x, codes, all, query, d)
	}
}

func TestWithinStops(t *testing.T) {
	for _, n := range []int{10, 10_000} {
		codes := make([]uint64, n)
		x := hamming.New(codes, func(int) bool { return true })
		if x.Len() != n {
			t.Errorf("%d members, want %d", x.Len(), n)
		}
		calls := 0
		x.Within(1, 3, func(uint32, int) bool { calls++; return calls < 4 })
		if calls != 4 {
			t.Errorf("%d codes: %d calls after the fourth said stop", n, calls)
		}
	}
}

func FuzzWithin(f *testing.F) {
	f.Add(uint64(7), uint64(0), 10, []byte{0xff, 1})
	f.Add(uint64(9), ^uint64(0), 3, []byte{})
	f.Fuzz(func(t *testing.T, seed, query uint64, distance int, flips []byte) {
		codes := crowd(rand.New(rand.NewPCG(seed, 5)), 4000)
		for i := 0; i+8 <= len(flips) && i < 800; i += 8 {
			codes[i] = query ^ binary.LittleEndian.Uint64(flips[i:])
		}
		distance = (distance%20+20)%20 - 1
		in := func(i int) bool { return seed>>(i%64)&1 == 0 }
		agree(t, hamming.New(codes, in), codes, in, query, min(distance, hamming.MaxDistance))
	})
}

// A million codes of which some have copies: what one query of the default
// kind costs.
func BenchmarkWithin(b *testing.B) {
	codes := crowd(rand.New(rand.NewPCG(6, 7)), 1_000_000)
	x := hamming.New(codes, func(int) bool { return true })
	for _, d := range []int{4, 8, 10, 12, 16} {
		b.Run(string(rune('0'+d/10))+string(rune('0'+d%10)), func(b *testing.B) {
			i := 0
			for b.Loop() {
				x.Within(codes[i%len(codes)], d, func(uint32, int) bool { return true })
				i += 7919
			}
		})
	}
}
