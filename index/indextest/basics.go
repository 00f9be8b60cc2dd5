package indextest

import (
	"context"
	"errors"
	"math"
	"slices"
	"testing"

	"github.com/clipdb/clipdb/index"
)

func (s *suite) empty(t *testing.T) {
	p := s.pair(t, index.Params{})
	v := set(10).Images()[0]
	p.search(index.Query{Vector: v, K: 3})
	p.search(index.Query{Vector: v, K: 3, Exact: true})
	p.search(index.Query{Vector: v, K: 3, Allow: index.NewBitmap(64)})
	p.delete(0, 7, 1<<20)
	if st := p.x.Stats(); st.Live != 0 || st.Kind != p.x.Kind() || st.Kind == "" {
		t.Errorf("Stats of an empty index: %+v", st)
	}
	if !p.x.Reusable(5) {
		t.Error("a slot that was never used is not usable")
	}
	if err := p.x.Add(background, nil, nil); err != nil {
		t.Errorf("Add of nothing: %v", err)
	}
	d := disk{}
	if err := p.x.Checkpoint(d.put); err != nil {
		t.Fatal(err)
	}
	y := s.pair(t, index.Params{})
	if err := y.x.Restore(d.get); err != nil {
		t.Fatalf("Restore of an empty index: %v", err)
	}
	y.add(set(10).Images())
	y.search(index.Query{Vector: v, K: 3})
	// All gone again, and used again.
	y.delete(y.liveSlots()...)
	y.search(index.Query{Vector: v, K: 3})
	y.add(set(10).Images())
	y.search(index.Query{Vector: v, K: 20})
}

func (s *suite) badVectors(t *testing.T) {
	p := s.pair(t, index.Params{})
	good := set(10).Images()
	p.add(good[:5])
	with := func(x float32) []float32 { v := slices.Clone(good[5]); v[3] = x; return v }
	nan, inf := float32(math.NaN()), float32(math.Inf(1))
	for name, c := range map[string]struct {
		v    []float32
		want error
	}{
		"NaN":       {with(nan), index.ErrVector},
		"infinite":  {with(inf), index.ErrVector},
		"zero":      {make([]float32, dim), index.ErrVector},
		"tiny":      {append(make([]float32, dim-1), 1e-30), index.ErrVector},
		"too short": {good[5][:dim-1], index.ErrDimension},
		"too long":  {append(slices.Clone(good[5]), 0), index.ErrDimension},
		"none":      {nil, index.ErrDimension},
	} {
		if err := p.x.Add(background, []index.Slot{20, 21}, [][]float32{good[6], c.v}); !errors.Is(err, c.want) {
			t.Errorf("Add of a %s vector: %v, want %v", name, err, c.want)
		}
		if _, err := p.x.Search(background, index.Query{Vector: c.v, K: 1}); !errors.Is(err, c.want) {
			t.Errorf("Search for a %s vector: %v, want %v", name, err, c.want)
		}
	}
	if err := p.x.Add(background, []index.Slot{20}, good[:2]); err == nil {
		t.Error("one slot for two vectors was accepted")
	}
	for _, k := range []int{0, -1} {
		if _, err := p.x.Search(background, index.Query{Vector: good[0], K: k}); err == nil {
			t.Errorf("k = %d was accepted", k)
		}
	}
	// Nothing of the refused calls is there, and their slots are free.
	p.search(index.Query{Vector: good[6], K: 20})
	p.addAt([]index.Slot{20, 21}, good[6:8])
	p.search(index.Query{Vector: good[6], K: 20})

	// Length is normalised away.
	long := slices.Clone(good[8])
	for i := range long {
		long[i] *= 40
	}
	got := p.search(index.Query{Vector: long, K: 1})
	want := p.search(index.Query{Vector: good[8], K: 1})
	if got[0].Slot != want[0].Slot || abs(float64(got[0].Score-want[0].Score)) > 1e-3 {
		t.Errorf("a longer query gives %v, not %v", got, want)
	}
}

