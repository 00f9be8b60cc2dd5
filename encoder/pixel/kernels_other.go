//go:build !amd64 || noasm

package pixel

// useAVX2 is false where there is no assembly.
var useAVX2 = false

const rowOverrun = 13

func rowAVX2(dst, src *byte, starts, counts *int32, low, high *int16, stride, n int) {
	panic("no assembly in this build")
}

func columnsAVX2(dst, src *byte, fixed *int32, taps, stride, width int) {
	panic("no assembly in this build")
}

func sumsAVX2(dst *uint16, near, far *byte, n int) { panic("no assembly in this build") }

func doubleAVX2(dst *byte, sums *uint16, n int, even, odd uint64) {
	panic("no assembly in this build")
}

func yccAVX2(dst, luma, cb, cr *byte, n int) { panic("no assembly in this build") }
