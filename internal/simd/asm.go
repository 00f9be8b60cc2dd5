//go:build !noasm && (amd64 || arm64)

package simd

import "os"

// wanted is the upper limit that the environment sets: "", "generic", "avx2".
// It is read once, before any kernel runs.
var wanted = os.Getenv("CLIPDB_SIMD")

// maxBitCols is the length of 1-bit codes up to which vector units can sum in
// 16 bits: two table entries of at most 60 a byte.
const maxBitCols = 65535 / 120
