package local

import (
	"context"
	"math"
	mathbits "math/bits"
	"sync"

	"github.com/clipdb/clipdb/db/engine"
	"github.com/clipdb/clipdb/storage"
)

// sampled is the last sample, which serves until vectors come or go.
type sampled struct {
	mu     sync.Mutex
	spec   engine.Spec
	asked  int
	sample engine.Sample
}

// Sample implements engine.Engine.
//
// It takes the vectors of slots that a Weyl sequence names: multiples of the
// golden section, modulo a power of two, spread evenly over all slots and so
// over what was put at different times. Each slot comes once, so that it ends.
// The file alone decides which vectors these are.
func (e *Engine) Sample(ctx context.Context, n int) (engine.Sample, error) {
	if err := e.enter(ctx); err != nil {
		return engine.Sample{}, err
	}
	defer e.leave()
	c := &e.sampled
	c.mu.Lock()
	defer c.mu.Unlock()
	err := e.store.View(func(tx *storage.Tx) error {
		spec, state := e.Spec(), tx.LastLog()
		if c.asked == n && c.spec == spec && c.sample.State == state && c.sample.Records == tx.RecordCount() {
			return nil
		}
		c.asked = 0 // until it is whole
		s := engine.Sample{Records: tx.RecordCount(), State: state}
		limit := uint64(tx.SlotLimit())
		width := mathbits.Len64(max(limit, 2) - 1)
		step := uint64(math.Round(math.Ldexp(math.Phi-1, width))) | 1
		for i, slot := uint64(0), uint64(0); i < 1<<width && len(s.Vectors) < min(n, s.Records); i++ {
			if i%1024 == 0 && ctx.Err() != nil {
				return ctx.Err()
			}
			slot = (slot + step) & (1<<width - 1)
			if slot >= limit {
				continue
			}
			live, err := tx.HasRecordAt(uint32(slot))
			if err != nil {
				return err
			}
			if !live {
				continue
			}
			v, found, err := tx.Vector(uint32(slot), nil)
			if err != nil {
				return err
			}
			if found {
				s.Vectors = append(s.Vectors, v)
			}
		}
		c.spec, c.asked, c.sample = spec, n, s
		return tx.Err()
	})
	return c.sample, seam(err)
}
