//go:build !noasm

package pixel

import "golang.org/x/sys/cpu"

// useAVX2 says whether the assembly kernels run. Only tests change it.
var useAVX2 = cpu.X86.HasAVX2

// rowOverrun is how many bytes beyond a row the kernel may read, and forget.
const rowOverrun = 13

// rowAVX2 resizes one row of packed RGB to n pixels, n positive. starts and
// counts are those of weights, low and high its halves, each row of them
// stride long, a multiple of 4 filled up with zeros. It reads up to rowOverrun
// bytes beyond the last pixel that a weight above zero belongs to.
//
//go:noescape
func rowAVX2(dst, src *byte, starts, counts *int32, low, high *int16, stride, n int)

// columnsAVX2 writes width bytes, a positive multiple of 8: the sums of taps
// rows, one below the other, under the weights fixed. taps is positive.
//
//go:noescape
func columnsAVX2(dst, src *byte, fixed *int32, taps, stride, width int)

// sumsAVX2 writes three times near plus far, n positive samples, a multiple
// of 16.
//
//go:noescape
func sumsAVX2(dst *uint16, near, far *byte, n int)

// doubleAVX2 writes two bytes for each of n sums from sums[1] on, n a
// positive multiple of 16: a sixteenth of three times the sum, the one before
// and even; and the same with the one after and odd.
//
//go:noescape
func doubleAVX2(dst *byte, sums *uint16, n int, even, odd uint64)

// yccAVX2 converts n pixels, n a positive multiple of 16.
//
//go:noescape
func yccAVX2(dst, luma, cb, cr *byte, n int)
