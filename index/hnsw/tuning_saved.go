package hnsw

import (
	"encoding/binary"
	"math"

	"github.com/clipdb/clipdb/index"
)

// append adds what is known of recall to the header of a checkpoint. For each
// side in turn, and for each share of tunePassing: the number of points, 0 for
// what is not known; how many vectors and queries it was measured with; then
// beam and recall of each point. All are u32, recall float32.
func (t *tuning) append(b []byte) []byte {
	u32 := binary.LittleEndian.AppendUint32
	for side := range t.curves {
		known := t.curves[side].Load()
		for i := range tunePassing {
			if known == nil || i >= len(*known) {
				b = u32(b, 0)
				continue
			}
			c := &(*known)[i]
			b = u32(u32(u32(b, uint32(len(c.Ef))), uint32(c.Live)), uint32(c.Queries))
			for i, ef := range c.Ef {
				b = u32(u32(b, uint32(ef)), math.Float32bits(c.Recall[i]))
			}
		}
	}
	return b
}

func (r *restored) readTuning(b []byte) error {
	bad := damaged("what is said of recall is impossible")
	next := func() (uint32, bool) {
		if len(b) < 4 {
			return 0, false
		}
		v := binary.LittleEndian.Uint32(b)
		b = b[4:]
		return v, true
	}
	for i := range len(r.curves) * len(tunePassing) {
		side, passing := i/len(tunePassing), tunePassing[i%len(tunePassing)]
		n, ok := next()
		if !ok || int(n) > len(tuneBeams) {
			return bad
		}
		if n == 0 {
			continue
		}
		if passing != 1 && len(r.curves[side]) == 0 {
			return bad
		}
		live, _ := next()
		queries, _ := next()
		c := index.Calibration{Side: index.Side(side), Passing: passing, Live: int(live), Queries: int(queries)}
		for range n {
			ef, _ := next()
			bits, ok := next()
			recall := math.Float32frombits(bits)
			if !ok || ef < 1 || ef > index.MaxEf || !(recall >= -1 && recall <= 1) ||
				len(c.Ef) > 0 && int(ef) <= c.Ef[len(c.Ef)-1] {
				return bad
			}
			c.Ef, c.Recall = append(c.Ef, int(ef)), append(c.Recall, recall)
		}
		r.curves[side] = append(r.curves[side], c)
	}
	if len(b) > 0 {
		return bad
	}
	return nil
}
