//go:build noasm || (!amd64 && !arm64)

package simd

import "testing"

func eachPath(t testing.TB, f func(t testing.TB, path string)) { runPath(t, "generic", f) }
