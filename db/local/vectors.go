package local

import (
	"sync"
	"sync/atomic"

	"github.com/clipdb/clipdb/storage"
)

// vectors gives an index the exact vectors behind its codes. It keeps them in
// memory up to a budget, first come first kept, and reads the others from the
// file, each in a transaction of its own: a search never holds one while it
// asks for another, which could wait for a writer that waits for the search.
type vectors struct {
	store *storage.Store
	table atomic.Pointer[[]*vectorChunk] // by slot / chunkSlots
	warn  func(error)                    // about vectors that cannot be read

	missed atomic.Uint64 // how often a slot had no vector

	mu     sync.Mutex
	budget int64           // bytes left
	epoch  uint64          // rises with each change of kept vectors
	tx     *storage.Tx     // read in the place of new transactions; see during
	stand  map[uint32]bool // slots that get a stand-in; see during
	dim    int             // of the stand-in
}

// chunkSlots is how many slots a chunk holds.
const chunkSlots = 1024

type vectorChunk [chunkSlots]atomic.Pointer[[]float32]

// vectorCost is about what keeping a vector takes beside its components.
const vectorCost = 56

func newVectors(store *storage.Store, budget int64, warn func(error)) *vectors {
	return &vectors{store: store, budget: max(0, budget), warn: warn}
}

// Vector implements index.Vectors.
func (v *vectors) Vector(slot uint32, dst []float32) ([]float32, bool) {
	if p := v.kept(slot); p != nil {
		return append(dst[:0], *p...), true
	}
	v.mu.Lock()
	epoch := v.epoch
	if v.tx != nil {
		defer v.mu.Unlock()
		return v.duringTx(slot, dst)
	}
	v.mu.Unlock()
	found := false
	err := v.store.View(func(tx *storage.Tx) (err error) {
		dst, found, err = tx.Vector(slot, dst)
		return err
	})
	if err != nil {
		v.warn(err)
		return dst[:0], false
	}
	if !found {
		v.missed.Add(1)
		return dst, false
	}
	v.keep(slot, dst, epoch)
	return dst, true
}

// during makes Vector read in tx while fn runs, and stand in with some unit
// vector for those of stand that have none: an index that is restored asks
// for vectors that were deleted after its checkpoint, and forgets them when
// the log is replayed. fn must run where no writer does.
func (v *vectors) during(tx *storage.Tx, stand map[uint32]bool, dim int, fn func() error) error {
	v.mu.Lock()
	v.tx, v.stand, v.dim = tx, stand, dim
	v.mu.Unlock()
	defer func() {
		v.mu.Lock()
		v.tx, v.stand = nil, nil
		v.mu.Unlock()
	}()
	return fn()
}

func (v *vectors) duringTx(slot uint32, dst []float32) ([]float32, bool) {
	dst, found, err := v.tx.Vector(slot, dst)
	switch {
	case err != nil:
		v.warn(err)
		return dst[:0], false
	case found:
		v.put(slot, dst)
		return dst, true
	case v.stand[slot]:
		dst = append(dst[:0], make([]float32, v.dim)...)
		dst[0] = 1
		return dst, true
	}
	return dst, false
}

func (v *vectors) kept(slot uint32) *[]float32 {
	t := v.table.Load()
	if t == nil || int(slot/chunkSlots) >= len(*t) || (*t)[slot/chunkSlots] == nil {
		return nil
	}
	return (*t)[slot/chunkSlots][slot%chunkSlots].Load()
}

// keep remembers a vector that was read, unless something changed since.
func (v *vectors) keep(slot uint32, vec []float32, epoch uint64) {
	v.mu.Lock()
	defer v.mu.Unlock()
	if v.epoch == epoch {
		v.put(slot, vec)
	}
}

// set tells of vectors that were written, drop of some that were deleted. They
// come between the commit and the change of the index, so what Vector returns
// for a slot of the index is never older than the slot.
func (v *vectors) set(slots []uint32, vecs [][]float32) {
	v.mu.Lock()
	defer v.mu.Unlock()
	v.epoch++
	for i, s := range slots {
		v.remove(s)
		v.put(s, vecs[i])
	}
}

func (v *vectors) drop(slots []uint32) {
	v.mu.Lock()
	defer v.mu.Unlock()
	v.epoch++
	for _, s := range slots {
		v.remove(s)
	}
}

// put must run under mu.
func (v *vectors) put(slot uint32, vec []float32) {
	cost := int64(4*len(vec) + vectorCost)
	if v.budget < cost {
		return
	}
	p := v.place(slot)
	if p.Load() != nil {
		return
	}
	v.budget -= cost
	own := append(make([]float32, 0, len(vec)), vec...)
	p.Store(&own)
}

// remove must run under mu.
func (v *vectors) remove(slot uint32) {
	if v.kept(slot) == nil {
		return
	}
	old := v.place(slot).Swap(nil)
	v.budget += int64(4*len(*old) + vectorCost)
}

// place must run under mu.
func (v *vectors) place(slot uint32) *atomic.Pointer[[]float32] {
	var table []*vectorChunk
	if t := v.table.Load(); t != nil {
		table = *t
	}
	c := int(slot / chunkSlots)
	if c >= len(table) || table[c] == nil {
		// Readers go on with the old table: it is copied, not changed.
		grown := make([]*vectorChunk, max(len(table), c+1))
		copy(grown, table)
		grown[c] = new(vectorChunk)
		table = grown
		v.table.Store(&table)
	}
	return &table[c][slot%chunkSlots]
}

// keepNone makes Vector read the file each time, for an index that hardly asks.
func (v *vectors) keepNone() {
	v.mu.Lock()
	v.budget = 0
	v.mu.Unlock()
	v.forgetAll()
	v.mu.Lock()
	v.budget = 0 // what was forgotten has come back to it
	v.mu.Unlock()
}

// forgetAll drops everything that is kept.
func (v *vectors) forgetAll() {
	v.mu.Lock()
	defer v.mu.Unlock()
	v.epoch++
	t := v.table.Load()
	if t == nil {
		return
	}
	for _, c := range *t {
		if c == nil {
			continue
		}
		for i := range c {
			if old := c[i].Load(); old != nil {
				v.budget += int64(4*len(*old) + vectorCost)
			}
		}
	}
	v.table.Store(nil)
}
