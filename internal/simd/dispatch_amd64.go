//go:build !noasm

package simd

import (
	"math"
	"strings"
	"unsafe"

	"golang.org/x/sys/cpu"
)

//go:generate go -C gen run . -group int8 -out ../int8_amd64.s -stubs ../int8_stubs_amd64.go -pkg simd
//go:generate go -C gen run . -group float -out ../float_amd64.s -stubs ../float_stubs_amd64.go -pkg simd
//go:generate go -C gen run . -group bits -out ../bits_amd64.s -stubs ../bits_stubs_amd64.go -pkg simd
//go:generate go -C gen run . -group hadamard -out ../hadamard_amd64.s -stubs ../hadamard_stubs_amd64.go -pkg simd
//go:generate go -C gen run . -group quantize -out ../quantize_amd64.s -stubs ../quantize_stubs_amd64.go -pkg simd

// kernels says which instruction sets this process uses. It is set once at
// start; only tests change it.
type kernels struct {
	avx2   bool // AVX2, FMA, F16C, BMI2
	avx512 bool // F, BW, DQ, VL beside avx2
	vnni   bool // 8-bit dot products beside avx512
}

var use = detect(wanted)

func detect(limit string) kernels {
	var k kernels
	x := &cpu.X86
	k.avx2 = limit != "generic" && x.HasAVX2 && x.HasFMA && x.HasF16C && x.HasBMI2 && x.HasPOPCNT
	k.avx512 = k.avx2 && limit != "avx2" && x.HasAVX512F && x.HasAVX512BW && x.HasAVX512DQ && x.HasAVX512VL
	k.vnni = k.avx512 && x.HasAVX512VNNI
	return k
}

func features() string {
	var names []string
	for _, f := range []struct {
		on   bool
		name string
	}{{use.avx512, "avx512"}, {use.vnni, "vnni"}, {use.avx2 && !use.avx512, "avx2"}} {
		if f.on {
			names = append(names, f.name)
		}
	}
	if names == nil {
		return "generic"
	}
	return strings.Join(names, "+")
}

// Prefetch asks for the cache line at p ahead of its use. Any address will do.
func Prefetch(p unsafe.Pointer) { prefetch((*byte)(p)) }

func dotF32(a, b []float32) float32 {
	switch {
	case use.avx512:
		return dotF32AVX512(unsafe.SliceData(a), unsafe.SliceData(b), uint64(len(a)))
	case use.avx2:
		n := len(a) &^ 7
		return dotF32AVX2(unsafe.SliceData(a), unsafe.SliceData(b), uint64(n)) + dotF32Generic(a[n:], b[n:])
	}
	return dotF32Generic(a, b)
}

func dotF16(a []uint16, b []float32) float32 {
	switch {
	case use.avx512:
		return dotF16AVX512(unsafe.SliceData(a), unsafe.SliceData(b), uint64(len(a)))
	case use.avx2:
		n := len(a) &^ 7
		return dotF16AVX2(unsafe.SliceData(a), unsafe.SliceData(b), uint64(n)) + dotF16Generic(a[n:], b[n:])
	}
	return dotF16Generic(a, b)
}

func f32ToF16Slice(dst []uint16, src []float32) {
	n := 0
	if use.avx2 {
		n = len(src) &^ 7
		f32ToF16AVX2(unsafe.SliceData(dst), unsafe.SliceData(src), uint64(n))
	}
	f32ToF16SliceGeneric(dst[n:], src[n:])
}

func f16ToF32Slice(dst []float32, src []uint16) {
	n := 0
	if use.avx2 {
		n = len(src) &^ 7
		f16ToF32AVX2(unsafe.SliceData(dst), unsafe.SliceData(src), uint64(n))
	}
	f16ToF32SliceGeneric(dst[n:], src[n:])
}

