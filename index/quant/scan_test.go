package quant

import (
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/clipdb/clipdb/internal/simd"
)

// TestScan compares with sorting all estimates, with ties, deleted rows and
// filters.
func TestScan(t *testing.T) {
	const dim = 128
	base := imagesLike(dim, 6060, 4)
	queries := base[6000:]
	base = base[:6000]
	copy(base[700], base[40]) // equal estimates
	copy(base[5999], base[40])
	dead := map[uint32]bool{}
	b := TrainBinary(dim, 1, base[:200])
	set := encodeBits(b, base)
	r := rand.New(rand.NewPCG(1, 2))
	var s Scan
	var q BinaryQuery
	for round := range 60 {
		v := queries[round]
		if round%5 == 0 {
			v = base[40]
		}
		b.EncodeQuery(&q, v)
		if round%8 == 7 {
			for range 1000 {
				row := uint32(r.IntN(len(base)))
				set.codes.Delete(row)
				dead[row] = true
			}
			set.codes.Delete(1 << 31)
		}
		var allow func(uint32) bool
		if round%4 == 1 {
			allow = func(row uint32) bool { return row%3 == 0 }
		}
		keep := []int{1, 2, 10, 100, 500, 5999, 6000, 9000}[round%8]
		var want []uint32
		est := make([]float32, len(base))
		for i := range base {
			f, ok := set.codes.Get(set.buf, uint32(i))
			if ok == dead[uint32(i)] {
				t.Fatalf("row %d: Get says %v", i, ok)
			}
			// In the kernel's order of operations.
			e := float32(q.Bits.A*float32(simd.DotBits(set.buf, q.Bits.Table))) + q.Bits.B
			est[i] = float32(f.Mul*e) + float32(q.Bits.T*f.Add)
			if ok && (allow == nil || allow(uint32(i))) {
				want = append(want, uint32(i))
			}
		}
		slices.SortStableFunc(want, func(x, y uint32) int {
			switch {
			case est[x] > est[y]:
				return -1
			case est[x] < est[y]:
				return 1
			}
			return 0
		})
		want = want[:min(keep, len(want))]
		slices.Sort(want)

		s.Run(set.codes, &q, allow)
		got := s.Best(keep, nil)
		slices.Sort(got)
		if !slices.Equal(got, want) {
			t.Fatalf("round %d: the best %d are other rows, %d and not %d", round, keep, len(got), len(want))
		}
		if len(want) < keep {
			continue
		}
		score := est[0] + q.Offset
		for _, row := range want {
			score = min(score, est[row]+q.Offset+0.05)
		}
		var above []uint32
		for i := range base {
			f, ok := set.codes.Get(set.buf, uint32(i))
			if ok && (allow == nil || allow(uint32(i))) && !slices.Contains(want, uint32(i)) && q.Offset+est[i]+1.5*q.Sigma(f) > score {
				above = append(above, uint32(i))
			}
		}
		if got := s.Above(score, 1.5, nil); !slices.Equal(got, above) {
			t.Fatalf("round %d: %d rows above %v, want %d", round, len(got), score, len(above))
		}
	}
	s.Run(b.NewCodes(), &q, nil)
	if got := append(s.Best(5, nil), s.Above(0, 2, nil)...); len(got) != 0 {
		t.Errorf("no codes give rows %v", got)
	}
}

func TestScanKeyOrder(t *testing.T) {
	inf := float32(math.Inf(1))
	rising := []float32{-inf, -math.MaxFloat32, -1, -1e-30, 0, 1e-45, 0.5, 1, inf}
	for i, v := range rising {
		if got := keyEstimate(scanKey(v, 5)); got != v {
			t.Errorf("%v comes back as %v", v, got)
		}
		if i > 0 && scanKey(v, 9) >= scanKey(rising[i-1], 1) {
			t.Errorf("%v is not above %v", v, rising[i-1])
		}
		if scanKey(v, 3) >= scanKey(v, 4) {
			t.Errorf("%v: the lower row does not come first", v)
		}
	}
}
