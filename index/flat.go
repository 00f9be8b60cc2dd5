package index

import (
	"context"
	"fmt"
	"iter"
	"slices"
	"sync"

	"github.com/clipdb/clipdb/index/internal/best"
	"github.com/clipdb/clipdb/index/internal/rows"
	"github.com/clipdb/clipdb/internal/simd"
)

// Flat scores every live vector against the query in float32: exact, the
// oracle of every other index, and the fastest one for a few thousand vectors.
// It keeps a copy of the vectors in memory.
type Flat struct {
	params Params

	mu      sync.RWMutex
	closed  bool
	live    Bitmap
	end     Slot // one above the largest slot ever used
	vectors *rows.Float32
	saved   flatSaved
	heaps   sync.Pool
}

var _ Index = (*Flat)(nil)

// NewFlat returns an empty exact index. Of Params it uses Dim and Vectors; the
// latter only to fill the memory in Restore.
func NewFlat(p Params) (*Flat, error) {
	p, err := p.WithDefaults()
	if err != nil {
		return nil, err
	}
	f := &Flat{params: p, vectors: rows.NewFloat32(p.Dim)}
	f.saved.reset()
	f.heaps.New = func() any { return new(flatScratch) }
	return f, nil
}

type flatScratch struct {
	heap  best.Heap
	query []float32
}

// Kind returns "flat".
func (f *Flat) Kind() string { return "flat" }

// Add implements Index.
func (f *Flat) Add(ctx context.Context, slots []Slot, vectors [][]float32) error {
	if len(slots) != len(vectors) {
		return fmt.Errorf("index: %d slots for %d vectors", len(slots), len(vectors))
	}
	for _, v := range vectors {
		if err := CheckVector(v, f.params.Dim); err != nil {
			return err
		}
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.closed {
		return ErrClosed
	}
	if err := CheckSlots(slots, f.live.Has); err != nil {
		return err
	}
	var unit []float32
	for i, slot := range slots {
		if i%256 == 0 && ctx.Err() != nil {
			return ctx.Err()
		}
		unit, _ = Normalize(unit, vectors[i], f.params.Dim)
		f.vectors.Set(slot, unit)
		f.live.Set(slot)
		f.end = max(f.end, slot+1)
		f.saved.touch(slot)
	}
	return nil
}

// CheckSlots returns ErrSlot when a slot is used already, named twice, or too
// large.
func CheckSlots(slots []Slot, used func(Slot) bool) error {
	rising := true
	for i, s := range slots {
		if s > MaxSlot {
			return fmt.Errorf("index: slot %d is above %d: %w", s, MaxSlot, ErrSlot)
		}
		if used(s) {
			return fmt.Errorf("index: slot %d: %w", s, ErrSlot)
		}
		rising = rising && (i == 0 || slots[i-1] < s)
	}
	if rising {
		return nil
	}
	seen := make(map[Slot]struct{}, len(slots))
	for _, s := range slots {
		if _, twice := seen[s]; twice {
			return fmt.Errorf("index: slot %d is named twice: %w", s, ErrSlot)
		}
		seen[s] = struct{}{}
	}
	return nil
}

// Delete implements Index.
func (f *Flat) Delete(slots ...Slot) int {
	f.mu.Lock()
	defer f.mu.Unlock()
	n := 0
	for _, s := range slots {
		if f.live.Has(s) {
			f.live.Clear(s)
			f.saved.touch(s)
			n++
		}
	}
	return n
}

// Reusable reports whether slot is not live: Flat keeps no tombstones.
func (f *Flat) Reusable(slot Slot) bool {
	f.mu.RLock()
	defer f.mu.RUnlock()
	return slot <= MaxSlot && !f.live.Has(slot)
}

// scanStride is how many vectors are scored between two looks at the context.
const scanStride = 1024

// Search implements Index. Ef, Exact and Side make no difference.
func (f *Flat) Search(ctx context.Context, q Query) ([]Candidate, error) {
	if q.K < 1 {
		return nil, fmt.Errorf("index: k is %d, want at least 1", q.K)
	}
	s := f.heaps.Get().(*flatScratch)
	defer f.heaps.Put(s)
	var err error
	if s.query, err = Normalize(s.query, q.Vector, f.params.Dim); err != nil {
		return nil, err
	}
	f.mu.RLock()
	defer f.mu.RUnlock()
	if f.closed {
		return nil, ErrClosed
	}
	s.heap.Reset(min(q.K, f.live.Len()))
	n := 0
	for slot := range f.live.And(q.Allow) {
		if n++; n%scanStride == 0 && ctx.Err() != nil {
			return nil, ctx.Err()
		}
		s.heap.Push(slot, simd.DotF32(f.vectors.Row(slot), s.query))
	}
	if ctx.Err() != nil {
		return nil, ctx.Err()
	}
	return candidates(s.heap.Sorted()), nil
}

// Vector appends the unit vector of a live slot to dst[:0]: Flat can serve as
// the Vectors of another index.
func (f *Flat) Vector(slot Slot, dst []float32) ([]float32, bool) {
	f.mu.RLock()
	defer f.mu.RUnlock()
	if !f.live.Has(slot) {
		return dst[:0], false
	}
	return append(dst[:0], f.vectors.Row(slot)...), true
}

// Score returns the cosine of a live slot's vector and a unit vector of Dim
// components.
func (f *Flat) Score(slot Slot, unit []float32) (float32, bool) {
	f.mu.RLock()
	defer f.mu.RUnlock()
	if !f.live.Has(slot) {
		return 0, false
	}
	return simd.DotF32(f.vectors.Row(slot), unit), true
}

// Slots yields the live slots in rising order, as they are at the call.
func (f *Flat) Slots() iter.Seq[Slot] {
	f.mu.RLock()
	defer f.mu.RUnlock()
	live := Bitmap{words: slices.Clone(f.live.words)}
	return live.All
}

func candidates(entries []best.Entry) []Candidate {
	out := make([]Candidate, len(entries))
	for i, e := range entries {
		out[i] = Candidate{Slot: e.Slot, Score: e.Score}
	}
	return out
}

// Stats implements Index.
func (f *Flat) Stats() Stats {
	f.mu.RLock()
	defer f.mu.RUnlock()
	st := Stats{Kind: "flat", Live: f.live.Len(), BytesResident: f.vectors.Bytes() + int64(len(f.live.words))*8}
	if st.Live > 0 {
		st.BytesPerVector = float64(st.BytesResident) / float64(st.Live)
	}
	return st
}

// Close implements Index.
func (f *Flat) Close() error {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.closed = true
	f.live, f.end, f.vectors = Bitmap{}, 0, rows.NewFloat32(f.params.Dim)
	return nil
}
