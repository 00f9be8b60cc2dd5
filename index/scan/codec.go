package scan

import (
	"math"
	"slices"

	"github.com/clipdb/clipdb/index"
	"github.com/clipdb/clipdb/index/quant"
)

// When the codec is looked at again, and how far the data may be off it, in
// units of their spread. A codec that is off costs precision, and so more
// vectors to rank, never correctness.
const (
	retrainGrowth = 8    // times the vectors it was made from
	trainSample   = 4096 // vectors read for it
	meanDrift     = 0.15
	spreadDrift   = 0.15
)

// retrain makes the codec anew before vectors are added, when it is time to
// look at it and the data have moved; then all codes are made anew and take the
// place of the old ones at once. The caller holds writer.
func (x *Index) retrain(vectors [][]float32) {
	if x.trained > 0 && x.since+min(len(vectors), addChunk) < (retrainGrowth-1)*x.trained {
		return
	}
	sample := x.sample(vectors)
	if x.live.Len() > 0 {
		d := x.ruler.Drift(sample)
		if !d.Stale() && d.Mean < meanDrift && math.Abs(d.Spread-1) < spreadDrift {
			x.trained, x.since = x.live.Len()+len(vectors), -len(vectors)
			return
		}
	}
	codec := quant.TrainBinary(x.params.Dim, x.params.Seed, sample)
	codes, ok := x.encodeAll(codec)
	if !ok {
		// A vector cannot be read, maybe because it is about to be deleted. The
		// old codes serve; after as many vectors again there is another try.
		x.since -= x.trained
		return
	}
	x.trained, x.since = x.live.Len()+len(vectors), -len(vectors)
	x.ruler = quant.TrainInt8(x.params.Dim, x.params.Seed, sample)
	x.mu.Lock()
	x.codec, x.codes = codec, codes
	x.mu.Unlock()
	x.saved.touchCodec(x)
}

// encodeAll codes all live vectors, or reports false when one cannot be read.
func (x *Index) encodeAll(codec *quant.Binary) (*quant.BinaryCodes, bool) {
	codes := codec.NewCodes()
	code := make([]uint8, codec.Bytes())
	var row, unit []float32
	for slot := range x.live.All {
		v, ok := x.exact(slot, &row)
		if !ok {
			return nil, false
		}
		unit, _ = index.Normalize(unit, v, x.params.Dim)
		codes.Put(slot, code, codec.Encode(code, unit))
	}
	return codes, true
}

// sample draws vectors evenly from the live ones and the others.
func (x *Index) sample(others [][]float32) [][]float32 {
	stride := (x.live.Len() + len(others) + trainSample - 1) / trainSample
	var out [][]float32
	var row []float32
	i := 0
	for slot := range x.live.All {
		if i%stride == 0 {
			if v, ok := x.exact(slot, &row); ok {
				out = append(out, slices.Clone(v))
			}
		}
		i++
	}
	for _, v := range others {
		if i%stride == 0 {
			out = append(out, v)
		}
		i++
	}
	return out
}

// exact returns the vector of a live slot, valid until the next call with the
// same memory; false when the caller's store has none any more.
func (x *Index) exact(slot index.Slot, memory *[]float32) ([]float32, bool) {
	if x.copies != nil {
		return x.copies.Row(slot), true
	}
	v, ok := x.params.Vectors.Vector(slot, *memory)
	*memory = v
	return v, ok && index.CheckVector(v, x.params.Dim) == nil
}
