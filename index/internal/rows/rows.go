// Package rows keeps float32 vectors by slot in blocks that never move, so
// that growing copies nothing and readers go on while it happens.
package rows

import "sync/atomic"

// blockRows is the number of vectors in a block: 512 KiB at 512 dimensions.
const blockRows = 256

// Float32 holds a vector of one length per slot. One goroutine at a time may
// Set; any number may call Row meanwhile, for slots whose Set they have been
// told of by other means.
type Float32 struct {
	dim    int
	blocks atomic.Pointer[[][]float32]
}

// NewFloat32 returns an empty store of vectors with dim components.
func NewFloat32(dim int) *Float32 {
	f := &Float32{dim: dim}
	f.blocks.Store(new([][]float32))
	return f
}

// Set copies v under slot.
func (f *Float32) Set(slot uint32, v []float32) {
	b := int(slot / blockRows)
	blocks := *f.blocks.Load()
	if b >= len(blocks) || blocks[b] == nil {
		// Only the directory is copied.
		grown := make([][]float32, max(b+1, len(blocks)))
		copy(grown, blocks)
		grown[b] = make([]float32, blockRows*f.dim)
		f.blocks.Store(&grown)
		blocks = grown
	}
	copy(blocks[b][int(slot%blockRows)*f.dim:][:f.dim], v)
}

// Row returns the vector of slot, nil when its block was never written. It
// stays valid until the slot is set again, and must not be changed.
func (f *Float32) Row(slot uint32) []float32 {
	b := int(slot / blockRows)
	blocks := *f.blocks.Load()
	if b >= len(blocks) || blocks[b] == nil {
		return nil
	}
	at := int(slot%blockRows) * f.dim
	return blocks[b][at : at+f.dim : at+f.dim]
}

// Bytes is the memory of the blocks.
func (f *Float32) Bytes() int64 {
	var n int64
	for _, b := range *f.blocks.Load() {
		n += int64(len(b)) * 4
	}
	return n
}
