package hnsw

import (
	"fmt"
	"math"

	"github.com/clipdb/clipdb/index"
	"github.com/clipdb/clipdb/index/quant"
)

func supported(q index.Quant) error {
	switch q {
	case index.QuantInt8, index.QuantInt8Only, index.QuantFloat32:
		return nil
	case index.QuantBinary:
		return fmt.Errorf("hnsw: a graph of %v codes loses its way; package scan is the index for them", q)
	}
	return fmt.Errorf("hnsw: quantization %v is not available", q)
}

// When the codec is looked at again, and how far the data may be off it, in
// units of their spread. A codec that is off costs resolution, never
// correctness.
const (
	retrainGrowth = 8    // times the vectors it was made from
	trainSample   = 4096 // vectors read for it
	meanDrift     = 0.15
	spreadDrift   = 0.15
)

// retrain makes the codec anew before items are added, when it is time to look
// at it and the data has moved; then all codes are made anew and take the place
// of the old ones at once. The caller holds writer.
func (g *Graph) retrain(items []item) {
	if g.trained > 0 && g.since+len(items) < (retrainGrowth-1)*g.trained {
		return
	}
	v := g.view.Load()
	s := g.searcher()
	defer g.searchers.Put(s)
	sample := g.sample(s, v, items)
	g.trained, g.since = g.linked.Len()+len(items), 0
	if g.linked.Len() > 0 {
		d := v.codec.Drift(sample)
		if !d.Stale() && d.Mean < meanDrift && math.Abs(d.Spread-1) < spreadDrift {
			return
		}
	}
	codec := quant.TrainInt8(g.params.Dim, g.params.Seed, sample)
	n := *v
	n.useCodec(codec, spreadOf(g.params.Dim, sample))
	bits := quant.TrainBinary(g.params.Dim, g.params.Seed, sample)
	var plane []planeCode
	if g.linked.Len() > 0 {
		if !v.floats {
			n.codes = hugeBytes(len(v.codes))
		}
		slots := make([]uint32, 0, g.linked.Len())
		for slot := range g.linked.All {
			slots = append(slots, slot)
		}
		plane = make([]planeCode, len(slots))
		rows := make([]uint8, len(slots)*bits.Bytes())
		g.each(len(slots), func(s *searcher, i int) {
			x := g.best(s, v, slots[i])
			if !v.floats {
				codec.Encode(n.code(slots[i]), x)
			}
			plane[i] = planeCode{slot: slots[i], bits: rows[i*bits.Bytes() : (i+1)*bits.Bytes()]}
			plane[i].factors = bits.Encode(plane[i].bits, x)
		})
	}
	g.view.Store(&n)
	clear(g.settled) // distances are new
	g.plane.use(bits)
	g.plane.put(plane)
	g.saved.touchCodec(&n, g.end)
}

// best returns the most exact form of a vector that is left: a dead one is
// known by its code alone when the caller's store has let go of it.
func (g *Graph) best(s *searcher, v *view, slot uint32) []float32 {
	if g.reranks() {
		if row, ok := g.exact(s, slot); ok {
			return row
		}
	}
	s.row = sized(s.row, g.params.Dim)
	v.codec.Decode(s.row, v.code(slot))
	return s.row
}

// sample draws vectors evenly from the graph and the items.
func (g *Graph) sample(s *searcher, v *view, items []item) [][]float32 {
	all := g.linked.Len() + len(items)
	stride := (all + trainSample - 1) / trainSample
	var out [][]float32
	i := 0
	for slot := range g.linked.All {
		if i%stride == 0 {
			out = append(out, append([]float32(nil), g.best(s, v, slot)...))
		}
		i++
	}
	for _, it := range items {
		if i%stride == 0 {
			out = append(out, it.vector)
		}
		i++
	}
	return out
}

// spreadOf returns the root mean square of vectors' distances from their mean.
func spreadOf(dim int, sample [][]float32) float32 {
	sum := make([]float64, dim)
	var sq float64
	for _, v := range sample {
		for i, x := range v {
			sum[i] += float64(x)
			sq += float64(x) * float64(x)
		}
	}
	n := float64(len(sample))
	for _, x := range sum {
		sq -= x * x / n
	}
	return float32(math.Sqrt(max(sq/n, 1e-12)))
}
