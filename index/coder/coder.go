// github.com/coder/hnsw needs renameio, which has no Windows build.

//go:build !windows

package coder

import (
	"context"
	"errors"
	"fmt"
	"math/rand"
	"slices"
	"sync"

	lib "github.com/coder/hnsw"

	"github.com/clipdb/clipdb/index"
)

const (
	// wider is how many candidates are asked for per answer wanted.
	wider = 10
	// stride is how many vectors are added between two looks at the context.
	stride = 16
)

// ErrLibrary is returned when github.com/coder/hnsw panicked again right after
// its graph had been built anew. The vectors are unharmed.
var ErrLibrary = errors.New("github.com/coder/hnsw panicked")

// Index implements index.Index on github.com/coder/hnsw.
type Index struct {
	params index.Params
	exact  *index.Flat // the truth: live vectors, checkpoints, exact scores

	mu     sync.RWMutex // the library has no locks of its own
	closed bool
	graph  *lib.Graph[int]
	slots  []index.Slot // of the library's keys, which are never used twice
	keys   map[index.Slot]int
	dead   int // keys in the graph that are not live
}

var _ index.Index = (*Index)(nil)

// New returns an empty index. Of Params it uses Dim, M, EfConstruction (as the
// library's only beam), Seed and Vectors.
func New(p index.Params) (*Index, error) {
	p, err := p.WithDefaults()
	if err != nil {
		return nil, err
	}
	exact, err := index.NewFlat(p)
	if err != nil {
		return nil, err
	}
	x := &Index{params: p, exact: exact}
	x.clear()
	return x, nil
}

func (x *Index) clear() {
	x.graph = &lib.Graph[int]{
		M: x.params.M, Ml: 0.25, Distance: lib.CosineDistance, EfSearch: x.params.EfConstruction,
		Rng: rand.New(rand.NewSource(int64(x.params.Seed))),
	}
	x.slots, x.keys, x.dead = nil, map[index.Slot]int{}, 0
}

// Kind returns "coder".
func (x *Index) Kind() string { return "coder" }

// Add implements index.Index.
func (x *Index) Add(ctx context.Context, slots []index.Slot, vectors [][]float32) error {
	if len(slots) != len(vectors) {
		return fmt.Errorf("coder: %d slots for %d vectors", len(slots), len(vectors))
	}
	for _, v := range vectors {
		if err := index.CheckVector(v, x.params.Dim); err != nil {
			return err
		}
	}
	x.mu.Lock()
	defer x.mu.Unlock()
	if x.closed {
		return index.ErrClosed
	}
	if err := index.CheckSlots(slots, func(s index.Slot) bool { return !x.exact.Reusable(s) }); err != nil {
		return err
	}
	for len(slots) > 0 {
		if err := ctx.Err(); err != nil {
			return err
		}
		n := min(stride, len(slots))
		if err := x.exact.Add(context.WithoutCancel(ctx), slots[:n], vectors[:n]); err != nil {
			return err
		}
		if err := x.insert(slots[:n]); err != nil {
			if err := x.rebuild(); err != nil {
				x.exact.Delete(slots[:n]...)
				return err
			}
		}
		slots, vectors = slots[n:], vectors[n:]
	}
	return nil
}

// insert puts live slots into the library's graph, under new keys.
func (x *Index) insert(slots []index.Slot) error {
	return guard(func() {
		for _, slot := range slots {
			v, ok := x.exact.Vector(slot, nil)
			if !ok {
				continue
			}
			key := len(x.slots)
			x.slots = append(x.slots, slot)
			x.keys[slot] = key
			x.graph.Add(lib.MakeNode(key, v))
		}
	})
}

// rebuild makes the graph anew of what is live.
func (x *Index) rebuild() error {
	x.clear()
	var live []index.Slot
	for slot := range x.exact.Slots() {
		live = append(live, slot)
	}
	return x.insert(live)
}

// guard turns a panic of the library into an error.
func guard(f func()) (err error) {
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("%w: %v", ErrLibrary, p)
		}
	}()
	f()
	return nil
}

