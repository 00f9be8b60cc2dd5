package simd

import (
	"math"
	"math/rand/v2"
	"slices"
	"testing"
)

// slowBits reads one bit at a time.
func slowBits(code []uint8, components []int8) int32 {
	var s int32
	for i, u := range components {
		if code[i/8]>>(i%8)&1 == 1 {
			s += int32(u)
		}
	}
	return s
}

// fillBits draws codes at random, full and empty ones and sparse ones.
func fillBits(r *rand.Rand, b []uint8) {
	kind := r.IntN(4)
	for i := range b {
		switch kind {
		case 0:
			b[i] = uint8(r.Uint32())
		case 1:
			b[i] = 255
		case 2:
			b[i] = 0
		case 3:
			b[i] = uint8(r.Uint32() & r.Uint32() & r.Uint32())
		}
	}
}

func fillComponents(r *rand.Rand, u []int8) {
	kind := r.IntN(4)
	for i := range u {
		switch kind {
		case 0:
			u[i] = int8(r.IntN(16) - 8)
		case 1:
			u[i] = 7
		case 2:
			u[i] = -8
		case 3:
			u[i] = int8(7 - 15*(i&1))
		}
	}
}

func TestDotBits(t *testing.T) {
	r := newRand(3)
	for range 500 {
		cols := 1 + r.IntN(200)
		code, u := make([]uint8, cols), make([]int8, 8*cols)
		fillBits(r, code)
		fillComponents(r, u)
		table := make([]uint8, 32*cols)
		BitTable(table, u)
		if got, want := DotBits(code, table), slowBits(code, u); got != want {
			t.Fatalf("%d columns: %d, want %d", cols, got, want)
		}
		if m := slices.Max(table); m > 60 {
			t.Fatalf("a table entry of %d", m)
		}
	}
}

func TestPutBits(t *testing.T) {
	r := newRand(5)
	for _, cols := range []int{1, 8, 48, 64} {
		const rows = 200
		blocks := make([]uint8, (rows+BitBlock-1)/BitBlock*BitBlock*cols)
		codes := make([]uint8, rows*cols)
		fillBits(r, codes)
		for _, row := range r.Perm(rows) {
			PutBits(blocks, row, codes[row*cols:(row+1)*cols])
		}
		got := make([]uint8, cols)
		for row := range rows {
			if GetBits(got, blocks, row); !slices.Equal(got, codes[row*cols:(row+1)*cols]) {
				t.Fatalf("row %d reads %x, was %x", row, got, codes[row*cols:(row+1)*cols])
			}
		}
	}
}

func TestEstimateBits(t *testing.T) {
	eachPath(t, func(t testing.TB, _ string) {
		r := newRand(4)
		colsOf := []int{1, 2, 3, 8, 16, 24, 48, 64, 72, 96, 128, 144, 545, 546, 547, 600}
		for round := range 200 {
			cols, n := colsOf[r.IntN(len(colsOf))], r.IntN(300)
			blocks := make([]uint8, (n+BitBlock-1)/BitBlock*BitBlock*cols)
			codes, u := make([]uint8, n*cols), make([]int8, 8*cols)
			for i := range n {
				code := codes[i*cols : (i+1)*cols]
				fillBits(r, code)
				PutBits(blocks, i, code)
			}
			fillComponents(r, u)
			q := BitQuery{Table: make([]uint8, 32*cols), A: r.Float32() / 100, B: r.Float32() - 0.5, T: r.Float32() - 0.5}
			BitTable(q.Table, u)
			mul, add := make([]float32, n), make([]float32, n)
			for i := range n {
				mul[i], add[i] = r.Float32(), r.Float32()-0.5
				if r.IntN(20) == 0 {
					mul[i] = float32(math.NaN())
				}
			}
			est := make([]float32, n+1)
			est[n] = 99
			EstimateBits(est[:n], blocks, mul, add, &q)
			for i := range n {
				want := q.of(slowBits(codes[i*cols:(i+1)*cols], u), mul[i], add[i])
				if est[i] != want && (want == want || est[i] == est[i]) {
					t.Fatalf("round %d cols=%d row %d of %d: %v, want %v", round, cols, i, n, est[i], want)
				}
			}
			if est[n] != 99 {
				t.Fatalf("cols=%d n=%d: written behind the end", cols, n)
			}
		}
	})
}

func TestMaskAbove(t *testing.T) {
	eachPath(t, func(t testing.TB, _ string) {
		r := newRand(6)
		inf := float32(math.Inf(1))
		for _, n := range append(sizes, 5000) {
			x := randFloats(r, n)
			for i := range x {
				if r.IntN(9) == 0 {
					x[i] = []float32{0, 0.5, inf, -inf, float32(math.NaN())}[r.IntN(5)]
				}
			}
			for _, threshold := range []float32{0, 0.5, -inf, inf, -2, float32(math.NaN())} {
				masks := make([]uint64, (n+63)/64+1)
				masks[len(masks)-1] = 99
				MaskAbove(masks[:len(masks)-1], x, threshold)
				for i, v := range x {
					if got := masks[i/64]>>(i%64)&1 == 1; got != (v > threshold) {
						t.Fatalf("n=%d: element %d, %v, is above %v: %v", n, i, v, threshold, got)
					}
				}
				if n%64 > 0 && masks[n/64]>>(n%64) != 0 || masks[len(masks)-1] != 99 {
					t.Fatalf("n=%d: bits behind the end", n)
				}
			}
		}
	})
}

func TestBitsBadLengths(t *testing.T) {
	mustPanic(t, "32 bytes of table", func() { DotBits(make([]uint8, 2), make([]uint8, 63)) })
	mustPanic(t, "different lengths", func() { BitTable(make([]uint8, 32), make([]int8, 7)) })
	mustPanic(t, "different lengths", func() { BitTable(make([]uint8, 31), make([]int8, 8)) })
	mustPanic(t, "different lengths", func() { MaskAbove(make([]uint64, 2), make([]float32, 64), 0) })
	mustPanic(t, "needs a table", func() { EstimateBits(nil, nil, nil, nil, &BitQuery{}) })
	q, f := BitQuery{Table: make([]uint8, 64)}, make([]float32, 65)
	for _, c := range [][3]int{{255, 65, 65}, {256, 64, 65}, {256, 65, 64}} {
		mustPanic(t, "different lengths", func() {
			EstimateBits(f, make([]uint8, c[0]), f[:c[1]], f[:c[2]], &q)
		})
	}
}
