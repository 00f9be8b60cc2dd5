package quant

import (
	"fmt"
	"slices"
	"testing"

	"github.com/clipdb/clipdb/internal/simd"
)

// exhaustive answers a query by a scan of 1-bit codes, int8 codes of the best
// keep, and float32 vectors of the best of these.
type exhaustive struct {
	c       *Int8
	set     *bitCodes
	codes   []uint8
	base    [][]float32
	q       BinaryQuery
	scan    Scan
	query   []int8
	rows    []uint32
	dots    []int32
	keys    []uint64
	answers []uint64
}

// refine is how many vectors are scored exactly for ten answers: int8 codes
// have the ten nearest among their best fifteen.
const refine = 30

func (e *exhaustive) search(v []float32, keep int) []uint64 {
	e.set.b.EncodeQuery(&e.q, v)
	e.scan.Reset(keep)
	e.scan.Add(e.set.codes, &e.q, nil)
	e.rows = e.scan.Rows(e.rows[:0])
	e.c.EncodeQuery(e.query, v)
	if cap(e.dots) < len(e.rows) {
		e.dots = make([]int32, len(e.rows))
	}
	e.dots = e.dots[:len(e.rows)]
	simd.DotU8S8Batch(e.codes, e.c.Stride(), e.rows, e.query, e.dots)
	e.keys = e.keys[:0]
	for i, dot := range e.dots {
		e.keys = append(e.keys, uint64(uint32(dot)^1<<31)<<32|uint64(e.rows[i]))
	}
	if len(e.keys) > refine {
		selectTop(e.keys, refine)
		e.keys = e.keys[:refine]
	}
	e.answers = e.answers[:0]
	for _, k := range e.keys {
		row := uint32(k)
		e.answers = append(e.answers, scanKey(simd.DotF32(e.base[row], v), row))
	}
	slices.Sort(e.answers)
	return e.answers[max(0, len(e.answers)-10):]
}

// BenchmarkExhaustive measures the scan with re-ranking on 100,000 CLIP-like
// vectors of 512 components, queries of both sides and several sizes of the
// re-ranked set. It reports recall of ten.
func BenchmarkExhaustive(b *testing.B) {
	const dim, n, queries = 512, 100_000, 200
	g := newClipLike(dim, 2000, 1)
	e := &exhaustive{base: g.images(n)}
	e.c = TrainInt8(dim, 1, e.base[:1000])
	e.set = encodeBits(TrainBinary(dim, 2, e.base[:1000]), e.base)
	e.codes = encodeAll(e.c, e.base)
	e.query = make([]int8, e.c.Stride())
	for _, side := range []struct {
		name string
		qs   [][]float32
	}{{"image", g.images(queries)}, {"text", g.texts(queries)}} {
		want := make([][]int, queries)
		var top, mean float64
		for i, v := range side.qs {
			s := exactScores(e.base, v)
			want[i] = best(s, 10)
			top += s[want[i][0]] / queries
			for _, x := range s {
				mean += x / n / queries
			}
		}
		fmt.Printf("%s: mean cosine %.3f, nearest %.3f\n", side.name, mean, top)
		for _, keep := range []int{50, 100, 200, 500, 1000, 2000} {
			b.Run(fmt.Sprintf("%s/R=%d", side.name, keep), func(b *testing.B) {
				hits := 0
				for i, v := range side.qs {
					for _, k := range e.search(v, keep) {
						if slices.Contains(want[i], int(^uint32(k))) {
							hits++
						}
					}
				}
				i := 0
				for b.Loop() {
					e.search(side.qs[i%queries], keep)
					i++
				}
				b.ReportMetric(float64(hits)/10/queries, "recall")
				b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "qps")
			})
		}
	}
}
