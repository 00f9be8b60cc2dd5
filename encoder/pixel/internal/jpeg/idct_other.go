//go:build !amd64 || noasm

package jpeg

// useAVX2 is false where there is no assembly.
var useAVX2 = false

func transformAVX2(dst *byte, stride int, block *[64]int32) {
	panic("no assembly in this build")
}
