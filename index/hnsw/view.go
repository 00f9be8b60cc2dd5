package hnsw

import (
	"math"
	"sync/atomic"
	"unsafe"

	"github.com/clipdb/clipdb/index/quant"
	"github.com/clipdb/clipdb/internal/simd"
)

// view is what searches read: flat arrays indexed by slot. Links hold the
// neighbour's slot plus one, so that fresh memory is an empty list, which ends
// at its first zero. They are read and written atomically; codes are written
// before the first link to them. A writer that needs larger arrays or other
// codes makes a new view; a search keeps the one it began with.
type view struct {
	size   uint32 // slots there is room for
	codec  *quant.Int8
	step   float32 // of the codec
	spread float32 // of the vectors around the codec's mean
	floats bool    // codes are the vectors themselves, see floats.go
	stride int
	codes  []uint8  // size rows of stride bytes
	deg0   int      // links per node on layer 0
	deg    int      // links per node above
	links  []uint32 // size rows of deg0
	upper  []uint32 // size words: level<<levelShift | first block, 0 on layer 0
	blocks []uint32 // rows of deg, one for each layer above 0; row 0 is not used
}

const (
	levelShift = 28
	maxLevel   = 15
	maxBlocks  = 1 << levelShift
)

func (v *view) code(slot uint32) []uint8 {
	at := int(slot) * v.stride
	return v.codes[at : at+v.stride : at+v.stride]
}

func (v *view) level(slot uint32) int { return int(v.upper[slot] >> levelShift) }

// list is the row of links of slot on a layer that it reaches.
func (v *view) list(slot uint32, level int) []uint32 {
	if level == 0 {
		at := int(slot) * v.deg0
		return v.links[at : at+v.deg0 : at+v.deg0]
	}
	at := (int(v.upper[slot]&(maxBlocks-1)) + level - 1) * v.deg
	return v.blocks[at : at+v.deg : at+v.deg]
}

// appendLinks appends the neighbours of slot to ids.
func (v *view) appendLinks(ids []uint32, slot uint32, level int) []uint32 {
	list := v.list(slot, level)
	for i := range list {
		w := atomic.LoadUint32(&list[i])
		if w == 0 {
			break
		}
		ids = append(ids, w-1)
	}
	return ids
}

// setLinks rewrites a list. A search that reads meanwhile sees old and new
// links mixed, all of them good.
func setLinks(list, ids []uint32) {
	for i, id := range ids {
		atomic.StoreUint32(&list[i], id+1)
	}
	for i := len(ids); i < len(list); i++ {
		if atomic.LoadUint32(&list[i]) == 0 {
			break
		}
		atomic.StoreUint32(&list[i], 0)
	}
}

// distances writes the squared distance of each of ids to the vector whose
// code is given, in steps of the codec or of 2^-28. Equal codes have distance zero.
func (v *view) distances(code []uint8, ids []uint32, out []int32) {
	if v.floats {
		v.floatDistances(code, ids, out)
		return
	}
	simd.L2SqU8Batch(v.codes, v.stride, ids, code, out)
}

// grown returns a view with room for size slots, sharing nothing that is
// written later with v: no search in v may come upon a slot beyond its size.
func (v *view) grown(size uint32) *view {
	g := *v
	g.size = size
	g.codes = hugeBytes(int(size) * v.stride)
	copy(g.codes, v.codes)
	g.links = hugeWords(int(size) * v.deg0)
	copy(g.links, v.links)
	g.upper = make([]uint32, size)
	copy(g.upper, v.upper)
	g.blocks = append([]uint32(nil), v.blocks...)
	g.settle(v.size)
	return &g
}

// hugeBytes allocates in large pages where the system has them.
func hugeBytes(n int) []uint8 {
	b := make([]uint8, n)
	adviseHuge(unsafe.Pointer(unsafe.SliceData(b)), n)
	return b
}

func hugeWords(n int) []uint32 {
	b := make([]uint32, n)
	adviseHuge(unsafe.Pointer(unsafe.SliceData(b)), 4*n)
	return b
}

// settle moves the part of the arrays below end into large pages.
func (v *view) settle(end uint32) {
	collapseHuge(unsafe.Pointer(unsafe.SliceData(v.codes)), int(end)*v.stride)
	collapseHuge(unsafe.Pointer(unsafe.SliceData(v.links)), int(end)*v.deg0*4)
}

// room is the size to grow to for need slots: a quarter more than now.
func room(now, need uint32) uint32 {
	return (max(need, now+now/4, 256) + 63) &^ 63
}

// useCodec sets the codec, with the spread of the vectors it was made from.
func (v *view) useCodec(codec *quant.Int8, spread float32) {
	v.codec, v.stride, v.spread = codec, codec.Stride(), spread
	v.step = float32(math.Sqrt(float64(codec.SquaredDistance(1))))
	if v.floats {
		v.stride = floatStride(codec.Dim())
	}
}
