package db_test

import (
	"fmt"
	"sync/atomic"
	"testing"

	"github.com/clipdb/clipdb/db"
	"github.com/clipdb/clipdb/db/engine"
	"github.com/clipdb/clipdb/db/local"
)

const benchDim = 512

// benchVector imitates an embedding: a narrow cone of low intrinsic dimension.
func benchVector(seed int) []float32 {
	latent := vector(seed, len(benchBasis))
	v := make([]float64, benchDim)
	for i := range v {
		v[i] = float64(benchMean[i]) * 0.8
		for j, x := range latent {
			v[i] += float64(x) * float64(benchBasis[j][i])
		}
	}
	return unit(v)
}

var (
	benchMean  = vector(-1, benchDim)
	benchBasis = func() (rows [24][]float32) {
		for i := range rows {
			rows[i] = vector(-2-i, benchDim)
		}
		return rows
	}()
)

// BenchmarkInsert is the cost of one item with the caller's own vector: mostly
// that of making it durable.
func BenchmarkInsert(b *testing.B) {
	for name, audit := range map[string]local.Audit{"plain": local.AuditOff, "audited": local.AuditOn} {
		b.Run(name, func(b *testing.B) {
			d := openLocal(b, newPath(b), &local.Options{Audit: audit}, nil)
			i := 0
			for b.Loop() {
				if _, err := d.Insert(ctx, db.Item{ID: fmt.Sprint(i), Vector: benchVector(i)}); err != nil {
					b.Fatal(err)
				}
				i++
			}
		})
	}
}

// BenchmarkInsertTogether is the same from 16 goroutines, which share commits.
func BenchmarkInsertTogether(b *testing.B) {
	d := open(b, newPath(b), nil)
	var n atomic.Int64
	b.SetParallelism(16)
	b.RunParallel(func(pb *testing.PB) {
		for pb.Next() {
			i := int(n.Add(1))
			if _, err := d.Insert(ctx, db.Item{ID: fmt.Sprint(i), Vector: benchVector(i)}); err != nil {
				b.Error(err)
				return
			}
		}
	})
}

// BenchmarkInsertAll stores 20,000 items with the caller's own vectors, without
// an audit log and with one.
func BenchmarkInsertAll(b *testing.B) {
	for _, kind := range []local.Kind{local.Flat, local.HNSW} {
		b.Run(string(kind), func(b *testing.B) { insertAll(b, kind, local.AuditOff) })
	}
	b.Run("audited", func(b *testing.B) { insertAll(b, local.Flat, local.AuditOn) })
}

func insertAll(b *testing.B, kind local.Kind, audit local.Audit) {
	const n = 20_000
	vectors := make([][]float32, n)
	for i := range vectors {
		vectors[i] = benchVector(i)
	}
	for b.Loop() {
		d := openLocal(b, newPath(b), &local.Options{Index: local.IndexOptions{Kind: kind}, Audit: audit}, nil)
		rep, err := d.InsertAll(ctx, func(yield func(db.Item) bool) {
			for i, v := range vectors {
				if !yield(db.Item{ID: fmt.Sprint(i), Vector: v, Attrs: db.Attrs{"n": engine.Int(int64(i % 100))}}) {
					return
				}
			}
		}, nil)
		if err != nil || rep.Added != n {
			b.Fatal(rep, err)
		}
		if err := d.Close(); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric(float64(n)*float64(b.N)/b.Elapsed().Seconds(), "items/s")
}

// BenchmarkSearch searches 20,000 items, plainly and with filters that pass
// half of them and one in a hundred.
func BenchmarkSearch(b *testing.B) {
	const n = 20_000
	d := open(b, newPath(b), nil)
	_, err := d.InsertAll(ctx, func(yield func(db.Item) bool) {
		for i := range n {
			if !yield(db.Item{ID: fmt.Sprint(i), Vector: benchVector(i), Attrs: db.Attrs{"n": engine.Int(int64(i % 100))}}) {
				return
			}
		}
	}, nil)
	if err != nil {
		b.Fatal(err)
	}
	for _, c := range []struct {
		name string
		opts db.SearchOptions
	}{
		{"plain", db.SearchOptions{}},
		{"half", db.SearchOptions{Filter: engine.Less("n", engine.Int(50))}},
		{"hundredth", db.SearchOptions{Filter: engine.Eq("n", engine.Int(7))}},
		{"exact", db.SearchOptions{Exact: true}},
	} {
		b.Run(c.name, func(b *testing.B) {
			i := 0
			for b.Loop() {
				if _, err := d.Search(ctx, db.Vector(benchVector(n+i%1000)), &c.opts); err != nil {
					b.Fatal(err)
				}
				i++
			}
		})
	}
}

// BenchmarkOpen opens 20,000 items whose index is in the file.
func BenchmarkOpen(b *testing.B) {
	path := newPath(b)
	d := open(b, path, nil)
	_, err := d.InsertAll(ctx, func(yield func(db.Item) bool) {
		for i := range 20_000 {
			if !yield(db.Item{ID: fmt.Sprint(i), Vector: benchVector(i)}) {
				return
			}
		}
	}, nil)
	if err != nil {
		b.Fatal(err)
	}
	for b.Loop() {
		if err := d.Close(); err != nil {
			b.Fatal(err)
		}
		d = open(b, path, nil)
	}
}