// Delete implements index.Index. When half of the graph is dead it is built
// anew, which takes as long as adding what is left.
func (x *Index) Delete(slots ...index.Slot) int {
	x.mu.Lock()
	defer x.mu.Unlock()
	if x.closed {
		return 0
	}
	n := x.exact.Delete(slots...)
	for _, slot := range slots {
		if _, ok := x.keys[slot]; ok && x.exact.Reusable(slot) {
			delete(x.keys, slot)
			x.dead++
		}
	}
	if x.dead > len(x.slots)/2 {
		// A graph that cannot be built is empty: searches then scan.
		if x.rebuild() != nil {
			x.clear()
		}
	}
	return n
}

// Reusable reports whether slot is not live: keys of the graph are not slots.
func (x *Index) Reusable(slot index.Slot) bool { return x.exact.Reusable(slot) }

// Search implements index.Index. Ef widens the number of candidates that the
// library is asked for, which is all that helps.
func (x *Index) Search(ctx context.Context, q index.Query) ([]index.Candidate, error) {
	x.mu.RLock()
	if x.closed {
		x.mu.RUnlock()
		return nil, index.ErrClosed
	}
	found, err := x.candidates(q)
	x.mu.RUnlock()
	if errors.Is(err, ErrLibrary) {
		if err := x.mend(); err != nil {
			return nil, err
		}
		found = nil
	} else if err != nil {
		return nil, err
	}
	if len(found) < q.K {
		return x.exact.Search(ctx, q)
	}
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	return found, nil
}

func (x *Index) mend() error {
	x.mu.Lock()
	defer x.mu.Unlock()
	if x.closed {
		return index.ErrClosed
	}
	return x.rebuild()
}

// candidates asks the library and scores what it says exactly. An answer
// shorter than K sends the caller to an exact scan.
func (x *Index) candidates(q index.Query) ([]index.Candidate, error) {
	if q.K < 1 {
		return nil, fmt.Errorf("coder: k is %d, want at least 1", q.K)
	}
	unit, err := index.Normalize(nil, q.Vector, x.params.Dim)
	if err != nil {
		return nil, err
	}
	if q.Exact || q.Allow != nil && q.Allow.Len() < len(x.slots)/2 || len(x.slots) == 0 {
		return nil, nil
	}
	ask := max(q.K*wider, q.Ef)
	if ask >= len(x.slots)/2 {
		return nil, nil
	}
	var nodes []lib.Node[int]
	if err := guard(func() { nodes = x.graph.Search(unit, ask) }); err != nil {
		return nil, err
	}
	var out []index.Candidate
	for _, n := range nodes {
		slot := x.slots[n.Key]
		if x.keys[slot] != n.Key || q.Allow != nil && !q.Allow.Has(slot) {
			continue
		}
		if _, live := x.keys[slot]; !live {
			continue
		}
		if score, ok := x.exact.Score(slot, unit); ok {
			out = append(out, index.Candidate{Slot: slot, Score: score})
		}
	}
	slices.SortFunc(out, index.Candidate.Compare)
	out = slices.CompactFunc(out, func(a, b index.Candidate) bool { return a.Slot == b.Slot })
	return out[:min(len(out), q.K)], nil
}

// Checkpoint implements index.Index: the vectors alone are saved.
func (x *Index) Checkpoint(put func(key uint32, page []byte) error) error {
	return x.exact.Checkpoint(put)
}

// Restore implements index.Index and builds the graph.
func (x *Index) Restore(get func(key uint32) ([]byte, error)) error {
	x.mu.Lock()
	defer x.mu.Unlock()
	if x.closed {
		return index.ErrClosed
	}
	if err := x.exact.Restore(get); err != nil {
		return err
	}
	return x.rebuild()
}

// mapBytes is the memory of a node of the library beside its vector, as
// measured by M: 984 bytes at 16, 1,747 at 32, 3,273 at 64.
const mapBytes = 51

// Stats implements index.Index. What the library holds is estimated.
func (x *Index) Stats() index.Stats {
	x.mu.RLock()
	defer x.mu.RUnlock()
	st := x.exact.Stats()
	st.Kind, st.Tombstones = "coder", x.dead
	nodes := int64(len(x.slots))
	st.BytesResident += nodes * int64(4*x.params.Dim+180+mapBytes*x.params.M)
	if st.Live > 0 {
		st.BytesPerVector = float64(st.BytesResident) / float64(st.Live)
	}
	return st
}

// Close implements index.Index.
func (x *Index) Close() error {
	x.mu.Lock()
	defer x.mu.Unlock()
	x.closed = true
	x.clear()
	return x.exact.Close()
}
