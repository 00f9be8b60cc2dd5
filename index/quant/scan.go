package quant

import (
	"math"
	"math/bits"
	"slices"

	"github.com/clipdb/clipdb/index/internal/best"
	"github.com/clipdb/clipdb/internal/simd"
)

// Scan estimates the cosines of a query and every row of 1-bit codes, and
// then hands out the rows of highest estimate: first a number of them, and
// when these have been scored exactly those that may still be better. A Scan
// is used again from query to query without allocating, by one goroutine at a
// time; it holds four bytes and a bit for every row.
type Scan struct {
	codes *BinaryCodes
	q     *BinaryQuery
	allow func(row uint32) bool

	est    []float32 // without the query's offset
	masks  []uint64
	sample []uint64 // keys
	keys   []uint64
	last   uint64 // the lowest key that Best gave out
}

// sampleRows is how many estimates tell where to look for the best.
const sampleRows = 2048

// Run estimates all rows of codes. allow, when it is not nil, says which of
// them Best and Above may hand out; it is asked about few. codes and q must
// not change before the last call of Best or Above.
func (s *Scan) Run(codes *BinaryCodes, q *BinaryQuery, allow func(row uint32) bool) {
	s.codes, s.q, s.allow = codes, q, allow
	s.last = 0
	// Whole blocks: rows behind the last have no code, and a NaN estimate.
	n := (codes.rows + simd.BitBlock - 1) / simd.BitBlock * simd.BitBlock
	if cap(s.est) < n {
		s.est, s.masks = make([]float32, n+n/4), make([]uint64, (n+n/4+63)/64)
	}
	s.est = s.est[:n]
	for i := range codes.chunks {
		c, at := &codes.chunks[i], i*chunkRows
		if at >= n {
			break
		}
		simd.EstimateBits(s.est[at:min(n, at+chunkRows)], c.blocks, c.mul, c.add, &q.Bits)
	}
}

// Best appends the n rows of highest estimate to dst, in no order, equal
// estimates by lower row, and returns it.
func (s *Scan) Best(n int, dst []uint32) []uint32 {
	s.keys = s.keys[:0]
	if n <= 0 {
		return dst
	}
	// A threshold that more than n rows are likely to pass, from a sample;
	// lowered until enough have.
	s.sample = s.sample[:0]
	step := max(1, len(s.est)/sampleRows)
	for i := 0; i < len(s.est); i += step {
		if e := s.est[i]; e == e {
			s.sample = append(s.sample, scanKey(e, uint32(i)))
		}
	}
	share := float64(n) / float64(step)
	for rank := int(share + 2*math.Sqrt(share) + 3); ; rank *= 3 {
		threshold := noThreshold
		if rank < len(s.sample) {
			best.Least(s.sample, rank)
			threshold = keyEstimate(slices.Max(s.sample[:rank]))
		}
		s.keys = s.keys[:0]
		s.each(threshold, func(row uint32, e float32) {
			s.keys = append(s.keys, scanKey(e, row))
		})
		if len(s.keys) >= n || threshold == noThreshold {
			break
		}
	}
	if len(s.keys) > n {
		best.Least(s.keys, n)
		s.keys = s.keys[:n]
	}
	for _, k := range s.keys {
		s.last = max(s.last, k)
		dst = append(dst, uint32(k))
	}
	return dst
}

// Above appends to dst the rows that Best did not hand out and that may yet
// belong to the k nearest, score being the k-th best score so far: those whose
// estimate of the cosine plus z Sigma is above it. This is the paper's rule. z
// says how many of the k nearest are found at least, on average: the share of
// a normal variable below z, 0.90 at 1.28, 0.95 at 1.65, 0.99 at 2.33.
func (s *Scan) Above(score, z float32, dst []uint32) []uint32 {
	widest := s.q.sigma(s.codes.maxSpread, s.codes.maxMul)
	s.each(score-s.q.Offset-z*widest, func(row uint32, e float32) {
		if scanKey(e, row) <= s.last {
			return
		}
		c, i := &s.codes.chunks[int(row)/chunkRows], int(row)%chunkRows
		if s.q.Offset+e+z*s.q.Sigma(Factors{Mul: c.mul[i], Add: c.add[i]}) > score {
			dst = append(dst, row)
		}
	})
	return dst
}

// each visits the allowed rows whose estimate is above threshold.
func (s *Scan) each(threshold float32, visit func(row uint32, e float32)) {
	masks := s.masks[:len(s.est)/64]
	simd.MaskAbove(masks, s.est, threshold)
	for i, m := range masks {
		for ; m != 0; m &= m - 1 {
			row := uint32(64*i + bits.TrailingZeros64(m))
			if s.allow == nil || s.allow(row) {
				visit(row, s.est[row])
			}
		}
	}
}

// noThreshold lets every estimate pass that is a number.
var noThreshold = float32(math.Inf(-1))

// scanKey is smaller for a higher estimate, and of equal ones for a lower row.
func scanKey(est float32, row uint32) uint64 {
	b := math.Float32bits(est)
	// Negative numbers turn all bits, others the sign: order as unsigned.
	b ^= uint32(int32(b)>>31) | 1<<31
	return uint64(^b)<<32 | uint64(row)
}

func keyEstimate(k uint64) float32 {
	b := ^uint32(k >> 32)
	b ^= uint32(^int32(b)>>31) | 1<<31
	return math.Float32frombits(b)
}
