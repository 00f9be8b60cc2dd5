//go:build !noasm

package jpeg

import "golang.org/x/sys/cpu"

// useAVX2 says whether the assembly transform runs. Only tests change it.
var useAVX2 = cpu.X86.HasAVX2

// transformAVX2 is transform for eight rows of eight bytes, stride apart.
//
//go:noescape
func transformAVX2(dst *byte, stride int, block *[64]int32)
