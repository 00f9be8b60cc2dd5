package hnsw

import (
	"context"
	"encoding/binary"
	"math"
	"sync"

	"github.com/clipdb/clipdb/index/internal/page"
	"github.com/clipdb/clipdb/index/quant"
)

// plane holds a bit a component of every vector, beside the codes of the
// graph. A scan of all of it finds the candidates of queries that the graph
// serves badly: text queries, which lie outside the cloud of the vectors, and
// filters that let few through. It costs an eighth of a byte a component and
// eight bytes a vector, and its time grows with the collection, not with how
// odd the query is.
type plane struct {
	mu    sync.RWMutex // searches read
	codec *quant.Binary
	codes *quant.BinaryCodes
}

// use empties the plane for codes of another codec.
func (p *plane) use(codec *quant.Binary) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.codec, p.codes = codec, codec.NewCodes()
}

// planeCode is a code on its way into the plane.
type planeCode struct {
	slot    uint32
	bits    []uint8
	factors quant.Factors
}

// put writes codes that the plane's codec made.
func (p *plane) put(codes []planeCode) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for i := range codes {
		p.codes.Put(codes[i].slot, codes[i].bits, codes[i].factors)
	}
}

// remove takes slots that are free again out of the scans.
func (p *plane) remove(slots func(func(uint32) bool)) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for slot := range slots {
		p.codes.Delete(slot)
	}
}

// bytes is the memory in use for slots below end.
func (p *plane) bytes(end uint32) int64 {
	p.mu.RLock()
	defer p.mu.RUnlock()
	return int64(end) * int64(p.codec.Bytes()+factorBytes)
}

const factorBytes = 8

// appendRows appends the i-th page of the plane: of each slot its code and its
// factors, zeros where there is none.
func (p *plane) appendRows(b []byte, i uint32) []byte {
	p.mu.RLock()
	defer p.mu.RUnlock()
	n := p.codec.Bytes()
	code := make([]uint8, n)
	rows := perPage(n + factorBytes)
	for slot := i * rows; slot < (i+1)*rows; slot++ {
		f, ok := p.codes.Get(code, slot)
		if !ok {
			clear(code)
		}
		b = append(b, code...)
		b = binary.LittleEndian.AppendUint32(b, math.Float32bits(f.Mul))
		b = binary.LittleEndian.AppendUint32(b, math.Float32bits(f.Add))
	}
	return b
}

// readPlane reads the plane of the slots in the graph.
func (g *Graph) readPlane(r *restored, p *page.Reader) error {
	b, err := p.Page(kindBits, -1)
	if err != nil {
		return err
	}
	if r.bits, err = quant.ReadBinary(b); err != nil {
		return damaged("the codec of the plane: %v", err)
	}
	if r.bits.Dim() != g.params.Dim {
		return damaged("the codec of the plane is of dimension %d", r.bits.Dim())
	}
	n := r.bits.Bytes()
	row, rows := n+factorBytes, perPage(n+factorBytes)
	at := ^uint32(0)
	r.plane = make([]planeCode, 0, r.linked.Len())
	for slot := range r.linked.All {
		if i := slot / rows; i != at {
			if b, err = p.Page(kindPlane|i, int(rows)*row); err != nil {
				return err
			}
			at = i
		}
		from := b[int(slot%rows)*row:][:row]
		f := quant.Factors{
			Mul: math.Float32frombits(binary.LittleEndian.Uint32(from[n:])),
			Add: math.Float32frombits(binary.LittleEndian.Uint32(from[n+4:])),
		}
		if !(f.Mul >= 0 && f.Mul <= maxFactor && f.Add >= -maxFactor && f.Add <= maxFactor) {
			return damaged("slot %d has impossible factors in the plane", slot)
		}
		r.plane = append(r.plane, planeCode{slot: slot, bits: from[:n:n], factors: f})
	}
	return nil
}

// maxFactor bounds what the factors of a unit vector and a mean can be.
const maxFactor = 4

// planeQuery is the memory of a search in the plane.
type planeQuery struct {
	query quant.BinaryQuery
	scan  quant.Scan
	rows  []uint32
	admit admission
	size  uint32            // of the view: rows beyond it are newer
	allow func(uint32) bool // made once
}

// planeKeep is how many rows of highest estimate are scored by their codes in
// any case, for k answers.
func planeKeep(k int) int { return 4*k + 24 }

// maxZ bounds the standard deviations of the estimate's error that a scan
// covers: beyond it a recall of 0.9999 is passed.
const maxZ = 3.7

// zOf is how many standard deviations of the estimate's error a scan must
// cover to find that share of the k nearest: the paper's bound, a normal
// variable's quantile (Gao and Long 2024, section 3.2.2).
func zOf(recall float32) float32 {
	return float32(min(math.Sqrt2*math.Erfinv(2*float64(recall)-1), maxZ))
}

// scanPlane ranks the best of all admitted slots: of the k nearest it finds the
// share of recall on average. It reports false when they are fewer
// than k.
func (g *Graph) scanPlane(ctx context.Context, s *searcher, v *view, a admission, k, limit int, recall float32) (bool, error) {
	p := &g.plane
	q := &s.plane
	p.mu.RLock()
	defer p.mu.RUnlock()
	p.codec.EncodeQuery(&q.query, s.unit)
	q.admit, q.size = a, v.size
	if q.allow == nil {
		q.allow = func(row uint32) bool { return row < q.size && q.admit.has(row) }
	}
	q.scan.Run(p.codes, &q.query, q.allow)
	s.work.Bits += int64(p.codes.Rows())
	if err := ctx.Err(); err != nil {
		return false, err
	}
	s.gather.reset(k, limit, g.slack(s, v))
	q.rows = q.scan.Best(planeKeep(k), q.rows[:0])
	s.addScored(v, q.rows)
	kth, ok := s.gather.kth()
	if !ok {
		return false, nil
	}
	// What the estimates of the rows left over may yet hide.
	q.rows = q.scan.Above(s.offset+s.scale*float32(kth), zOf(recall), q.rows[:0])
	s.addScored(v, q.rows)
	g.rank(s, v, s.gather.sorted(), k, limit)
	return s.heap.Full(), ctx.Err()
}