// estimateBits writes the estimates of whole blocks.
func estimateBits(est []float32, blocks []uint8, mul, add []float32, q *BitQuery) {
	cols := len(q.Table) / 32
	// The vector units sum in 16 bits and read columns in pairs.
	if !use.avx2 || cols%2 != 0 || cols > maxBitCols {
		estimateBitsGeneric(est, blocks, mul, add, q)
		return
	}
	abt, count := [3]float32{q.A, q.B, q.T}, uint64(len(est)/BitBlock)
	e, b, t := unsafe.SliceData(est), unsafe.SliceData(blocks), unsafe.SliceData(q.Table)
	m, a := unsafe.SliceData(mul), unsafe.SliceData(add)
	if use.avx512 {
		estimateBitsAVX512(e, b, count, uint64(cols), t, m, a, &abt)
	} else {
		estimateBitsAVX2(e, b, count, uint64(cols), t, m, a, &abt)
	}
}

func maskAbove(masks []uint64, x []float32, threshold float32) (done int) {
	whole := len(x) / 64
	switch {
	case whole == 0 || !use.avx2:
		return 0
	case use.avx512:
		maskAboveAVX512(unsafe.SliceData(masks), uint64(whole), unsafe.SliceData(x), threshold)
	default:
		maskAboveAVX2(unsafe.SliceData(masks), uint64(whole), unsafe.SliceData(x), threshold)
	}
	return whole
}

func hadamard(x []float32, scale float32) {
	p, n := unsafe.SliceData(x), uint64(len(x))
	var h uint64 // the transform of runs of h is done
	switch {
	case use.avx512 && n >= 512:
		hadamard256AVX512(p, n/256, 1)
		h = 256
	case use.avx512 && n == 256:
		hadamard256AVX512(p, 1, scale)
		return
	case use.avx512 && n == 128:
		hadamard128AVX512(p, 1, scale)
		return
	case use.avx512 && n == 64:
		hadamard64AVX512(p, 1, scale)
		return
	case use.avx2 && n >= 128:
		hadamard64AVX2(p, n/64, 1)
		h = 64
	case use.avx2 && n == 64:
		hadamard64AVX2(p, 1, scale)
		return
	default:
		hadamardGeneric(x, scale)
		return
	}
	for ; h < n; h *= 2 {
		s := float32(1)
		if 2*h == n {
			s = scale
		}
		if use.avx512 {
			hadamardPassAVX512(p, n/(2*h), h, s)
		} else {
			hadamardPassAVX2(p, n/(2*h), h, s)
		}
	}
}

func flipSigns(x []float32, signs []uint32) {
	n := 0
	if use.avx2 {
		n = len(x) &^ 15
		flipSignsAVX2(unsafe.SliceData(x), unsafe.SliceData(signs), uint64(n))
	}
	flipSignsGeneric(x[n:], signs[n:])
}

func maxAbs(x []float32) float32 {
	n, m := 0, float32(0)
	if use.avx2 {
		n = len(x) &^ 7
		m = math.Float32frombits(maxAbsAVX2(unsafe.SliceData(x), uint64(n)))
	}
	return max(m, maxAbsGeneric(x[n:]))
}

func quantizeS8(dst []int8, x []float32, scale float32) {
	n := 0
	switch {
	case use.avx512:
		n = len(x) &^ 15
		quantizeS8AVX512(unsafe.SliceData(dst), unsafe.SliceData(x), uint64(n), scale)
	case use.avx2:
		n = len(x) &^ 15
		quantizeS8AVX2(unsafe.SliceData(dst), unsafe.SliceData(x), uint64(n), scale)
	}
	quantizeS8Generic(dst[n:], x[n:], scale)
}

func quantizeU8(dst []uint8, x []float32, scale float32) {
	n := 0
	switch {
	case use.avx512:
		n = len(x) &^ 15
		quantizeU8AVX512(unsafe.SliceData(dst), unsafe.SliceData(x), uint64(n), scale)
	case use.avx2:
		n = len(x) &^ 15
		quantizeU8AVX2(unsafe.SliceData(dst), unsafe.SliceData(x), uint64(n), scale)
	}
	quantizeU8Generic(dst[n:], x[n:], scale)
}
