//go:build noasm || (!amd64 && !arm64)

package simd

import "unsafe"

func features() string { return "generic" }

// Prefetch asks for the cache line at p ahead of its use.
func Prefetch(unsafe.Pointer) {}

func dotU8S8(code []uint8, query []int8) int32 { return dotU8S8Generic(code, query) }

func dotU8S8Batch(codes []uint8, rows uint, ids []uint32, query []int8, out []int32) int {
	return dotU8S8BatchRest(0, codes, rows, ids, query, out)
}

func dotU8S8Rows(codes []uint8, query []int8, out []int32) { dotU8S8RowsRest(0, codes, query, out) }

func l2SqU8(a, b []uint8) int32 { return l2SqU8Generic(a, b) }

func l2SqU8Batch(codes []uint8, rows uint, ids []uint32, code []uint8, out []int32) int {
	return l2SqU8BatchRest(0, codes, rows, ids, code, out)
}

func dotF32(a, b []float32) float32             { return dotF32Generic(a, b) }
func dotF16(a []uint16, b []float32) float32    { return dotF16Generic(a, b) }
func f32ToF16Slice(dst []uint16, src []float32) { f32ToF16SliceGeneric(dst, src) }
func f16ToF32Slice(dst []float32, src []uint16) { f16ToF32SliceGeneric(dst, src) }

func estimateBits(est []float32, blocks []uint8, mul, add []float32, q *BitQuery) {
	estimateBitsGeneric(est, blocks, mul, add, q)
}

func maskAbove([]uint64, []float32, float32) (done int) { return 0 }

func hadamard(x []float32, scale float32)                { hadamardGeneric(x, scale) }
func flipSigns(x []float32, signs []uint32)              { flipSignsGeneric(x, signs) }
func maxAbs(x []float32) float32                         { return maxAbsGeneric(x) }
func quantizeS8(dst []int8, x []float32, scale float32)  { quantizeS8Generic(dst, x, scale) }
func quantizeU8(dst []uint8, x []float32, scale float32) { quantizeU8Generic(dst, x, scale) }
