package hnsw

import (
	"runtime"
	"sync"
	"sync/atomic"

	"github.com/clipdb/clipdb/index"
	"github.com/clipdb/clipdb/index/internal/page"
	"github.com/clipdb/clipdb/index/internal/rows"
	"github.com/clipdb/clipdb/index/quant"
)

// Graph is an HNSW index. It implements index.Index.
type Graph struct {
	params index.Params
	copies *rows.Float32 // nil when Params.Vectors is given, nothing is re-ranked, or codes are vectors

	view  atomic.Pointer[view]
	entry atomic.Uint64 // slot+1 of the entry point and its level<<32; 0 when empty
	live  flags
	plane plane
	tuned tuning

	neverScan bool // tests of the graph want it used on small sets, too

	// readers is held by every search. Whoever frees what a search may still
	// be reading locks it once.
	readers   sync.RWMutex
	closed    bool
	searchers sync.Pool

	// size and worked are for Stats, which must not wait for writer.
	size   struct{ nodes, bytes atomic.Int64 }
	worked worked

	// queue holds the Adds that wait for a batch.
	queue struct {
		sync.Mutex
		waiting []*request
	}

	// marks guards the answer to whether a slot is in use.
	marks struct {
		sync.Mutex
		taken  index.Bitmap // slots not reusable: in the graph or about to be
		end    uint32       // one above the largest slot ever taken
		closed bool
		dirty  index.Bitmap // state pages that changed
	}

	// writer is held by batches, repairs, checkpoints and restores; it guards
	// what follows and all writes to views.
	writer    sync.Mutex
	linked    index.Bitmap // slots in the graph, live or dead
	end       uint32       // one above the largest slot ever linked
	nextBlock uint32       // first free row of blocks
	trained   int          // vectors the codec was made from
	since     int          // vectors added since then
	sheltered int          // nodes that lost all links to them since the last rejoin
	settled   []uint8      // by slot, how many of its first links on layer 0 choose has held against each other
	sweep     sweep
	saved     saved
	scratch   linkScratch
}

var _ index.Calibrated = (*Graph)(nil)

// New returns an empty graph.
func New(p index.Params) (*Graph, error) {
	p, err := p.WithDefaults()
	if err != nil {
		return nil, err
	}
	if err := supported(p.Quant); err != nil {
		return nil, err
	}
	if p.Workers == 0 {
		p.Workers = runtime.GOMAXPROCS(0)
	}
	g := &Graph{params: p}
	g.searchers.New = func() any { return new(searcher) }
	g.clear()
	return g, nil
}

// clear makes the graph empty. The caller holds writer, or is alone.
func (g *Graph) clear() {
	g.copies = nil
	if g.params.Vectors == nil && g.reranks() && !g.keepsFloats() {
		g.copies = rows.NewFloat32(g.params.Dim)
	}
	v := &view{deg0: 2 * g.params.M, deg: g.params.M, floats: g.keepsFloats()}
	v.useCodec(quant.TrainInt8(g.params.Dim, g.params.Seed, nil), 1)
	g.plane.use(quant.TrainBinary(g.params.Dim, g.params.Seed, nil))
	g.tuned.clear()
	g.view.Store(v)
	g.entry.Store(0)
	g.live.clear()
	g.marks.Lock()
	g.marks.taken, g.marks.end, g.marks.dirty = index.Bitmap{}, 0, index.Bitmap{}
	g.marks.Unlock()
	g.linked, g.end, g.nextBlock = index.Bitmap{}, 0, 1
	g.trained, g.since, g.sheltered, g.settled = 0, 0, 0, nil
	g.sweep = sweep{}
	g.saved = saved{book: page.Book{Magic: magic, Version: version}}
	g.tally()
}

// reranks reports whether candidates are scored again with exact vectors.
func (g *Graph) reranks() bool { return g.params.Quant != index.QuantInt8Only }

// Kind returns "hnsw".
func (g *Graph) Kind() string { return "hnsw" }

