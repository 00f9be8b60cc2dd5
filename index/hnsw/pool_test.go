package hnsw

import (
	"math"
	"slices"
	"testing"
)

func TestPoolWiden(t *testing.T) {
	var p pool
	p.reset(4)
	for slot := range uint32(8) {
		key := keyOf(100-int32(slot), slot)
		if slot%2 == 1 {
			key |= barred
		}
		if key < p.bound {
			p.insert(key)
		}
	}
	if p.admitted != 4 || p.bound == math.MaxUint64 {
		t.Fatalf("%d admitted, bound %d: the pool should be full", p.admitted, p.bound)
	}
	p.widen(6)
	if p.bound != math.MaxUint64 {
		t.Error("a pool with room refuses keys")
	}
	for slot := uint32(20); slot < 24; slot++ {
		if key := keyOf(0, slot); key < p.bound {
			p.insert(key)
		}
	}
	slots := func() (out []uint32) {
		for _, key := range p.keys {
			if key&barred == 0 {
				out = append(out, slotOf(key))
			}
		}
		return out
	}
	if got, want := slots(), []uint32{0, 2, 4, 6, 20, 21}; !slices.Equal(got, want) {
		t.Errorf("widened to 6 it holds %d, want %d", got, want)
	}
	p.widen(2)
	if got, want := slots(), []uint32{0, 2}; !slices.Equal(got, want) || p.admitted != 2 {
		t.Errorf("cut to 2 it holds %d (%d admitted), want %d", got, p.admitted, want)
	}
	if last := p.keys[len(p.keys)-1]; p.bound != last {
		t.Errorf("the bound is %d, want the last key %d", p.bound, last)
	}
}
