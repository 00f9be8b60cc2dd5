//go:build !noasm

package simd

import "testing"

// eachPath runs f on every set of kernels that this machine has.
func eachPath(t testing.TB, f func(t testing.TB, path string)) {
	saved := use
	defer func() { use = saved }()
	all := detect("")
	paths := []struct {
		name string
		have bool
		use  kernels
	}{
		{"generic", true, kernels{}},
		{"avx2", all.avx2, kernels{avx2: true}},
		{"avx512", all.avx512, kernels{avx2: true, avx512: true}},
		{"vnni", all.vnni, kernels{avx2: true, avx512: true, vnni: true}},
	}
	for _, p := range paths {
		if p.have {
			use = p.use
			runPath(t, p.name, f)
		}
	}
}
