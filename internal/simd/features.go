package simd

// Features names the kernels in use: "avx512+vnni", "avx512", "avx2",
// "neon+dotprod", "neon" or "generic".
func Features() string { return features() }
