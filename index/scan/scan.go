package scan

import (
	"context"
	"fmt"
	"sync"

	"github.com/clipdb/clipdb/index"
	"github.com/clipdb/clipdb/index/internal/page"
	"github.com/clipdb/clipdb/index/internal/rows"
	"github.com/clipdb/clipdb/index/quant"
)

// Index is a scan of 1-bit codes with exact re-ranking. It implements
// index.Index.
type Index struct {
	params index.Params

	codesOnly bool // tests of the codes want them used on small sets, too

	// writer is held by Add, Delete, Checkpoint, Restore and Close. What they
	// change is also guarded by mu, which searches read; a writer holds mu only
	// while it changes that, and never while it reads vectors or writes pages:
	// a search may be waiting for the file meanwhile.
	writer sync.Mutex
	mu     sync.RWMutex

	closed bool
	live   index.Bitmap
	codec  *quant.Binary
	codes  *quant.BinaryCodes // of live slots
	copies *rows.Float32      // nil when Params.Vectors is given

	// Guarded by writer alone.
	end     uint32      // one above the largest slot ever used
	ruler   *quant.Int8 // made together with codec: it tells how far data have moved
	trained int         // vectors the codec was made from
	since   int         // vectors added since then
	saved   saved

	scratch sync.Pool
}

var _ index.Index = (*Index)(nil)

// New returns an empty index. Params.Quant is QuantBinary or left out.
func New(p index.Params) (*Index, error) {
	p, err := p.WithDefaults()
	if err != nil {
		return nil, err
	}
	if p.Quant != index.QuantBinary && p.Quant != 0 {
		return nil, fmt.Errorf("scan: quantization %v is not available, its codes are %v", p.Quant, index.QuantBinary)
	}
	p.Quant = index.QuantBinary
	x := &Index{params: p}
	x.scratch.New = func() any { return new(searcher) }
	x.clear()
	return x, nil
}

// clear makes the index empty. The caller holds writer and mu, or is alone.
func (x *Index) clear() {
	x.live, x.end = index.Bitmap{}, 0
	x.copies = nil
	if x.params.Vectors == nil {
		x.copies = rows.NewFloat32(x.params.Dim)
	}
	x.codec = quant.TrainBinary(x.params.Dim, x.params.Seed, nil)
	x.ruler = quant.TrainInt8(x.params.Dim, x.params.Seed, nil)
	x.codes = x.codec.NewCodes()
	x.trained, x.since = 0, 0
	x.saved = saved{book: page.Book{Magic: magic, Version: version}}
}

// Kind returns "scan".
func (x *Index) Kind() string { return "scan" }

// addChunk is how many vectors enter between two looks at the context.
const addChunk = 256

// slotLimit bounds the slots of an index that holds, or is about to hold, n
// vectors: callers hand slots out densely, and codes lie by slot.
func slotLimit(n uint64) uint64 { return 1<<20 + 16*n }

// Add implements index.Index.
func (x *Index) Add(ctx context.Context, slots []index.Slot, vectors [][]float32) error {
	if len(slots) != len(vectors) {
		return fmt.Errorf("scan: %d slots for %d vectors", len(slots), len(vectors))
	}
	for _, v := range vectors {
		if err := index.CheckVector(v, x.params.Dim); err != nil {
			return err
		}
	}
	if err := ctx.Err(); err != nil {
		return err
	}
	x.writer.Lock()
	defer x.writer.Unlock()
	if x.closed {
		return index.ErrClosed
	}
	if err := index.CheckSlots(slots, x.live.Has); err != nil {
		return err
	}
	limit := slotLimit(uint64(len(slots))) + 2*uint64(x.end)
	for _, slot := range slots {
		if uint64(slot) >= limit {
			return fmt.Errorf("scan: slot %d is far above the %d in use, slots are handed out densely: %w", slot, x.end, index.ErrSlot)
		}
	}
	for len(slots) > 0 {
		if err := ctx.Err(); err != nil {
			return err
		}
		x.retrain(vectors)
		n := min(addChunk, len(slots))
		x.insert(slots[:n], vectors[:n])
		slots, vectors = slots[n:], vectors[n:]
	}
	return nil
}

// insert codes vectors and makes them answers. The caller holds writer.
func (x *Index) insert(slots []index.Slot, vectors [][]float32) {
	n := x.codec.Bytes()
	units := make([]float32, len(slots)*x.params.Dim)
	bits := make([]uint8, len(slots)*n)
	factors := make([]quant.Factors, len(slots))
	unit := func(i int) []float32 { return units[i*x.params.Dim : (i+1)*x.params.Dim : (i+1)*x.params.Dim] }
	for i, v := range vectors {
		u, _ := index.Normalize(unit(i), v, x.params.Dim)
		factors[i] = x.codec.Encode(bits[i*n:], u)
	}
	x.mu.Lock()
	defer x.mu.Unlock()
	for i, slot := range slots {
		x.codes.Put(slot, bits[i*n:(i+1)*n], factors[i])
		if x.copies != nil {
			x.copies.Set(slot, unit(i))
		}
		x.live.Set(slot)
		x.end = max(x.end, slot+1)
		x.saved.touch(x, slot)
	}
	x.since += len(slots)
}

// Delete implements index.Index. The slots are free at once.
func (x *Index) Delete(slots ...index.Slot) int {
	x.writer.Lock()
	defer x.writer.Unlock()
	x.mu.Lock()
	defer x.mu.Unlock()
	n := 0
	for _, slot := range slots {
		if x.live.Has(slot) {
			x.live.Clear(slot)
			x.codes.Delete(slot)
			x.saved.touch(x, slot)
			n++
		}
	}
	return n
}

// Reusable reports whether slot is not live: nothing is left of a deleted one.
func (x *Index) Reusable(slot index.Slot) bool {
	x.mu.RLock()
	defer x.mu.RUnlock()
	return slot <= index.MaxSlot && !x.live.Has(slot)
}

// Stats implements index.Index.
func (x *Index) Stats() index.Stats {
	x.mu.RLock()
	defer x.mu.RUnlock()
	st := index.Stats{Kind: "scan", Live: x.live.Len()}
	st.BytesResident = x.codes.Size() + 8*int64(len(x.live.Words()))
	if x.copies != nil {
		st.BytesResident += x.copies.Bytes()
	}
	if st.Live > 0 {
		st.BytesPerVector = float64(st.BytesResident) / float64(st.Live)
	}
	return st
}

// Close implements index.Index. It waits for the searches under way.
func (x *Index) Close() error {
	x.writer.Lock()
	defer x.writer.Unlock()
	x.mu.Lock()
	defer x.mu.Unlock()
	x.closed = true
	x.clear()
	return nil
}
