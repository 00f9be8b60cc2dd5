package simd

import "math"

// F32ToF16 rounds src to IEEE 754 binary16, to nearest with ties to even.
// Values beyond 65,504 in size become infinite, a NaN stays one.
func F32ToF16(dst []uint16, src []float32) {
	if len(dst) != len(src) {
		panic("simd: F32ToF16 of different lengths")
	}
	f32ToF16Slice(dst, src)
}

// F16ToF32 widens IEEE 754 binary16 values, exactly.
func F16ToF32(dst []float32, src []uint16) {
	if len(dst) != len(src) {
		panic("simd: F16ToF32 of different lengths")
	}
	f16ToF32Slice(dst, src)
}

func f32ToF16SliceGeneric(dst []uint16, src []float32) {
	dst = dst[:len(src)]
	for i, v := range src {
		dst[i] = f32ToF16(v)
	}
}

func f16ToF32SliceGeneric(dst []float32, src []uint16) {
	dst = dst[:len(src)]
	for i, v := range src {
		dst[i] = f16ToF32(v)
	}
}

func f32ToF16(v float32) uint16 {
	b := math.Float32bits(v)
	sign := uint16(b >> 16 & 0x8000)
	b &= 0x7fffffff
	switch {
	case b > 0x7f800000: // NaN: keep the top of the payload, made quiet
		return sign | 0x7e00 | uint16(b>>13&0x3ff)
	case b >= 0x477ff000: // rounds to 65,536 or more
		return sign | 0x7c00
	case b >= 0x38800000: // normal in float16
		b += 0xc8000000 // exponent bias 127 to 15
		return sign | uint16((b+0xfff+(b>>13&1))>>13)
	case b < 0x33000000: // below half the smallest subnormal
		return sign
	}
	// Subnormal: shift the mantissa with its hidden bit into place.
	shift := 126 - b>>23
	m := b&0x7fffff | 0x800000
	half := uint32(1) << (shift - 1)
	return sign | uint16((m+half-1+(m>>shift&1))>>shift)
}

func f16ToF32(h uint16) float32 {
	sign := uint32(h&0x8000) << 16
	e, m := uint32(h>>10&0x1f), uint32(h&0x3ff)
	switch {
	case e == 0x1f && m != 0: // NaN, made quiet
		return math.Float32frombits(sign | 0x7fc00000 | m<<13)
	case e == 0x1f:
		return math.Float32frombits(sign | 0x7f800000)
	case e == 0: // zero or subnormal: m * 2^-24, exact
		return math.Float32frombits(sign | math.Float32bits(float32(m)*0x1p-24))
	}
	return math.Float32frombits(sign | (e+112)<<23 | m<<13)
}
