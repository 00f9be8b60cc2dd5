package simd

import (
	"syscall"
	"testing"
	"unsafe"
)

// guarded returns size bytes between two pages that cannot be read, once
// ending at the second and once beginning after the first.
func guarded(t testing.TB, size int) [2][]byte {
	page := syscall.Getpagesize()
	inner := (size + page - 1) / page * page
	m, err := syscall.Mmap(-1, 0, inner+2*page, syscall.PROT_READ|syscall.PROT_WRITE, syscall.MAP_ANON|syscall.MAP_PRIVATE)
	if err != nil {
		t.Skipf("no memory to guard: %v", err)
	}
	t.Cleanup(func() { _ = syscall.Munmap(m) })
	for _, p := range [][]byte{m[:page], m[page+inner:]} {
		if err := syscall.Mprotect(p, syscall.PROT_NONE); err != nil {
			t.Skipf("no memory to guard: %v", err)
		}
	}
	return [2][]byte{m[page+inner-size : page+inner : page+inner], m[page : page+size : page+size]}
}

func view[T any](b []byte, n int) []T {
	if n == 0 {
		return nil
	}
	return unsafe.Slice((*T)(unsafe.Pointer(unsafe.SliceData(b))), n)
}

// TestNoOverRead runs every kernel on memory that ends or begins at a page
// that cannot be touched: a byte read or written too many kills the test.
func TestNoOverRead(t *testing.T) {
	const rows = 21
	a, b, c, d := guarded(t, 2048*rows*4), guarded(t, 2048*rows*4), guarded(t, 2048*rows*4), guarded(t, 2048*4)
	clip := func(x []byte, side, size int) []byte {
		if side == 0 {
			return x[len(x)-size:]
		}
		return x[:size]
	}
	eachPath(t, func(t testing.TB, _ string) {
		for side := range 2 {
			for _, n := range sizes {
				u8 := func(x [2][]byte) []uint8 { return view[uint8](clip(x[side], side, n), n) }
				i8 := func(x [2][]byte) []int8 { return view[int8](clip(x[side], side, n), n) }
				f32 := func(x [2][]byte) []float32 { return view[float32](clip(x[side], side, 4*n), n) }
				u16 := func(x [2][]byte) []uint16 { return view[uint16](clip(x[side], side, 2*n), n) }
				DotU8S8(u8(a), i8(b))
				L2SqU8(u8(a), u8(b))
				DotF32(f32(a), f32(b))
				DotF16(u16(a), f32(b))
				F32ToF16(u16(a), f32(b))
				F16ToF32(f32(a), u16(b))
				FlipSigns(f32(a), view[uint32](clip(b[side], side, 4*n), n))
				QuantizeS8(i8(a), f32(b), 1)
				QuantizeU8(u8(a), f32(b), 1)
				MaxAbs(f32(a))
				if n > 0 && n&(n-1) == 0 {
					Hadamard(f32(a), 1)
				}
				codes := view[uint8](clip(a[side], side, n*rows), n*rows)
				for _, count := range []int{1, 4, 7, rows} {
					ids := view[uint32](clip(c[side], side, 4*count), count)
					for i := range ids {
						ids[i] = uint32(rows - 1 - i)
					}
					out := view[int32](clip(d[side], side, 4*count), count)
					DotU8S8Batch(codes, n, ids, i8(b), out)
					L2SqU8Batch(codes, n, ids, u8(b), out)
					DotU8S8Rows(codes[:n*count], i8(b), out)
				}
			}
			for _, cols := range []int{1, 2, 7, 8, 48, 64, 96, 128} {
				q := BitQuery{Table: view[uint8](clip(b[side], side, 32*cols), 32*cols)}
				for _, count := range []int{1, 63, 64, 128, 150} {
					size := (count + BitBlock - 1) / BitBlock * BitBlock * cols
					f := view[float32](clip(c[side], side, 4*count), count)
					est := view[float32](clip(d[side], side, 4*count), count)
					EstimateBits(est, view[uint8](clip(a[side], side, size), size), f, f, &q)
					words := (count + 63) / 64
					MaskAbove(view[uint64](clip(c[side], side, 8*words), words), est, 0)
				}
			}
		}
	})
}
