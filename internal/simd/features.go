package simd

import "os"

// Features names the kernels in use: "avx512", "avx2", "neon" or "generic",
// with what lies behind it.
func Features() string { return features() }

// wanted is the upper limit that the environment sets: "", "generic", "avx2".
// It is read once, before any kernel runs.
var wanted = os.Getenv("CLIPDB_SIMD")
