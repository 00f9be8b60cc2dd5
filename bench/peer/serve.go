package peer

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"runtime"
	"runtime/debug"
	"time"

	"github.com/clipdb/clipdb/bench/machine"
	"github.com/clipdb/clipdb/bench/npy"
	"github.com/clipdb/clipdb/bench/timing"
)

// Query is one query to a library.
type Query struct {
	Vector  []float32
	K, Ef   int
	Text    bool   // it comes from the text side
	Variant string // way of searching the same index
}

// Library is a vector index in this process.
type Library interface {
	Version() string
	// Build indexes base, row i under i.
	Build(base npy.Matrix, threads int) error
	// Search appends the ids nearest to q to dst, best first.
	Search(q Query, dst []uint32) ([]uint32, error)
	// Open measures how long it takes from what is on disk to the first
	// answer, the files being in the system's cache and, if that can be, not.
	// It returns errors.ErrUnsupported for a library that keeps nothing.
	Open(dir string, first Query) (warm, cold time.Duration, err error)
}

// Serve answers requests for lib until in ends.
func Serve(lib Library, in io.Reader, out io.Writer) error {
	lines := bufio.NewScanner(in)
	lines.Buffer(nil, 1<<20)
	s := &server{lib: lib, queries: map[string]npy.Matrix{}}
	for lines.Scan() {
		var q Request
		var r Reply
		err := json.Unmarshal(lines.Bytes(), &q)
		if err == nil {
			r, err = s.answer(q)
		}
		if err != nil {
			r = Reply{Error: err.Error()}
		}
		r.Version = lib.Version()
		if err := json.NewEncoder(out).Encode(r); err != nil {
			return err
		}
	}
	return lines.Err()
}

type server struct {
	lib     Library
	base    npy.Matrix
	queries map[string]npy.Matrix
}

func (s *server) answer(q Request) (Reply, error) {
	runtime.GOMAXPROCS(max(1, q.Threads))
	switch q.Op {
	case OpBuild:
		return s.build(q)
	case OpSearch:
		return s.search(q)
	}
	return Reply{}, fmt.Errorf("operation %q", q.Op)
}

func (s *server) build(q Request) (r Reply, err error) {
	if s.base, err = npy.ReadFile(q.Base); err != nil {
		return r, err
	}
	n := float64(s.base.Rows)
	debug.FreeOSMemory()
	machine.ResetPeak()
	before, _ := machine.Resident()
	cpu, began := machine.CPUTime(), time.Now()
	if err := s.lib.Build(s.base, max(1, q.Threads)); err != nil {
		return r, err
	}
	r.BuildS, r.BuildCPUS = time.Since(began).Seconds(), (machine.CPUTime() - cpu).Seconds()
	_, peak := machine.Resident()
	debug.FreeOSMemory()
	after, _ := machine.Resident()
	r.Bytes, r.PeakBytes = float64(after-before)/n, float64(peak-before)/n
	if err := os.MkdirAll(filepath.Join(q.Dir, "open"), 0o755); err != nil {
		return r, err
	}
	defer os.RemoveAll(filepath.Join(q.Dir, "open"))
	warm, cold, err := s.lib.Open(filepath.Join(q.Dir, "open"), Query{Vector: s.base.Row(0), K: 10, Ef: 40})
	if err != nil && !errors.Is(err, errors.ErrUnsupported) {
		return r, err
	}
	r.OpenS, r.OpenColdS = warm.Seconds(), cold.Seconds()
	debug.FreeOSMemory()
	return r, nil
}

func (s *server) search(q Request) (r Reply, err error) {
	m, ok := s.queries[q.Queries]
	if !ok {
		if m, err = npy.ReadFile(q.Queries); err != nil {
			return r, err
		}
		s.queries[q.Queries] = m
	}
	runtime.GC() // what is left of the last run is not this one's cost
	load := timing.Load{Queries: m.Rows, Threads: q.Threads, MinTime: seconds(q.MinS), MaxTime: seconds(q.MaxS)}
	round, err := timing.Run(context.Background(), load, func() func(int) ([]uint32, error) {
		var ids []uint32
		return func(i int) (_ []uint32, err error) {
			ids, err = s.lib.Search(Query{Vector: m.Row(i), K: q.K, Ef: q.Ef, Text: q.Side == "text", Variant: q.Variant}, ids[:0])
			return ids, err
		}
	})
	if err != nil {
		return r, err
	}
	r.Done, r.WallS, r.CPUS = round.Done, round.Wall.Seconds(), round.CPU.Seconds()
	micros := func(p float64) float64 { return float64(timing.Percentile(round.Latencies, p)) / 1e3 }
	r.P50, r.P99, r.P999 = micros(0.5), micros(0.99), micros(0.999)
	if q.IDs {
		for _, a := range round.Answers {
			if a == nil {
				break // not asked, nor those behind it
			}
			r.IDs = append(r.IDs, a)
		}
	}
	return r, nil
}

func seconds(s float64) time.Duration { return time.Duration(s * float64(time.Second)) }