func (s *suite) slots(t *testing.T) {
	p := s.pair(t, index.Params{})
	v := set(10).Images()
	p.addAt([]index.Slot{4, 0, 9}, v[:3])
	for name, slots := range map[string][]index.Slot{
		"a live slot":      {1, 4},
		"a slot twice":     {1, 1},
		"a slot too large": {1, index.MaxSlot + 1},
	} {
		if err := p.x.Add(background, slots, v[3:5]); !errors.Is(err, index.ErrSlot) {
			t.Errorf("Add under %s: %v", name, err)
		}
	}
	if p.x.Reusable(4) || !p.x.Reusable(1) {
		t.Error("Reusable is wrong")
	}
	p.search(index.Query{Vector: v[3], K: 10})
	p.delete(4, 4, 1, 77)
	p.search(index.Query{Vector: v[0], K: 10})
	slot := index.Slot(4)
	if !p.x.Reusable(slot) {
		if err := p.x.Add(background, []index.Slot{slot}, v[5:6]); !errors.Is(err, index.ErrSlot) {
			t.Errorf("Add under a slot that is not reusable: %v", err)
		}
		slot = 10
	}
	p.addAt([]index.Slot{slot}, v[5:6])
	if got := p.search(index.Query{Vector: v[5], K: 1}); got[0].Slot != slot {
		t.Errorf("the new vector is not found: %v", got)
	}
}

// Equal vectors have equal scores and come in order of their slots.
func (s *suite) ties(t *testing.T) {
	p := s.pair(t, index.Params{})
	v := set(10).Images()
	copies := make([][]float32, 60)
	for i := range copies {
		copies[i] = v[i%3]
	}
	p.add(copies)
	got := p.search(index.Query{Vector: v[1], K: 20})
	for i, c := range got {
		if want := index.Slot(3*i + 1); c.Slot != want && (!s.Estimates || c.Slot%3 != 1) {
			t.Fatalf("answer %d is slot %d, want %d", i, c.Slot, want)
		}
	}
}

func (s *suite) context(t *testing.T) {
	p := s.pair(t, index.Params{})
	v := set(3000).Images()
	gone, cancel := context.WithCancel(background)
	cancel()
	if err := p.x.Add(gone, []index.Slot{0}, v[:1]); !errors.Is(err, context.Canceled) {
		t.Errorf("Add: %v", err)
	}
	p.add(v[:100])
	if _, err := p.x.Search(gone, index.Query{Vector: v[0], K: 1}); !errors.Is(err, context.Canceled) {
		t.Errorf("Search: %v", err)
	}
	// Cut somewhere in the middle: what is in is a prefix.
	slots := make([]index.Slot, 2900)
	for i := range slots {
		slots[i] = index.Slot(100 + i)
	}
	cut := &countdown{Context: background, left: 4}
	err := p.x.Add(cut, slots, v[100:])
	n := p.x.Stats().Live - 100
	if errors.Is(err, context.Canceled) == (n == 2900) {
		t.Fatalf("%d of 2,900 added, and %v", n, err)
	}
	t.Logf("%d added before the end", n)
	if err := p.oracle.Add(background, slots[:n], v[100:100+n]); err != nil {
		t.Fatal(err)
	}
	for i, slot := range slots[:n] {
		p.live[slot] = v[100+i]
	}
	p.search(index.Query{Vector: v[0], K: 3000})
	if n < 2900 {
		p.addAt(slots[n:], v[100+n:])
		p.search(index.Query{Vector: v[0], K: 3000})
	}
}

// countdown is a context that ends at the left-th look at it.
type countdown struct {
	context.Context
	left int
}

func (c *countdown) Err() error {
	if c.left--; c.left < 0 {
		return context.Canceled
	}
	return nil
}

func (s *suite) closed(t *testing.T) {
	p := s.pair(t, index.Params{})
	v := set(10).Images()
	p.add(v)
	for range 2 {
		if err := p.x.Close(); err != nil {
			t.Fatal(err)
		}
	}
	if err := p.x.Add(background, []index.Slot{50}, v[:1]); !errors.Is(err, index.ErrClosed) {
		t.Errorf("Add: %v", err)
	}
	if _, err := p.x.Search(background, index.Query{Vector: v[0], K: 1}); !errors.Is(err, index.ErrClosed) {
		t.Errorf("Search: %v", err)
	}
	d := disk{}
	if err := p.x.Checkpoint(d.put); !errors.Is(err, index.ErrClosed) || len(d) > 0 {
		t.Errorf("Checkpoint: %v", err)
	}
	if err := p.x.Restore(d.get); !errors.Is(err, index.ErrClosed) {
		t.Errorf("Restore: %v", err)
	}
	if n := p.x.Delete(1); n != 0 {
		t.Errorf("Delete: %d", n)
	}
	p.x.Stats()
	p.x.Reusable(1)
}
