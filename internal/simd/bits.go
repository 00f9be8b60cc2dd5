package simd

import (
	"math"
	"math/bits"
)

// BitPlanes is the number of bits of a query component against which 1-bit
// codes are scored.
const BitPlanes = 4

// DotBits returns the sum of the query's components where the code has a one:
// codes are 1 bit a component, component i being bit i%64 of word i/64, and
// the query is 4 bits a component in two's complement, -8 to 7, spread over
// four planes of len(code) words each, lowest bit first, one behind the other.
// It is the inner loop of RaBitQ (Gao and Long 2024, section 3.3.2):
//
//	sum(popcount(code & plane[j]) * {1, 2, 4, -8}[j])
func DotBits(code, planes []uint64) int32 {
	if len(planes) != BitPlanes*len(code) {
		panic("simd: DotBits needs four planes as long as the code")
	}
	return dotBits(code, planes)
}

// DotBitsRows is DotBits for len(out) codes that lie one behind the other.
func DotBitsRows(codes, planes []uint64, out []int32) {
	words := bitWords(planes)
	if len(codes)/words < len(out) {
		panic("simd: DotBitsRows has fewer codes than results")
	}
	if len(out) > 0 {
		dotBitsRows(codes, planes, out)
	}
}

// DotBitsBatch is DotBits for the codes named by ids; an id whose code is not
// wholly inside codes panics.
func DotBitsBatch(codes []uint64, ids []uint32, planes []uint64, out []int32) {
	words := bitWords(planes)
	if len(out) < len(ids) {
		panic("simd: DotBitsBatch of different lengths")
	}
	rows := uint(len(codes) / words)
	for i, id := range ids {
		if uint(id) >= rows {
			panicRow(id, rows)
		}
		at := int(id) * words
		out[i] = dotBits(codes[at:at+words], planes)
	}
}

// BitQuery turns the dot product of a 1-bit code into an estimate of what it
// stands for: estimate = mul*(A*dot + B) + T*add, where mul and add belong to
// the code. Each operation is rounded to float32 on its own.
type BitQuery struct {
	Planes  []uint64 // as for DotBits
	A, B, T float32
}

// ScanBits estimates the codes of len(mul) rows that lie one behind the other
// and keeps those whose estimate is above threshold: their row numbers go to
// rows and their estimates to est, in rising order of rows, and the number of
// them is returned. rows and est have room for len(mul) entries; what they
// hold behind the returned count is undefined.
func ScanBits(codes []uint64, mul, add []float32, q BitQuery, threshold float32, rows []uint32, est []float32) int {
	words, n := bitWords(q.Planes), len(mul)
	if len(codes)/words < n || len(add) != n || len(rows) < n || len(est) < n {
		panic("simd: ScanBits of different lengths")
	}
	if n == 0 {
		return 0
	}
	return scanBits(codes, mul, add, q, threshold, rows, est)
}

func bitWords(planes []uint64) int {
	words := len(planes) / BitPlanes
	if words == 0 || words*BitPlanes != len(planes) {
		panic("simd: 1-bit codes need four planes of one length")
	}
	return words
}

func dotBitsGeneric(code, planes []uint64) int32 {
	n := len(code)
	p0, p1, p2, p3 := planes[:n], planes[n:2*n], planes[2*n:3*n], planes[3*n:4*n]
	var s int
	for i, c := range code {
		s += bits.OnesCount64(c&p0[i]) + bits.OnesCount64(c&p1[i])<<1 +
			bits.OnesCount64(c&p2[i])<<2 - bits.OnesCount64(c&p3[i])<<3
	}
	return int32(s)
}

func dotBitsRowsGeneric(codes, planes []uint64, out []int32) {
	words := len(planes) / BitPlanes
	for i := range out {
		out[i] = dotBitsGeneric(codes[i*words:(i+1)*words], planes)
	}
}

func scanBitsGeneric(codes []uint64, mul, add []float32, q BitQuery, threshold float32, rows []uint32, est []float32) int {
	words, found := len(q.Planes)/BitPlanes, 0
	for i := range mul {
		dot := dotBitsGeneric(codes[i*words:(i+1)*words], q.Planes)
		if e := bitEstimate(dot, mul[i], add[i], q); e > threshold {
			rows[found], est[found] = uint32(i), e
			found++
		}
	}
	return found
}

// bitEstimate rounds after every operation, on machines too whose compiler
// would fuse a product and a sum.
func bitEstimate(dot int32, mul, add float32, q BitQuery) float32 {
	e := float32(q.A*float32(dot)) + q.B
	return float32(mul*e) + float32(q.T*add)
}

// NoThreshold lets every estimate pass in ScanBits.
var NoThreshold = float32(math.Inf(-1))
