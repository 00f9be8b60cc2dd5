package hamming

import (
	"math/bits"
	"slices"
	"sync"
)

const (
	bands    = 4
	bandBits = 64 / bands
	values   = 1 << bandBits
)

// MaxDistance is the largest distance that [Index.Within] takes. Unrelated
// codes are about 32 bits apart.
const MaxDistance = 16

// Index knows a set of codes by their numbers. It takes 16 bytes for each code
// beside the codes themselves, which it keeps hold of, and 1 MiB. It is safe
// for several goroutines.
type Index struct {
	codes   []uint64
	members int
	starts  [bands][]uint32 // of each value of a band in numbers, and the end
	numbers [bands][]uint32
}

// New returns an index of the codes whose number takes part. The codes must
// not change, and be fewer than 2^32.
func New(codes []uint64, takesPart func(number int) bool) *Index {
	x := &Index{codes: codes}
	for i := range codes {
		if takesPart(i) {
			x.members++
		}
	}
	for b := range bands {
		starts := make([]uint32, values+1)
		for i, c := range codes {
			if takesPart(i) {
				starts[band(c, b)+1]++
			}
		}
		for v := range values {
			starts[v+1] += starts[v]
		}
		numbers := make([]uint32, x.members)
		next := slices.Clone(starts)
		for i, c := range codes {
			if takesPart(i) {
				v := band(c, b)
				numbers[next[v]] = uint32(i)
				next[v]++
			}
		}
		x.starts[b], x.numbers[b] = starts, numbers
	}
	return x
}

// Len is the number of codes that take part.
func (x *Index) Len() int { return x.members }

// Within calls visit with the number and the distance of each code that
// differs from code in at most distance bits, once each, in an order that
// repeats, until visit returns false. A distance above MaxDistance counts as
// MaxDistance, one below zero finds nothing.
func (x *Index) Within(code uint64, distance int, visit func(number uint32, distance int) bool) {
	distance = min(distance, MaxDistance)
	if distance < 0 {
		return
	}
	radii, lookups := plan(distance)
	if lookups >= x.members {
		x.scan(code, distance, visit)
		return
	}
	masks, _ := masksByWeight()
	for b, r := range radii {
		own := band(code, b)
		for _, mask := range masks[:upTo(r)] {
			v := own ^ int(mask)
			for _, n := range x.numbers[b][x.starts[b][v]:x.starts[b][v+1]] {
				diff := code ^ x.codes[n]
				d := bits.OnesCount64(diff)
				if d > distance || foundBefore(diff, b, &radii) {
					continue
				}
				if !visit(n, d) {
					return
				}
			}
		}
	}
}

// scan is Within without the tables, for sets smaller than the lookups.
func (x *Index) scan(code uint64, distance int, visit func(number uint32, distance int) bool) {
	for _, n := range x.numbers[0] {
		if d := bits.OnesCount64(code ^ x.codes[n]); d <= distance && !visit(n, d) {
			return
		}
	}
}

// plan returns how far each band is to be looked around, -1 for not at all,
// and the lookups that takes.
func plan(distance int) (radii [bands]int, lookups int) {
	for b := range radii {
		radii[b] = distance / bands
		if b > distance%bands {
			radii[b]--
		}
		lookups += upTo(radii[b])
	}
	return radii, lookups
}

// foundBefore reports whether a band before b has led to the same code.
func foundBefore(diff uint64, b int, radii *[bands]int) bool {
	for i := range b {
		if bits.OnesCount16(uint16(band(diff, i))) <= radii[i] {
			return true
		}
	}
	return false
}

// band cuts band b out of a code. A band takes every fourth bit, so that none
// is made of bits that belong together.
func band(code uint64, b int) int {
	x := code >> b & 0x1111111111111111
	x = (x | x>>3) & 0x0303030303030303
	x = (x | x>>6) & 0x000f000f000f000f
	x = (x | x>>12) & 0x000000ff000000ff
	return int((x | x>>24) & 0xffff)
}

// masksByWeight returns all values of a band, those with fewer bits first, and
// how many have at most so many bits.
var masksByWeight = sync.OnceValues(func() ([]uint16, [bandBits + 1]int) {
	masks := make([]uint16, values)
	var upTo [bandBits + 1]int
	for v := range masks {
		masks[v] = uint16(v)
		for w := bits.OnesCount16(uint16(v)); w <= bandBits; w++ {
			upTo[w]++
		}
	}
	slices.SortStableFunc(masks, func(a, b uint16) int { return bits.OnesCount16(a) - bits.OnesCount16(b) })
	return masks, upTo
})

// upTo is the number of values of a band that differ from one in at most r
// bits.
func upTo(r int) int {
	if r < 0 {
		return 0
	}
	_, n := masksByWeight()
	return n[r]
}
