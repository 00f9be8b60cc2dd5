package main

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/clipdb/clipdb"
	"github.com/clipdb/clipdb/index"
	"github.com/clipdb/clipdb/index/hnsw"
	"github.com/clipdb/clipdb/index/indextest/cliplike"
)

// open times the way to the first answer: of an index from the pages of its
// checkpoint, in this process; and of a database file with vectors and short
// captions, in a process of its own each time, from clipdb.Open on. What is
// read lies in the system's cache.
func open(ctx context.Context, o options) error {
	head("vectors", "index, s", "database, s", "file, MB", "making the database, s")
	for _, n := range o.sizes {
		o.n = n
		alone, err := openIndex(ctx, o)
		if err != nil {
			return err
		}
		path, made, err := database(ctx, o)
		if err != nil {
			return err
		}
		self, err := os.Executable()
		if err != nil {
			return err
		}
		var times []float64
		for range o.rounds + 1 {
			cmd := exec.CommandContext(ctx, self, "-child", path)
			cmd.Stderr = os.Stderr
			out, err := cmd.Output()
			if err != nil {
				return err
			}
			seconds, err := strconv.ParseFloat(strings.TrimSpace(string(out)), 64)
			if err != nil {
				return err
			}
			times = append(times, seconds)
		}
		times = times[1:] // the first one fills the system's cache
		slices.Sort(times)
		info, err := os.Stat(path)
		if err != nil {
			return err
		}
		row(n, fmt.Sprintf("%.3f", alone.Seconds()), fmt.Sprintf("%.3f", times[len(times)/2]), info.Size()>>20, fmt.Sprintf("%.0f", made.Seconds()))
	}
	return nil
}

func openIndex(ctx context.Context, o options) (time.Duration, error) {
	w, err := newWorld(ctx, o)
	if err != nil {
		return 0, err
	}
	defer w.graph.Close()
	pages, err := readPages(filepath.Join(o.work, fmt.Sprintf("hnsw-%d-%d.pages", o.n, o.dim)))
	if err != nil {
		return 0, err
	}
	q := w.ask(index.SideImage, 1)[0]
	var times []time.Duration
	for range o.rounds {
		began := time.Now()
		g, err := hnsw.New(index.Params{Dim: o.dim, Vectors: w.base})
		if err != nil {
			return 0, err
		}
		if err := g.Restore(func(key uint32) ([]byte, error) { return pages[key], nil }); err != nil {
			return 0, err
		}
		if _, err := g.Search(ctx, index.Query{Vector: q, K: 10}); err != nil {
			return 0, err
		}
		times = append(times, time.Since(began))
		if err := g.Close(); err != nil {
			return 0, err
		}
	}
	slices.Sort(times)
	return times[len(times)/2], nil
}

// database makes a database of n vectors, unless it was kept.
func database(ctx context.Context, o options) (path string, took time.Duration, err error) {
	path = filepath.Join(o.work, fmt.Sprintf("vectors-%d-%d.clipdb", o.n, o.dim))
	if _, err := os.Stat(path); err == nil {
		return path, 0, nil
	}
	part := path + ".part"
	if err := os.Remove(part); err != nil && !errors.Is(err, os.ErrNotExist) {
		return path, 0, err
	}
	base := cliplike.New(cliplike.Config{N: o.n, Dim: o.dim, Seed: seed}).Images()
	began := time.Now()
	db, err := clipdb.Open(part, &clipdb.Options{NoModel: true})
	if err != nil {
		return path, 0, err
	}
	report, err := db.InsertAll(ctx, func(yield func(clipdb.Item) bool) {
		for i, v := range base {
			if !yield(clipdb.Item{ID: fmt.Sprintf("%08d.jpg", i), Vector: v, Caption: fmt.Sprintf("picture number %d", i)}) {
				return
			}
		}
	}, nil)
	if err == nil && report.Failed > 0 {
		err = fmt.Errorf("%d vectors failed, the first: %w", report.Failed, report.Failures[0].Err)
	}
	if err = errors.Join(err, db.Close()); err != nil {
		return path, 0, err
	}
	return path, time.Since(began), os.Rename(part, path)
}

// openDatabase prints the seconds from Open to the first answer, to a query near a
// stored vector.
func openDatabase(ctx context.Context, path string) error {
	began := time.Now()
	db, err := clipdb.Open(path, &clipdb.Options{NoModel: true})
	if err != nil {
		return err
	}
	item, err := db.GetWith(ctx, "00000500.jpg", clipdb.Fetch{Vector: true})
	if err != nil {
		return err
	}
	rng, v := rand.New(rand.NewPCG(seed, 4)), item.Vector
	for i := range v {
		v[i] += float32(rng.NormFloat64()) * 0.01
	}
	got, err := db.Search(ctx, clipdb.Vector(v), &clipdb.SearchOptions{K: 10})
	if err != nil {
		return err
	}
	took := time.Since(began)
	if len(got) != 10 {
		return fmt.Errorf("%d answers", len(got))
	}
	fmt.Printf("%.4f\n", took.Seconds())
	return db.Close()
}
