//go:build !windows

package indextest_test

import (
	"context"
	"fmt"
	"os"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/clipdb/clipdb/index"
	"github.com/clipdb/clipdb/index/coder"
	"github.com/clipdb/clipdb/index/hnsw"
	"github.com/clipdb/clipdb/index/indextest/cliplike"
	"github.com/clipdb/clipdb/internal/simd"
)

// TestTable prints the tables of docs/recall.md. It runs when CLIPDB_TABLE
// names the number of vectors, and takes minutes:
//
//	CLIPDB_TABLE=20000 go test -run TestTable -v -timeout 60m ./index/indextest
//
// CLIPDB_TABLE_KINDS limits it to some of flat,hnsw,coder.
func TestTable(t *testing.T) {
	n, err := strconv.Atoi(os.Getenv("CLIPDB_TABLE"))
	if err != nil {
		t.Skip("set CLIPDB_TABLE to a number of vectors")
	}
	kinds := os.Getenv("CLIPDB_TABLE_KINDS")
	if kinds == "" {
		kinds = "flat,hnsw,coder"
	}
	const dim, k, rounds = 512, 10, 5
	data := cliplike.New(cliplike.Config{N: n, Dim: dim, Seed: 1})
	slots := make([]index.Slot, n)
	for i := range slots {
		slots[i] = index.Slot(i)
	}
	exact, err := index.NewFlat(index.Params{Dim: dim})
	if err != nil {
		t.Fatal(err)
	}
	if err := exact.Add(background, slots, data.Images()); err != nil {
		t.Fatal(err)
	}
	sets := []*querySet{newSet(t, exact, index.SideImage, data.ImageQueries(1000), k), newSet(t, exact, index.SideText, data.TextQueries(500), k)}

	var rows []*row
	add := func(name string, x index.Index, efs []int) {
		began := time.Now()
		if x != exact {
			if err := x.Add(background, slots, data.Images()); err != nil {
				t.Fatal(err)
			}
		}
		built := time.Since(began)
		for _, ef := range efs {
			rows = append(rows, &row{name: name, x: x, ef: ef, built: built})
		}
	}
	if strings.Contains(kinds, "flat") {
		add("flat", exact, []int{0})
	}
	if strings.Contains(kinds, "hnsw") {
		for _, q := range []index.Quant{index.QuantInt8, index.QuantInt8Only} {
			g, err := hnsw.New(index.Params{Dim: dim, Quant: q, Vectors: exact, Workers: 1})
			if err != nil {
				t.Fatal(err)
			}
			add("hnsw "+q.String(), g, []int{10, 20, 40, 80, 160, 320})
		}
	}
	if strings.Contains(kinds, "coder") {
		for _, m := range []int{16, 64} {
			x, err := coder.New(index.Params{Dim: dim, M: m})
			if err != nil {
				t.Fatal(err)
			}
			add(fmt.Sprintf("coder M=%d", m), x, []int{0, 500})
		}
	}
	// The rows take turns, so that what else the machine does hits all alike.
	for range rounds {
		for _, r := range rows {
			for i, s := range sets {
				r.measure(t, i, s, k)
			}
		}
	}
	fmt.Printf("%d vectors of %d components, k %d, one goroutine, %s/%s %s, medians of %d rounds\n\n",
		n, dim, k, runtime.GOOS, runtime.GOARCH, simd.Features(), rounds)
	fmt.Println("| index | ef | image recall | image QPS | text recall | text QPS | build s | bytes/vector |")
	fmt.Println("|---|---|---|---|---|---|---|---|")
	for _, r := range rows {
		fmt.Printf("| %s | %d | %.4f | %.0f | %.4f | %.0f | %.1f | %.0f |\n", r.name, r.ef,
			r.recall[0], r.qps(0), r.recall[1], r.qps(1), r.built.Seconds(), r.x.Stats().BytesPerVector)
	}
}

var background = context.Background()

type querySet struct {
	side    index.Side
	queries [][]float32
	truth   [][]index.Candidate
}

func newSet(t *testing.T, exact index.Index, side index.Side, queries [][]float32, k int) *querySet {
	s := &querySet{side: side, queries: queries}
	for _, q := range queries {
		c, err := exact.Search(background, index.Query{Vector: q, K: k})
		if err != nil {
			t.Fatal(err)
		}
		s.truth = append(s.truth, c)
	}
	return s
}

type row struct {
	name   string
	x      index.Index
	ef     int
	built  time.Duration
	recall [2]float64
	times  [2][]time.Duration // of one query
}

func (r *row) measure(t *testing.T, i int, s *querySet, k int) {
	queries := s.queries
	if r.x.Kind() == "flat" {
		queries = queries[:50]
	}
	answers := make([][]index.Candidate, len(queries))
	began := time.Now()
	for j, q := range queries {
		var err error
		if answers[j], err = r.x.Search(background, index.Query{Vector: q, K: k, Ef: r.ef, Side: s.side}); err != nil {
			t.Fatal(err)
		}
	}
	r.times[i] = append(r.times[i], time.Since(began)/time.Duration(len(queries)))
	hit := 0
	for j, a := range answers {
		for _, c := range a {
			if slices.ContainsFunc(s.truth[j], func(w index.Candidate) bool { return w.Slot == c.Slot }) {
				hit++
			}
		}
	}
	r.recall[i] = float64(hit) / float64(k*len(queries))
}

func (r *row) qps(i int) float64 {
	slices.Sort(r.times[i])
	return float64(time.Second) / float64(r.times[i][len(r.times[i])/2])
}
