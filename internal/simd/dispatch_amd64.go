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
	bits   bool // population counts of bytes and words beside vnni
}

var use = detect(wanted)

func detect(limit string) kernels {
	var k kernels
	x := &cpu.X86
	k.avx2 = limit != "generic" && x.HasAVX2 && x.HasFMA && x.HasF16C && x.HasBMI2 && x.HasPOPCNT
	k.avx512 = k.avx2 && limit != "avx2" && x.HasAVX512F && x.HasAVX512BW && x.HasAVX512DQ && x.HasAVX512VL
	k.vnni = k.avx512 && x.HasAVX512VNNI
	k.bits = k.vnni && x.HasAVX512BITALG && x.HasAVX512VPOPCNTDQ
	return k
}

func features() string {
	var names []string
	for _, f := range []struct {
		on   bool
		name string
	}{{use.avx512, "avx512"}, {use.vnni, "vnni"}, {use.bits, "vpopcnt"}, {use.avx2 && !use.avx512, "avx2"}} {
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

func dotBits(code, planes []uint64) int32 {
	switch {
	case use.bits && len(code) > 0:
		return dotBitsAVX512(unsafe.SliceData(code), uint64(len(code)), unsafe.SliceData(planes))
	case use.avx2 && len(code) > 0 && len(code)%4 == 0:
		var out int32
		dotBitsRowsAVX2(unsafe.SliceData(code), 1, uint64(len(code)), unsafe.SliceData(planes), &out)
		return out
	}
	return dotBitsGeneric(code, planes)
}

func dotBitsRows(codes, planes []uint64, out []int32) {
	words, done := len(planes)/BitPlanes, 0
	switch {
	case use.bits:
		if done = len(out) &^ 15; done > 0 {
			dotBitsRowsAVX512(unsafe.SliceData(codes), uint64(done), uint64(words), unsafe.SliceData(planes), unsafe.SliceData(out))
		}
	case use.avx2 && words%4 == 0:
		dotBitsRowsAVX2(unsafe.SliceData(codes), uint64(len(out)), uint64(words), unsafe.SliceData(planes), unsafe.SliceData(out))
		return
	}
	for ; done < len(out); done++ {
		out[done] = dotBits(codes[done*words:(done+1)*words], planes)
	}
}

func scanBits(codes []uint64, mul, add []float32, q BitQuery, threshold float32, rows []uint32, est []float32) int {
	words, n := len(q.Planes)/BitPlanes, len(mul)
	done, found := 0, 0
	if use.bits && n >= 16 {
		done = n &^ 15
		abt := [4]float32{q.A, q.B, q.T, threshold}
		found = int(scanBitsAVX512(unsafe.SliceData(codes), uint64(done), uint64(words), unsafe.SliceData(q.Planes),
			unsafe.SliceData(mul), unsafe.SliceData(add), &abt, unsafe.SliceData(rows), unsafe.SliceData(est)))
	}
	var dots [64]int32
	for done < n {
		block := dots[:min(len(dots), n-done)]
		dotBitsRows(codes[done*words:], q.Planes, block)
		for i, dot := range block {
			if e := bitEstimate(dot, mul[done+i], add[done+i], q); e > threshold {
				rows[found], est[found] = uint32(done+i), e
				found++
			}
		}
		done += len(block)
	}
	return found
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
