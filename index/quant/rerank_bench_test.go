package quant

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/clipdb/clipdb/index/indextest/cliplike"
	"github.com/clipdb/clipdb/index/internal/best"
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
	scored  int // rows scored by int8 codes for the last query
}

// refine is how many vectors are scored exactly for ten answers: int8 codes
// have the ten nearest among their best fifteen.
const refine = 30

// search scores the best keep rows by int8 codes and, with z above zero, those
// that may still be among the ten nearest.
func (e *exhaustive) search(v []float32, keep int, z float32) []uint64 {
	e.set.b.EncodeQuery(&e.q, v)
	scale, offset := e.c.EncodeQuery(e.query, v)
	e.scan.Run(e.set.codes, &e.q, nil)
	e.keys = e.keys[:0]
	e.score(e.scan.Best(keep, e.rows[:0]))
	if z > 0 {
		best.Least(e.keys, refine)
		best.Least(e.keys[:refine], 10)
		tenth := slices.Max(e.keys[:10])
		score := offset + scale*float32(int32(^uint32(tenth>>32)^1<<31))
		e.score(e.scan.Above(score, z, e.rows[:0]))
	}
	e.scored = len(e.keys)
	if len(e.keys) > refine {
		best.Least(e.keys, refine)
		e.keys = e.keys[:refine]
	}
	e.answers = e.answers[:0]
	for _, k := range e.keys {
		row := uint32(k)
		e.answers = append(e.answers, scanKey(simd.DotF32(e.base[row], v), row))
	}
	slices.Sort(e.answers)
	return e.answers[:min(10, len(e.answers))]
}

// score appends the int8 scores of rows to the keys.
func (e *exhaustive) score(rows []uint32) {
	e.rows = rows
	if cap(e.dots) < len(rows) {
		e.dots = make([]int32, 2*len(rows))
	}
	e.dots = e.dots[:len(rows)]
	simd.DotU8S8Batch(e.codes, e.c.Stride(), rows, e.query, e.dots)
	for i, dot := range e.dots {
		e.keys = append(e.keys, uint64(^uint32(dot)^1<<31)<<32|uint64(rows[i]))
	}
}

// BenchmarkExhaustive measures the scan with re-ranking on 100,000 CLIP-like
// vectors of 512 components, with queries of both sides. R is how many rows
// are scored by int8 codes at least; with z the error bound tells which others
// are. It reports recall of ten, the mean number
// of int8 codes scored, and the lower quartile of the time of a query, which
// tells more than the mean on a machine with other work.
func BenchmarkExhaustive(b *testing.B) {
	const dim, n, queries = 512, 100_000, 200
	s := cliplike.New(cliplike.Config{N: n, Dim: dim, Seed: 1})
	e := &exhaustive{base: s.Images()}
	e.c = TrainInt8(dim, 1, e.base[:1000])
	e.set = encodeBits(TrainBinary(dim, 2, e.base[:1000]), e.base)
	e.codes = encodeAll(e.c, e.base)
	e.query = make([]int8, e.c.Stride())
	for _, side := range []struct {
		name string
		qs   [][]float32
	}{{"image", s.ImageQueries(queries)}, {"text", s.TextQueries(queries)}} {
		want := make([][]int, queries)
		for i, v := range side.qs {
			want[i] = nearest(exactScores(e.base, v), 10)
		}
		for _, c := range []struct {
			keep int
			z    float32
		}{{100, 0}, {200, 0}, {500, 0}, {1000, 0}, {2000, 0}, {64, 1.3}, {64, 1.65}, {64, 2}, {64, 2.33}} {
			b.Run(fmt.Sprintf("%s/R=%d/z=%v", side.name, c.keep, c.z), func(b *testing.B) {
				hits, scored := 0, 0
				for i, v := range side.qs {
					for _, k := range e.search(v, c.keep, c.z) {
						if slices.Contains(want[i], int(uint32(k))) {
							hits++
						}
					}
					scored += e.scored
				}
				var times []time.Duration
				for i := 0; b.Loop(); i++ {
					start := time.Now()
					e.search(side.qs[i%queries], c.keep, c.z)
					times = append(times, time.Since(start))
				}
				slices.Sort(times)
				b.ReportMetric(float64(hits)/10/queries, "recall")
				b.ReportMetric(float64(scored)/queries, "scored")
				b.ReportMetric(float64(times[len(times)/4].Microseconds()), "quartile-us")
			})
		}
	}
}
