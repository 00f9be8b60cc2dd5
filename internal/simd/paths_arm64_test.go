//go:build !noasm

package simd

import "testing"

// eachPath runs f on every set of kernels that this machine has.
func eachPath(t testing.TB, f func(t testing.TB, path string)) {
	saved := use
	defer func() { use = saved }()
	all := detect("")
	use = kernels{}
	runPath(t, "generic", f)
	if all.neon {
		use = kernels{neon: true}
		runPath(t, "neon", f)
	}
	if all.dotprod {
		use = kernels{neon: true, dotprod: true}
		runPath(t, "dotprod", f)
	}
}
