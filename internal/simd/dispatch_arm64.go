//go:build !noasm

package simd

import (
	"unsafe"

	"golang.org/x/sys/cpu"
)

// kernels says which instruction sets this process uses. It is set once at
// start; only tests change it.
type kernels struct {
	neon    bool
	dotprod bool // FEAT_DotProd: from Cortex-A75 and Apple A11 on
}

var use = detect(wanted)

func detect(limit string) kernels {
	on := limit != "generic"
	return kernels{neon: on, dotprod: on && cpu.ARM64.HasASIMDDP}
}

func features() string {
	switch {
	case use.dotprod:
		return "neon+dotprod"
	case use.neon:
		return "neon"
	}
	return "generic"
}

// Prefetch asks for the cache line at p ahead of its use. Any address will do.
func Prefetch(p unsafe.Pointer) { prefetch((*byte)(p)) }

func dotU8S8(code []uint8, query []int8) int32 {
	return dotAfterSum(code, query, sumQuery(query))
}

// sumQuery is 128 times the sum of the components that dotAfterSum gives to
// the vector unit: SDOT wants signed codes, so 128 is taken off each.
func sumQuery(query []int8) int32 {
	if !use.dotprod {
		return 0
	}
	return sumS8Dotprod(unsafe.SliceData(query), uint64(len(query)&^15)) << 7
}

func dotAfterSum(code []uint8, query []int8, sum int32) int32 {
	if !use.dotprod {
		return dotU8S8Generic(code, query)
	}
	n := len(code) &^ 15
	return dotS8Dotprod(unsafe.SliceData(code), unsafe.SliceData(query), uint64(n)) + sum +
		dotU8S8Generic(code[n:], query[n:])
}

// rowsAhead is how many rows ahead batches fetch.
const rowsAhead = 4

func fetchRow(codes []uint8, rows uint, id uint32, stride int) {
	if uint(id) < rows {
		for at := int(id) * stride; at < (int(id)+1)*stride; at += 64 {
			prefetch(&codes[at])
		}
	}
}

func dotU8S8Batch(codes []uint8, rows uint, ids []uint32, query []int8, out []int32) int {
	stride, sum := len(query), sumQuery(query)
	for i, id := range ids {
		if uint(id) >= rows {
			return i
		}
		if i+rowsAhead < len(ids) {
			fetchRow(codes, rows, ids[i+rowsAhead], stride)
		}
		at := int(id) * stride
		out[i] = dotAfterSum(codes[at:at+stride], query, sum)
	}
	return len(ids)
}

func dotU8S8Rows(codes []uint8, query []int8, out []int32) {
	stride, sum := len(query), sumQuery(query)
	for i := range out {
		out[i] = dotAfterSum(codes[i*stride:(i+1)*stride], query, sum)
	}
}

func l2SqU8(a, b []uint8) int32 {
	if !use.dotprod {
		return l2SqU8Generic(a, b)
	}
	n := len(a) &^ 15
	return l2SqU8Dotprod(unsafe.SliceData(a), unsafe.SliceData(b), uint64(n)) + l2SqU8Generic(a[n:], b[n:])
}

func l2SqU8Batch(codes []uint8, rows uint, ids []uint32, code []uint8, out []int32) int {
	stride := len(code)
	for i, id := range ids {
		if uint(id) >= rows {
			return i
		}
		if i+rowsAhead < len(ids) {
			fetchRow(codes, rows, ids[i+rowsAhead], stride)
		}
		at := int(id) * stride
		out[i] = l2SqU8(codes[at:at+stride], code)
	}
	return len(ids)
}

func dotF32(a, b []float32) float32 {
	n := 0
	var s float32
	if use.neon && len(a) >= 16 {
		var sums [16]float32
		n = len(a) &^ 15
		dotF32NEON(unsafe.SliceData(a), unsafe.SliceData(b), uint64(n), &sums)
		for _, v := range sums {
			s += v
		}
	}
	return s + dotF32Generic(a[n:], b[n:])
}

func dotF16(a []uint16, b []float32) float32    { return dotF16Generic(a, b) }
func f32ToF16Slice(dst []uint16, src []float32) { f32ToF16SliceGeneric(dst, src) }
func f16ToF32Slice(dst []float32, src []uint16) { f16ToF32SliceGeneric(dst, src) }

// estimateBits writes the estimates of whole blocks.
func estimateBits(est []float32, blocks []uint8, mul, add []float32, q *BitQuery) {
	cols := len(q.Table) / 32
	if !use.neon || cols > maxBitCols { // sums in 16 bits
		estimateBitsGeneric(est, blocks, mul, add, q)
		return
	}
	for first := 0; first < len(est); first += BitBlock {
		var words [BitBlock]uint16
		bitSumsNEON(&blocks[first*cols], uint64(cols), unsafe.SliceData(q.Table), &words)
		var sums [BitBlock]int32
		for i, w := range words {
			sums[i] = int32(w)
		}
		q.estimate(est[first:first+BitBlock], &sums, mul[first:], add[first:])
	}
}

func maskAbove([]uint64, []float32, float32) (done int) { return 0 }

func hadamard(x []float32, scale float32)                { hadamardGeneric(x, scale) }
func flipSigns(x []float32, signs []uint32)              { flipSignsGeneric(x, signs) }
func maxAbs(x []float32) float32                         { return maxAbsGeneric(x) }
func quantizeS8(dst []int8, x []float32, scale float32)  { quantizeS8Generic(dst, x, scale) }
func quantizeU8(dst []uint8, x []float32, scale float32) { quantizeU8Generic(dst, x, scale) }
