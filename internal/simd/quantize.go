package simd

import "math"

// QuantizeS8 writes round(x[i]*scale), ties to even, clamped to [-127, 127].
// x and scale are finite.
func QuantizeS8(dst []int8, x []float32, scale float32) {
	if len(dst) != len(x) {
		panic("simd: QuantizeS8 of different lengths")
	}
	quantizeS8(dst, x, scale)
}

// QuantizeU8 is QuantizeS8 shifted by 128: codes from 1 to 255 with zero at
// 128.
func QuantizeU8(dst []uint8, x []float32, scale float32) {
	if len(dst) != len(x) {
		panic("simd: QuantizeU8 of different lengths")
	}
	quantizeU8(dst, x, scale)
}

// MaxAbs returns the largest absolute value of x, 0 when x is empty. x holds
// no NaN.
func MaxAbs(x []float32) float32 { return maxAbs(x) }

func quantizeS8Generic(dst []int8, x []float32, scale float32) {
	dst = dst[:len(x)]
	for i, v := range x {
		dst[i] = int8(roundClamp(v * scale))
	}
}

func quantizeU8Generic(dst []uint8, x []float32, scale float32) {
	dst = dst[:len(x)]
	for i, v := range x {
		dst[i] = uint8(roundClamp(v*scale) + 128)
	}
}

func roundClamp(v float32) int32 {
	// Adding 1.5*2^23 leaves the integer nearest to v, ties to even, in the
	// low bits of the mantissa: the rounding of the vector instructions.
	const magic = 3 << 22
	v = max(-127, min(127, v))
	return int32(math.Float32bits(v+magic)) - int32(math.Float32bits(magic))
}

func maxAbsGeneric(x []float32) float32 {
	var m uint32
	for _, v := range x {
		m = max(m, math.Float32bits(v)&0x7fffffff)
	}
	return math.Float32frombits(m)
}
