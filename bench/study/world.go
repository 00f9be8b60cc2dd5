package main

import (
	"bufio"
	"cmp"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/clipdb/clipdb/index"
	"github.com/clipdb/clipdb/index/hnsw"
	"github.com/clipdb/clipdb/index/indextest/cliplike"
	"github.com/clipdb/clipdb/internal/simd"
)

const seed = 11

// vectors are rows that an index reads exact vectors from.
type vectors [][]float32

// Vector implements index.Vectors.
func (v vectors) Vector(slot index.Slot, dst []float32) ([]float32, bool) {
	if int(slot) >= len(v) || v[slot] == nil {
		return dst, false
	}
	return append(dst[:0], v[slot]...), true
}

// world is a collection with queries of both sides and its index.
type world struct {
	o     options
	data  *cliplike.Set
	base  vectors
	graph *hnsw.Graph
}

func newWorld(ctx context.Context, o options) (*world, error) {
	w := &world{o: o, data: cliplike.New(cliplike.Config{N: o.n, Dim: o.dim, Seed: seed})}
	w.base = w.data.Images()
	return w, w.index(ctx)
}

func (w *world) ask(side index.Side, n int) [][]float32 {
	if side == index.SideText {
		return w.data.TextQueries(n)
	}
	return w.data.ImageQueries(n)
}

// index restores the index that was kept, or builds and keeps it.
func (w *world) index(ctx context.Context) (err error) {
	if w.graph, err = hnsw.New(index.Params{Dim: w.o.dim, Vectors: w.base}); err != nil {
		return err
	}
	path := filepath.Join(w.o.work, fmt.Sprintf("hnsw-%d-%d.pages", len(w.base), w.o.dim))
	pages, err := readPages(path)
	switch {
	case err == nil:
		return w.graph.Restore(func(key uint32) ([]byte, error) { return pages[key], nil })
	case !errors.Is(err, os.ErrNotExist):
		return err
	}
	began := time.Now()
	if err := w.graph.Add(ctx, slotsOf(0, len(w.base)), w.base); err != nil {
		return err
	}
	fmt.Fprintf(os.Stderr, "built %d vectors in %.1f s\n", len(w.base), time.Since(began).Seconds())
	return writePages(path, w.graph)
}

// copied is a copy of the index that has seen no queries.
func (w *world) copied(ctx context.Context) (*hnsw.Graph, error) {
	c := *w
	err := c.index(ctx)
	return c.graph, err
}

func slotsOf(from, to int) []index.Slot {
	slots := make([]index.Slot, to-from)
	for i := range slots {
		slots[i] = index.Slot(from + i)
	}
	return slots
}

// writePages keeps a checkpoint: of each page its key and length as u32, and
// its bytes.
func writePages(path string, x index.Index) error {
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		return err
	}
	f, err := os.Create(path + ".part")
	if err != nil {
		return err
	}
	b := bufio.NewWriterSize(f, 1<<20)
	err = x.Checkpoint(func(key uint32, page []byte) error {
		var h [8]byte
		binary.LittleEndian.PutUint32(h[:], key)
		binary.LittleEndian.PutUint32(h[4:], uint32(len(page)))
		_, err := b.Write(h[:])
		_, also := b.Write(page)
		return errors.Join(err, also)
	})
	if err := errors.Join(err, b.Flush(), f.Close()); err != nil {
		return err
	}
	return os.Rename(path+".part", path)
}

func readPages(path string) (map[uint32][]byte, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	pages := map[uint32][]byte{}
	b := bufio.NewReaderSize(f, 1<<20)
	for {
		var h [8]byte
		if _, err := io.ReadFull(b, h[:]); err == io.EOF {
			return pages, nil
		} else if err != nil {
			return nil, err
		}
		page := make([]byte, binary.LittleEndian.Uint32(h[4:]))
		if _, err := io.ReadFull(b, page); err != nil {
			return nil, err
		}
		pages[binary.LittleEndian.Uint32(h[:])] = page
	}
}

// scored is a row of the base with its cosine.
type scored struct {
	slot  index.Slot
	score float32
}

// order returns all rows by falling cosine with a query.
func order(base vectors, q []float32) []scored {
	all := make([]scored, 0, len(base))
	for i, v := range base {
		if v != nil {
			all = append(all, scored{index.Slot(i), simd.DotF32(v, q)})
		}
	}
	slices.SortFunc(all, func(a, b scored) int {
		return cmp.Or(cmp.Compare(b.score, a.score), cmp.Compare(a.slot, b.slot))
	})
	return all
}

// truths returns the k nearest of each query, from all cores.
func truths(base vectors, queries [][]float32, k int) []map[index.Slot]bool {
	out := make([]map[index.Slot]bool, len(queries))
	var next atomic.Int64
	var wg sync.WaitGroup
	for range runtime.GOMAXPROCS(0) {
		wg.Go(func() {
			for i := int(next.Add(1)) - 1; i < len(queries); i = int(next.Add(1)) - 1 {
				var best []scored
				for slot, v := range base {
					if v == nil {
						continue
					}
					s := simd.DotF32(v, queries[i])
					if len(best) == k && s <= best[k-1].score {
						continue
					}
					at, _ := slices.BinarySearchFunc(best, s, func(b scored, s float32) int { return cmp.Compare(s, b.score) })
					best = slices.Insert(best, at, scored{index.Slot(slot), s})
					best = best[:min(k, len(best))]
				}
				out[i] = map[index.Slot]bool{}
				for _, b := range best {
					out[i][b.slot] = true
				}
			}
		})
	}
	wg.Wait()
	return out
}

// asked is what a setting found and took.
type asked struct {
	recall float64
	worst  float64       // recall of the worst query
	short  int           // answers of fewer than k
	ghosts int           // answers that are not in the collection
	took   time.Duration // median over rounds of the mean of a query
}

// measure asks an index all queries, round after round.
func measure(ctx context.Context, x index.Index, base vectors, queries [][]float32, truth []map[index.Slot]bool, rounds int, q func(i int) index.Query) (a asked, err error) {
	var times []time.Duration
	a.worst = 1
	for round := range rounds {
		began := time.Now()
		answers := make([][]index.Candidate, len(queries))
		for i := range queries {
			query := q(i)
			query.Vector = queries[i]
			if answers[i], err = x.Search(ctx, query); err != nil {
				return a, err
			}
		}
		times = append(times, time.Since(began)/time.Duration(len(queries)))
		if round > 0 {
			continue
		}
		for i, got := range answers {
			hits := 0
			for _, c := range got {
				if truth[i][c.Slot] {
					hits++
				}
				if base[c.Slot] == nil {
					a.ghosts++
				}
			}
			if len(got) < len(truth[i]) {
				a.short++
			}
			share := float64(hits) / float64(len(truth[i]))
			a.recall += share / float64(len(queries))
			a.worst = min(a.worst, share)
		}
	}
	slices.Sort(times)
	a.took = times[len(times)/2]
	return a, nil
}

func micros(d time.Duration) string { return fmt.Sprintf("%.0f", float64(d.Nanoseconds())/1e3) }

func share(x float64) string { return fmt.Sprintf("%.4f", x) }
