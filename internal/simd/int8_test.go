package simd

import (
	"fmt"
	"slices"
	"strings"
	"testing"
)

// oracles in the plainest words, on int64.
func slowDot(code []uint8, query []int8) int32 {
	var s int64
	for i := range code {
		s += int64(code[i]) * int64(query[i])
	}
	return int32(s)
}

func slowL2(a, b []uint8) int32 {
	var s int64
	for i := range a {
		d := int64(a[i]) - int64(b[i])
		s += d * d
	}
	return int32(s)
}

func TestDotU8S8(t *testing.T) {
	eachPath(t, func(t testing.TB, _ string) {
		r := newRand(1)
		for _, n := range sizes {
			for range 40 {
				shift := r.IntN(65)
				code, query := make([]uint8, n+shift)[shift:], make([]int8, n+shift)[shift:]
				fillBytes(r, code)
				fillSigned(r, query)
				if got, want := DotU8S8(code, query), slowDot(code, query); got != want {
					t.Fatalf("n=%d shift=%d: %d, want %d", n, shift, got, want)
				}
				other := make([]uint8, n)
				fillBytes(r, other)
				if got, want := L2SqU8(code, other), slowL2(code, other); got != want {
					t.Fatalf("n=%d shift=%d: L2 %d, want %d", n, shift, got, want)
				}
			}
		}
	})
}

// TestDotU8S8Largest holds the sums that are largest in size at the longest
// length that the package promises.
func TestDotU8S8Largest(t *testing.T) {
	eachPath(t, func(t testing.TB, _ string) {
		const n = 65536
		code, query := slices.Repeat([]uint8{255}, n), slices.Repeat([]int8{-128}, n)
		if got, want := DotU8S8(code, query), int32(-255*128*n); got != want {
			t.Errorf("%d, want %d", got, want)
		}
		a, b := slices.Repeat([]uint8{255}, 33000), make([]uint8, 33000)
		if got, want := L2SqU8(a, b), int32(255*255*33000); got != want {
			t.Errorf("%d, want %d", got, want)
		}
	})
}

func TestInt8ManyRows(t *testing.T) {
	eachPath(t, func(t testing.TB, _ string) {
		r := newRand(2)
		for _, stride := range sizes {
			rows := 1 + r.IntN(40)
			shift := r.IntN(64)
			codes := make([]uint8, rows*stride+shift)[shift:]
			for i := range rows {
				fillBytes(r, codes[i*stride:(i+1)*stride])
			}
			query, code := make([]int8, stride), make([]uint8, stride)
			fillSigned(r, query)
			fillBytes(r, code)
			for _, count := range []int{0, 1, 2, 3, 4, 5, 7, 8, 9, 12, 31, 32, 33} {
				ids := make([]uint32, count)
				for i := range ids {
					ids[i] = uint32(r.IntN(rows))
				}
				out := slices.Repeat([]int32{-7}, count+2)
				DotU8S8Batch(codes, stride, ids, query, out)
				l2 := slices.Repeat([]int32{-7}, count+2)
				L2SqU8Batch(codes, stride, ids, code, l2)
				for i, id := range ids {
					row := codes[int(id)*stride:][:stride]
					if want := slowDot(row, query); out[i] != want {
						t.Fatalf("stride=%d count=%d: out[%d] = %d, want %d", stride, count, i, out[i], want)
					}
					if want := slowL2(row, code); l2[i] != want {
						t.Fatalf("stride=%d count=%d: L2 out[%d] = %d, want %d", stride, count, i, l2[i], want)
					}
				}
				if out[count] != -7 || l2[count] != -7 {
					t.Fatalf("stride=%d count=%d: written behind the last result", stride, count)
				}
			}
			out := slices.Repeat([]int32{-7}, rows+2)
			DotU8S8Rows(codes, query, out[:rows])
			for i := range rows {
				if want := slowDot(codes[i*stride:][:stride], query); out[i] != want {
					t.Fatalf("stride=%d: row %d of %d is %d, want %d", stride, i, rows, out[i], want)
				}
			}
			if out[rows] != -7 {
				t.Fatalf("stride=%d: written behind the last row", stride)
			}
		}
	})
}

// TestBatchBadID wants a panic that names the id, whichever place it has.
func TestBatchBadID(t *testing.T) {
	eachPath(t, func(t testing.TB, _ string) {
		const stride, rows = 64, 10
		codes := make([]uint8, stride*rows+stride-1)
		for count := 1; count <= 9; count++ {
			for bad := range count {
				for _, id := range []uint32{rows, 1 << 31, 1<<32 - 1} {
					ids := make([]uint32, count)
					ids[bad] = id
					want := fmt.Sprintf("id %d is beyond the 10 codes", id)
					mustPanic(t, want, func() { DotU8S8Batch(codes, stride, ids, make([]int8, stride), make([]int32, count)) })
					mustPanic(t, want, func() { L2SqU8Batch(codes, stride, ids, make([]uint8, stride), make([]int32, count)) })
				}
			}
		}
	})
}

func TestInt8BadLengths(t *testing.T) {
	mustPanic(t, "different lengths", func() { DotU8S8(make([]uint8, 3), make([]int8, 4)) })
	mustPanic(t, "different lengths", func() { L2SqU8(make([]uint8, 3), make([]uint8, 4)) })
	mustPanic(t, "different lengths", func() { DotU8S8Batch(nil, 3, nil, make([]int8, 4), nil) })
	mustPanic(t, "different lengths", func() {
		DotU8S8Batch(make([]uint8, 9), 3, make([]uint32, 2), make([]int8, 3), make([]int32, 1))
	})
	mustPanic(t, "fewer codes", func() { DotU8S8Rows(make([]uint8, 8), make([]int8, 3), make([]int32, 3)) })
}

func mustPanic(t testing.TB, want string, f func()) {
	t.Helper()
	defer func() {
		t.Helper()
		if msg := fmt.Sprint(recover()); !strings.Contains(msg, want) {
			t.Errorf("panic %q does not say %q", msg, want)
		}
	}()
	f()
}

func FuzzInt8(f *testing.F) {
	f.Add([]byte{255, 127, 255, 127, 0, 128}, uint8(3))
	f.Add(slices.Repeat([]byte{255, 128}, 300), uint8(1))
	f.Fuzz(func(t *testing.T, data []byte, shift uint8) {
		n := len(data) / 2
		code := append(make([]uint8, shift), data[:n]...)[shift:]
		query := make([]int8, n)
		other := data[n : 2*n]
		for i, b := range other {
			query[i] = int8(b)
		}
		dot, l2 := slowDot(code, query), slowL2(code, other)
		eachPath(t, func(t testing.TB, _ string) {
			if got := DotU8S8(code, query); got != dot {
				t.Errorf("dot %d, want %d", got, dot)
			}
			if got := L2SqU8(code, other); got != l2 {
				t.Errorf("L2 %d, want %d", got, l2)
			}
		})
	})
}
