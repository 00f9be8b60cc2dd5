package simd

// DotF32 returns the dot product of two vectors of one length. The order of
// the sum, and so the last bits, depend on the machine.
func DotF32(a, b []float32) float32 {
	if len(a) != len(b) {
		panic("simd: DotF32 of different lengths")
	}
	return dotF32(a, b)
}

// DotF16 returns the dot product of a float16 vector (IEEE 754 binary16, as
// F32ToF16 writes it) and a float32 vector of one length, summed in float32.
func DotF16(a []uint16, b []float32) float32 {
	if len(a) != len(b) {
		panic("simd: DotF16 of different lengths")
	}
	return dotF16(a, b)
}

func dotF32Generic(a, b []float32) float32 {
	var s0, s1, s2, s3 float32
	n := len(a)
	b = b[:n]
	i := 0
	for ; i+4 <= n; i += 4 {
		s0 += a[i] * b[i]
		s1 += a[i+1] * b[i+1]
		s2 += a[i+2] * b[i+2]
		s3 += a[i+3] * b[i+3]
	}
	for ; i < n; i++ {
		s0 += a[i] * b[i]
	}
	return (s0 + s1) + (s2 + s3)
}

func dotF16Generic(a []uint16, b []float32) float32 {
	var s0, s1 float32
	n := len(a)
	b = b[:n]
	i := 0
	for ; i+2 <= n; i += 2 {
		s0 += f16ToF32(a[i]) * b[i]
		s1 += f16ToF32(a[i+1]) * b[i+1]
	}
	if i < n {
		s0 += f16ToF32(a[i]) * b[i]
	}
	return s0 + s1
}
