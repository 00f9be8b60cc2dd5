package simd

import (
	"math"
	"math/rand/v2"
	"slices"
	"testing"
)

// slowBits reads one bit at a time.
func slowBits(code, planes []uint64) int32 {
	var s int32
	for i := range 64 * len(code) {
		if code[i/64]>>(i%64)&1 == 0 {
			continue
		}
		for j, w := range []int32{1, 2, 4, -8} {
			s += w * int32(planes[j*len(code)+i/64]>>(i%64)&1)
		}
	}
	return s
}

func fillWords(r *rand.Rand, w []uint64) {
	kind := r.IntN(4)
	for i := range w {
		switch kind {
		case 0:
			w[i] = r.Uint64()
		case 1:
			w[i] = math.MaxUint64
		case 2:
			w[i] = 0
		case 3:
			w[i] = r.Uint64() & r.Uint64() & r.Uint64()
		}
	}
}

func TestDotBits(t *testing.T) {
	eachPath(t, func(t testing.TB, _ string) {
		r := newRand(3)
		for words := 1; words <= 34; words++ {
			planes := make([]uint64, BitPlanes*words)
			const rows = 45
			codes := make([]uint64, words*rows)
			for range 3 {
				for j := range BitPlanes {
					fillWords(r, planes[j*words:(j+1)*words])
				}
				want, ids := make([]int32, rows), make([]uint32, rows)
				for i := range rows {
					fillWords(r, codes[i*words:(i+1)*words])
					want[i] = slowBits(codes[i*words:(i+1)*words], planes)
					ids[i] = uint32(i)
					if got := DotBits(codes[i*words:(i+1)*words], planes); got != want[i] {
						t.Fatalf("words=%d: %d, want %d", words, got, want[i])
					}
				}
				for _, n := range []int{0, 1, 15, 16, 17, 32, 45} {
					out := slices.Repeat([]int32{-7}, rows+1)
					DotBitsRows(codes, planes, out[:n])
					if !slices.Equal(out[:n], want[:n]) || out[n] != -7 {
						t.Fatalf("words=%d: %d rows %v, want %v", words, n, out, want[:n])
					}
				}
				out := make([]int32, rows)
				slices.Reverse(ids)
				DotBitsBatch(codes, ids, planes, out)
				slices.Reverse(out)
				if !slices.Equal(out, want) {
					t.Fatalf("words=%d: batch %v, want %v", words, out, want)
				}
			}
		}
	})
}

func TestScanBits(t *testing.T) {
	eachPath(t, func(t testing.TB, _ string) {
		r := newRand(4)
		for range 300 {
			words, n := 1+r.IntN(20), r.IntN(200)
			codes, planes := make([]uint64, words*n), make([]uint64, BitPlanes*words)
			for i := range codes {
				codes[i] = r.Uint64()
			}
			for i := range planes {
				planes[i] = r.Uint64()
			}
			mul, add := make([]float32, n), make([]float32, n)
			for i := range n {
				mul[i], add[i] = r.Float32(), r.Float32()-0.5
			}
			q := BitQuery{Planes: planes, A: r.Float32() / 100, B: r.Float32() - 0.5, T: r.Float32() - 0.5}
			threshold := NoThreshold
			if r.IntN(3) > 0 {
				threshold = float32(r.NormFloat64())
			}
			var wantRows []uint32
			var wantEst []float32
			for i := range n {
				dot := slowBits(codes[i*words:(i+1)*words], planes)
				if e := bitEstimate(dot, mul[i], add[i], q); e > threshold {
					wantRows, wantEst = append(wantRows, uint32(i)), append(wantEst, e)
				}
			}
			rows, est := make([]uint32, n+1), make([]float32, n+1)
			rows[n], est[n] = 99, 99
			found := ScanBits(codes, mul, add, q, threshold, rows[:n], est[:n])
			if !slices.Equal(rows[:found], wantRows) || !slices.Equal(est[:found], wantEst) {
				t.Fatalf("words=%d n=%d threshold=%v: rows %v est %v, want %v %v",
					words, n, threshold, rows[:found], est[:found], wantRows, wantEst)
			}
			if rows[n] != 99 || est[n] != 99 {
				t.Fatalf("words=%d n=%d: written behind the end", words, n)
			}
		}
	})
}

func TestBitsBadLengths(t *testing.T) {
	mustPanic(t, "four planes", func() { DotBits(make([]uint64, 2), make([]uint64, 7)) })
	mustPanic(t, "four planes", func() { DotBitsRows(nil, nil, nil) })
	mustPanic(t, "fewer codes", func() { DotBitsRows(make([]uint64, 3), make([]uint64, 8), make([]int32, 2)) })
	mustPanic(t, "id 4 is beyond", func() {
		DotBitsBatch(make([]uint64, 8), []uint32{3, 4}, make([]uint64, 8), make([]int32, 2))
	})
	mustPanic(t, "different lengths", func() {
		ScanBits(make([]uint64, 8), make([]float32, 4), make([]float32, 3), BitQuery{Planes: make([]uint64, 8)}, 0, make([]uint32, 4), make([]float32, 4))
	})
}
