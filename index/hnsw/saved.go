package hnsw

import (
	"sync/atomic"

	"github.com/clipdb/clipdb/index/internal/page"
)

// pageBytes is about the size of a checkpoint's pages.
const pageBytes = 64 << 10

// statePerPage slots have their state on one page.
const statePerPage = 1 << 16

// saved knows which pages changed since the last checkpoint. Lists are touched
// by several goroutines at once, hence the atomic flags.
type saved struct {
	book    page.Book
	codec   bool
	codes   []uint32 // a flag per page
	links   []uint32
	upper   []uint32
	blocks  []uint32
	vectors []uint32
	plane   []uint32
}

// slotLimit bounds the slots of an index that holds, or is about to hold, n
// vectors: callers hand slots out densely, and arrays are as long as slots
// reach.
func slotLimit(n uint64) uint64 { return 1<<20 + 16*n }

// perPage is how many rows of n bytes go on a page.
func perPage(n int) uint32 { return uint32(max(1, pageBytes/n)) }

func codesPerPage(v *view) uint32   { return perPage(v.stride) }
func linksPerPage(v *view) uint32   { return perPage(4 * v.deg0) }
func upperPerPage() uint32          { return perPage(4) }
func blocksPerPage(v *view) uint32  { return perPage(4 * v.deg) }
func vectorsPerPage(dim int) uint32 { return perPage(4 * dim) }
func planePerPage(v *view) uint32   { return perPage(v.codec.Stride()/8 + factorBytes) }

// grow makes room for the pages of a view and its blocks.
func (s *saved) grow(v *view, blocks uint32, dim int) {
	fit := func(flags *[]uint32, rows, perPage uint32) {
		if need := int((rows + perPage - 1) / perPage); need > len(*flags) {
			grown := make([]uint32, need+need/4)
			copy(grown, *flags)
			*flags = grown
		}
	}
	fit(&s.codes, v.size, codesPerPage(v))
	fit(&s.links, v.size, linksPerPage(v))
	fit(&s.upper, v.size, upperPerPage())
	fit(&s.blocks, blocks, blocksPerPage(v))
	fit(&s.vectors, v.size, vectorsPerPage(dim))
	fit(&s.plane, v.size, planePerPage(v))
}

// touchNode marks all that is kept of a new node.
func (s *saved) touchNode(v *view, slot uint32, dim int) {
	atomic.StoreUint32(&s.vectors[slot/vectorsPerPage(dim)], 1)
	atomic.StoreUint32(&s.codes[slot/codesPerPage(v)], 1)
	atomic.StoreUint32(&s.plane[slot/planePerPage(v)], 1)
	atomic.StoreUint32(&s.upper[slot/upperPerPage()], 1)
	for level := range v.level(slot) + 1 {
		s.touchList(v, slot, level)
	}
}

// touchList marks a list of links.
func (s *saved) touchList(v *view, slot uint32, level int) {
	if level == 0 {
		atomic.StoreUint32(&s.links[slot/linksPerPage(v)], 1)
		return
	}
	block := v.upper[slot]&(maxBlocks-1) + uint32(level) - 1
	atomic.StoreUint32(&s.blocks[block/blocksPerPage(v)], 1)
}

// touchCodec marks the codec and all codes of slots below end.
func (s *saved) touchCodec(v *view, end uint32) {
	s.codec = true
	for i := uint32(0); i*codesPerPage(v) < end; i++ {
		s.codes[i] = 1
	}
	for i := uint32(0); i*planePerPage(v) < end; i++ {
		s.plane[i] = 1
	}
}
