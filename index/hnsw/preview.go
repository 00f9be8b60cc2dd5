package hnsw

import (
	"context"
	"errors"
	"fmt"

	"github.com/clipdb/clipdb/index"
	"github.com/clipdb/clipdb/index/internal/page"
	"github.com/clipdb/clipdb/internal/simd"
)

// Preview answers searches while the graph of a checkpoint is still being
// read: from the plane of 1-bit codes, a tenth of the bytes, whose best rows
// are ranked by their exact vectors. It takes no changes.
type Preview struct{ g *Graph }

var _ index.Index = (*Preview)(nil)

// ErrPreview is returned by what a Preview does not do.
var ErrPreview = errors.New("a preview of an index takes no changes")

// OpenPreview reads the plane of a checkpoint, as Restore reads all of it. It
// wants Params.Vectors, and index.QuantInt8 for the kind of codes.
func OpenPreview(p index.Params, get func(key uint32) ([]byte, error)) (*Preview, error) {
	if p.Vectors == nil || p.Quant != index.QuantInt8 {
		return nil, fmt.Errorf("hnsw: a preview ranks %v codes by the caller's exact vectors", index.QuantInt8)
	}
	g, err := New(p)
	if err != nil {
		return nil, err
	}
	r, err := g.preview(get)
	if err != nil {
		var damage page.Damage
		if errors.As(err, &damage) {
			return nil, fmt.Errorf("hnsw: %w: %w", index.ErrSnapshot, damage)
		}
		return nil, err
	}
	g.linked, g.end = r.linked, r.end
	g.live.grow(r.end)
	for slot := range r.live.All {
		g.live.set(slot)
	}
	g.plane.use(r.bits)
	g.plane.put(r.plane)
	return &Preview{g}, nil
}

func (g *Graph) preview(get func(key uint32) ([]byte, error)) (*restored, error) {
	p, err := page.Open(get, magic, version)
	if err != nil {
		return nil, err
	}
	r := new(restored)
	if err := g.readHeader(r, p.Header); err != nil {
		return nil, err
	}
	if err := g.readState(r, p); err != nil {
		return nil, err
	}
	if uint64(r.end) > slotLimit(uint64(r.linked.Len())*64) {
		return nil, damaged("%d slots for %d vectors", r.end, r.linked.Len())
	}
	return r, g.readPlane(r, p)
}

// Search implements index.Index. Query.Ef does not matter.
func (p *Preview) Search(ctx context.Context, q index.Query) ([]index.Candidate, error) {
	if err := checkQuery(q); err != nil {
		return nil, err
	}
	g := p.g
	s := g.searcher()
	defer g.searchers.Put(s)
	var err error
	if s.unit, err = index.Normalize(s.unit, q.Vector, g.params.Dim); err != nil {
		return nil, err
	}
	g.readers.RLock()
	defer g.readers.RUnlock()
	if g.closed {
		return nil, index.ErrClosed
	}
	k := min(q.K, g.live.count())
	if q.Allow != nil {
		k = min(k, q.Allow.Len())
	}
	a := admit(g.live.load(), q.Allow)
	switch {
	case k == 0:
		return nil, ctx.Err()
	case q.Exact || q.Allow != nil && q.Allow.Len() <= exactRows:
		err = g.scanExact(ctx, s, a, k)
	default:
		err = g.scanPlaneExact(ctx, s, a, k, max(q.Recall, g.params.Recall, filterRecall))
	}
	if err != nil {
		return nil, err
	}
	found, _ := g.appendLive(nil, s.heap.Sorted())
	return found, nil
}

// scanPlaneExact is scanPlane without codes to rank by.
func (g *Graph) scanPlaneExact(ctx context.Context, s *searcher, a admission, k int, recall float32) error {
	p, q := &g.plane, &s.plane
	p.mu.RLock()
	defer p.mu.RUnlock()
	p.codec.EncodeQuery(&q.query, s.unit)
	q.scan.Run(p.codes, &q.query, a.has)
	s.heap.Reset(k)
	rank := func(rows []uint32) error {
		for i, row := range rows {
			if i%64 == 63 && ctx.Err() != nil {
				return ctx.Err()
			}
			if v, ok := g.exact(s, row); ok {
				s.heap.Push(row, simd.DotF32(v, s.unit))
			}
		}
		return ctx.Err()
	}
	q.rows = q.scan.Best(planeKeep(k), q.rows[:0])
	if err := rank(q.rows); err != nil {
		return err
	}
	if s.heap.Full() {
		q.rows = q.scan.Above(s.heap.Worst().Score, zOf(recall), q.rows[:0])
		return rank(q.rows)
	}
	return g.scanExact(ctx, s, a, k) // vectors that cannot be read
}

// Kind returns "hnsw": it is a part of one.
func (p *Preview) Kind() string { return p.g.Kind() }

// Stats implements index.Index.
func (p *Preview) Stats() index.Stats {
	live, bytes := p.g.live.count(), p.g.plane.bytes(p.g.end)
	return index.Stats{
		Kind: p.Kind(), Live: live, Tombstones: p.g.linked.Len() - live,
		BytesResident: bytes, BytesPerVector: float64(bytes) / float64(max(live, 1)),
	}
}

// Close implements index.Index.
func (p *Preview) Close() error { return p.g.Close() }

// Add returns ErrPreview.
func (p *Preview) Add(context.Context, []index.Slot, [][]float32) error { return ErrPreview }

// Delete removes slots from every later answer.
func (p *Preview) Delete(slots ...index.Slot) (n int) {
	for _, slot := range slots {
		if p.g.live.unset(slot) {
			n++
		}
	}
	return n
}

// Reusable is always false.
func (p *Preview) Reusable(index.Slot) bool { return false }

// Checkpoint returns ErrPreview.
func (p *Preview) Checkpoint(func(key uint32, page []byte) error) error { return ErrPreview }

// Restore returns ErrPreview.
func (p *Preview) Restore(func(key uint32) ([]byte, error)) error { return ErrPreview }

// Preview tells it from the whole index.
func (p *Preview) Preview() {}
