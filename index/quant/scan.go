package quant

import (
	"math"

	"github.com/clipdb/clipdb/internal/simd"
)

// Scan collects the rows of highest estimate. It keeps twice as many as asked for and drops the worse half
// when it is full, which raises the threshold that the kernel applies; no heap
// is kept in order. A Scan is used again from query to query by Reset, without
// allocating, by one goroutine at a time.
type Scan struct {
	keep      int
	keys      []uint64 // estimate in order-preserving bits above, ^row below
	threshold float32
	rows      []uint32
	est       []float32
}

// scanRows is how many rows the kernel looks at between two looks at the
// threshold.
const scanRows = 4 * simd.BitBlock

// Reset empties s and asks for the best keep rows, at least one.
func (s *Scan) Reset(keep int) {
	s.keep = max(1, keep)
	if room := 2*s.keep + scanRows; cap(s.keys) < room {
		s.keys = make([]uint64, 0, room)
	}
	if s.rows == nil {
		s.rows, s.est = make([]uint32, scanRows), make([]float32, scanRows)
	}
	s.keys = s.keys[:0]
	s.threshold = simd.NoThreshold
}

// Add looks at the rows of codes. allow, when it is not nil, is asked about
// rows that are good enough, and says which may be kept.
func (s *Scan) Add(codes *BinaryCodes, q *BinaryQuery, allow func(row uint32) bool) {
	for i := range codes.chunks {
		c := &codes.chunks[i]
		for at := 0; at < chunkRows; at += scanRows {
			if i*chunkRows+at >= codes.rows {
				return
			}
			hits := simd.ScanBits(c.blocks[at*codes.bytes:(at+scanRows)*codes.bytes],
				c.mul[at:at+scanRows], c.add[at:at+scanRows], q.Bits, s.threshold, s.rows, s.est)
			est := s.est[:hits]
			for j, row := range s.rows[:hits] {
				if row += uint32(i*chunkRows + at); allow == nil || allow(row) {
					s.keys = append(s.keys, scanKey(est[j], row))
				}
			}
			if len(s.keys) >= 2*s.keep {
				s.cut()
			}
		}
	}
}

// cut drops all but the best keep and raises the threshold to the worst of
// them.
func (s *Scan) cut() {
	if len(s.keys) <= s.keep {
		return
	}
	selectTop(s.keys, s.keep)
	s.keys = s.keys[:s.keep]
	worst := s.keys[0]
	for _, k := range s.keys {
		worst = min(worst, k)
	}
	// Rows come in rising order, so an equal estimate would lose its tie.
	s.threshold = keyEstimate(worst)
}

// Rows appends the best rows to dst, in no order, and returns it.
func (s *Scan) Rows(dst []uint32) []uint32 {
	s.cut()
	for _, k := range s.keys {
		dst = append(dst, ^uint32(k))
	}
	return dst
}

// Len is how many rows there are.
func (s *Scan) Len() int { return min(len(s.keys), s.keep) }

// scanKey orders by estimate, equal estimates by lower row first.
func scanKey(est float32, row uint32) uint64 {
	b := math.Float32bits(est)
	// Negative numbers turn all bits, others the sign: order as unsigned.
	b ^= uint32(int32(b)>>31) | 1<<31
	return uint64(b)<<32 | uint64(^row)
}

func keyEstimate(k uint64) float32 {
	b := uint32(k >> 32)
	b ^= uint32(^int32(b)>>31) | 1<<31
	return math.Float32frombits(b)
}

// selectTop moves the n largest keys to the front (Hoare's quickselect with
// the middle of three; keys differ, so it ends).
func selectTop(keys []uint64, n int) {
	lo, hi := 0, len(keys)-1
	for lo < hi {
		mid := lo + (hi-lo)/2
		if keys[mid] > keys[lo] {
			keys[mid], keys[lo] = keys[lo], keys[mid]
		}
		if keys[hi] > keys[lo] {
			keys[hi], keys[lo] = keys[lo], keys[hi]
		}
		if keys[hi] > keys[mid] {
			keys[hi], keys[mid] = keys[mid], keys[hi]
		}
		pivot := keys[mid]
		i, j := lo, hi
		for i <= j {
			for keys[i] > pivot {
				i++
			}
			for keys[j] < pivot {
				j--
			}
			if i <= j {
				keys[i], keys[j] = keys[j], keys[i]
				i++
				j--
			}
		}
		switch {
		case n-1 <= j:
			hi = j
		case n-1 >= i:
			lo = i
		default:
			return
		}
	}
}
