package db_test

import (
	"bytes"
	"fmt"
	"image"
	"image/jpeg"
	"sync/atomic"
	"testing"
	"time"

	"github.com/clipdb/clipdb/db"
	"github.com/clipdb/clipdb/db/engine"
	"github.com/clipdb/clipdb/db/local"
	"github.com/clipdb/clipdb/encoder"
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

// BenchmarkInsertAllPictures stores 96 JPEG files of 1600 x 1200 pixels with a
// model on a device of its own, which takes 15 ms a picture and no processor:
// what decoding then costs beside it.
func BenchmarkInsertAllPictures(b *testing.B) {
	const n, each = 96, 15 * time.Millisecond
	img := image.NewRGBA(image.Rect(0, 0, 1600, 1200))
	for i := range img.Pix {
		img.Pix[i] = byte(i/7 + i*i>>13)
	}
	var file bytes.Buffer
	if err := jpeg.Encode(&file, img, nil); err != nil {
		b.Fatal(err)
	}
	for _, way := range []string{"ahead", "whole"} {
		b.Run(way, func(b *testing.B) {
			s := &sampled{}
			var busy time.Duration
			s.took = func(n int) { time.Sleep(time.Duration(n) * each) }
			var enc encoder.Encoder = s
			if way == "whole" {
				enc = unprepared{s, s}
			}
			for b.Loop() {
				d := open(b, newPath(b), &db.Options{Encoder: enc})
				rep, err := d.InsertAll(ctx, func(yield func(db.Item) bool) {
					for i := range n {
						if !yield(db.Item{ID: fmt.Sprint(i), Image: bytes.NewReader(file.Bytes())}) {
							return
						}
					}
				}, nil)
				if err != nil || rep.Added != n {
					b.Fatal(rep, err)
				}
				busy += rep.Encoding
			}
			b.ReportMetric(float64(n*b.N)/b.Elapsed().Seconds(), "images/s")
			b.ReportMetric(100*busy.Seconds()/b.Elapsed().Seconds(), "%-encoding")
		})
	}
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
