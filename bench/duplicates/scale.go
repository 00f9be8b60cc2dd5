package main

import (
	"bytes"
	"context"
	"fmt"
	"image/jpeg"
	"math"
	"math/rand/v2"
	"os"
	"path/filepath"
	"runtime"
	"time"

	"github.com/clipdb/clipdb"
	"github.com/clipdb/clipdb/encoder/pixel"
)

// copyEvery: every tenth of the generated pictures is a copy of the one before,
// saved at another quality.
const copyEvery = 10

// scale times Duplicates over a database of n small generated pictures, with
// vectors of their own.
func scale(ctx context.Context, n int) error {
	tmp, err := os.MkdirTemp("", "duplicates")
	if err != nil {
		return err
	}
	defer os.RemoveAll(tmp)
	path := filepath.Join(tmp, "scale.clipdb")
	db, err := clipdb.Open(path, &clipdb.Options{NoModel: true, Images: clipdb.KeepThumbnail})
	if err != nil {
		return err
	}
	began := time.Now()
	report, err := db.InsertAll(ctx, func(yield func(clipdb.Item) bool) {
		for i := range n {
			if !yield(generated(i)) {
				return
			}
		}
	}, nil)
	if err == nil && report.Added != n {
		err = fmt.Errorf("%d of %d pictures were stored", report.Added, n)
	}
	if err != nil {
		db.Close()
		return err
	}
	fmt.Printf("%d pictures stored in %.1f s\n", n, time.Since(began).Seconds())
	if err := db.Close(); err != nil {
		return err
	}
	if db, err = clipdb.Open(path, &clipdb.Options{NoModel: true, ReadOnly: true}); err != nil {
		return err
	}
	defer db.Close()
	for _, o := range []struct {
		name string
		clipdb.DuplicateOptions
	}{
		{"exact", clipdb.DuplicateOptions{Kinds: clipdb.DuplicateExact}},
		{"perceptual, 4 bits", clipdb.DuplicateOptions{Kinds: clipdb.DuplicatePerceptual, Distance: 4}},
		{"perceptual, 8 bits", clipdb.DuplicateOptions{Kinds: clipdb.DuplicatePerceptual, Distance: 8}},
		{"perceptual, 12 bits", clipdb.DuplicateOptions{Kinds: clipdb.DuplicatePerceptual, Distance: 12}},
		{"cosine 0.97", clipdb.DuplicateOptions{Kinds: clipdb.DuplicateCosine, MinScore: 0.97}},
	} {
		before := live()
		began, read, kept := time.Now(), time.Duration(0), uint64(0)
		o.Progress = func(p clipdb.DuplicateProgress) {
			if !p.Comparing {
				read = time.Since(began)
			} else if kept == 0 {
				kept = max(live(), before) - before
			}
		}
		groups, items := 0, 0
		for g, err := range db.Duplicates(ctx, &o.DuplicateOptions) {
			if err != nil {
				return err
			}
			groups++
			items += len(g.Items)
		}
		fmt.Printf("%-20s %7.1f s, of which reading and hashing %.1f s; %d items in %d groups; %.0f bytes an item in memory\n",
			o.name, time.Since(began).Seconds(), read.Seconds(), items, groups, float64(kept)/float64(n))
	}
	return nil
}

// live is the memory that is in use, in bytes.
func live() uint64 {
	var m runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&m)
	return m.HeapAlloc
}

// generated is item i: a picture of waves, and a vector of its own.
func generated(i int) clipdb.Item {
	const side, waves, dim = 32, 40, 64
	scene, quality := i, 90
	if i%copyEvery == copyEvery-1 {
		scene, quality = i-1, 60
	}
	r := rand.New(rand.NewPCG(uint64(scene), 11))
	m := pixel.NewRGB(side, side)
	var sum [side * side]float64
	for range waves {
		u, v, height, phase := r.Float64()*9, r.Float64()*9, 5+15*r.Float64(), 2*math.Pi*r.Float64()
		for j := range sum {
			sum[j] += height * math.Cos((u*float64(j%side)+v*float64(j/side))*math.Pi/side+phase)
		}
	}
	for j, s := range sum {
		for c := range 3 {
			m.Pix[3*j+c] = byte(max(0, min(255, 128+s)))
		}
	}
	var file bytes.Buffer
	if err := jpeg.Encode(&file, m.RGBA(), &jpeg.Options{Quality: quality}); err != nil {
		panic(err) // a buffer takes all, and no picture of that size is refused
	}
	vector := make([]float32, dim)
	for j := range vector {
		vector[j] = float32(r.NormFloat64())
	}
	return clipdb.Item{ID: fmt.Sprintf("folder-%03d/picture-%07d.jpg", i/1000, i), Image: &file, Vector: vector}
}