// Params returns the parameters with their defaults filled in.
func (g *Graph) Params() index.Params { return g.params }

// Reusable implements index.Index: a deleted slot is free once the graph has
// been repaired around it.
func (g *Graph) Reusable(slot index.Slot) bool {
	g.marks.Lock()
	defer g.marks.Unlock()
	return slot <= index.MaxSlot && !g.marks.taken.Has(slot)
}

// Stats implements index.Index. BytesResident counts what is in use; the
// arrays' room for growth is not touched and so not resident.
func (g *Graph) Stats() index.Stats {
	live := g.live.count()
	st := index.Stats{
		Kind: "hnsw", Live: live, Tombstones: max(0, int(g.size.nodes.Load())-live),
		BytesResident: g.size.bytes.Load(), Work: g.worked.load(),
	}
	if live > 0 {
		st.BytesPerVector = float64(st.BytesResident) / float64(live)
	}
	if _, level, ok := g.entryPoint(); ok {
		st.MaxLevel = level
	}
	return st
}

// tally notes the size of the graph for Stats. The caller holds writer.
func (g *Graph) tally() {
	v := g.view.Load()
	perSlot := int64(v.stride) + 4*int64(v.deg0) + 4 + 1
	bytes := int64(g.end)*perSlot + int64(g.nextBlock)*4*int64(v.deg)
	bytes += 4 * int64(g.end) / 8 // states
	bytes += g.plane.bytes(g.end)
	if g.copies != nil {
		bytes += g.copies.Bytes()
	}
	g.size.nodes.Store(int64(g.linked.Len()))
	g.size.bytes.Store(bytes)
}

func (g *Graph) entryPoint() (slot uint32, level int, ok bool) {
	e := g.entry.Load()
	return uint32(e) - 1, int(e >> 32), e != 0
}

func (g *Graph) setEntry(slot uint32, level int) {
	g.entry.Store(uint64(level)<<32 | uint64(slot+1))
}

// Close implements index.Index. It waits for the searches and the batch under
// way.
func (g *Graph) Close() error {
	g.marks.Lock()
	g.marks.closed = true
	g.marks.Unlock()
	g.writer.Lock()
	defer g.writer.Unlock()
	g.readers.Lock()
	g.closed = true
	g.readers.Unlock()
	g.tuned.working.Wait()
	g.clear()
	g.scratch = linkScratch{}
	return nil
}

// flags is a growing set of slots, read without a lock.
type flags struct {
	mu    sync.Mutex
	n     int
	words atomic.Pointer[[]uint64]
}

func (f *flags) clear() {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.n = 0
	f.words.Store(new([]uint64))
}

func (f *flags) count() int {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.n
}

func (f *flags) load() []uint64 { return *f.words.Load() }

func hasBit(words []uint64, slot uint32) bool {
	w := int(slot >> 6)
	return w < len(words) && atomic.LoadUint64(&words[w])>>(slot&63)&1 != 0
}

// grow makes room for slots below n.
func (f *flags) grow(n uint32) {
	f.mu.Lock()
	defer f.mu.Unlock()
	old := *f.words.Load()
	if need := int(n+63) / 64; need > len(old) {
		words := make([]uint64, max(need, len(old)+len(old)/4))
		for i := range old {
			words[i] = atomic.LoadUint64(&old[i])
		}
		f.words.Store(&words)
	}
}

// set adds a slot that there is room for.
func (f *flags) set(slot uint32) {
	f.mu.Lock()
	defer f.mu.Unlock()
	w := &(*f.words.Load())[slot>>6]
	if old := atomic.OrUint64(w, 1<<(slot&63)); old>>(slot&63)&1 == 0 {
		f.n++
	}
}

// unset removes slot and reports whether it was there.
func (f *flags) unset(slot uint32) bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	words := *f.words.Load()
	if !hasBit(words, slot) {
		return false
	}
	atomic.AndUint64(&words[slot>>6], ^(uint64(1) << (slot & 63)))
	f.n--
	return true
}
