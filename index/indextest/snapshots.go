package indextest

import (
	"errors"
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/clipdb/clipdb/index"
)

// What is restored answers as what was saved, and goes on from there.
func (s *suite) checkpoint(t *testing.T) {
	p := s.pair(t, index.Params{Seed: 3})
	data := set(s.n(3000))
	v, queries := data.Images(), data.ImageQueries(60)
	p.add(v[:len(v)/2])
	p.delete(p.liveSlots()[5:40]...)
	d := disk{}
	for round := range 3 {
		if err := p.x.Checkpoint(d.put); err != nil {
			t.Fatal(err)
		}
		var want [][]index.Candidate
		for _, q := range queries {
			want = append(want, p.search(index.Query{Vector: q, K: 10}))
		}
		st := p.x.Stats()
		p.swap(s, index.Params{Seed: 3}, d)
		if got := p.x.Stats(); got.Live != st.Live || got.Kind != st.Kind || got.MaxLevel != st.MaxLevel {
			t.Errorf("round %d: Stats %+v, want %+v", round, got, st)
		}
		for i, q := range queries {
			if got := p.search(index.Query{Vector: q, K: 10}); !s.Random && !slices.Equal(got, want[i]) {
				t.Fatalf("round %d: restored, query %d gives %v, want %v", round, i, got, want[i])
			}
		}
		slots := p.liveSlots()
		p.delete(slots[:len(slots)/10]...)
		add := v[len(v)/2+round*100 : len(v)/2+round*100+100]
		p.addAt(p.reuse(len(add)), add)
		p.floor("restored and changed", queries, index.Query{K: 10}, s.Recall)
	}
	if err := p.x.Restore(d.get); err == nil {
		t.Error("Restore into an index that is not empty was accepted")
	}
}

// A checkpoint after a small change writes little, one after none the header
// alone, and a failed one counts for nothing.
func (s *suite) incremental(t *testing.T) {
	p := s.pair(t, index.Params{})
	data := set(s.n(6000))
	v := data.Images()
	p.add(v[:len(v)-100])
	d := disk{}
	if err := p.x.Checkpoint(d.put); err != nil {
		t.Fatal(err)
	}
	size := func(d disk) (n int) {
		for _, p := range d {
			n += len(p)
		}
		return n
	}
	full := size(d)
	p.add(v[len(v)-100 : len(v)-90])
	p.delete(11)

	refused := errors.New("disk full")
	for after := range 3 {
		n := 0
		err := p.x.Checkpoint(func(uint32, []byte) error {
			if n++; n > after {
				return refused
			}
			return nil
		})
		if !errors.Is(err, refused) {
			t.Fatalf("Checkpoint onto a full disk: %v", err)
		}
	}
	more := disk{}
	if err := p.x.Checkpoint(more.put); err != nil {
		t.Fatal(err)
	}
	if n := size(more); n == 0 || n > full*3/4 {
		t.Errorf("%d bytes written after a small change, %d at first", n, full)
	}
	maps.Copy(d, more)
	idle := disk{}
	if err := p.x.Checkpoint(idle.put); err != nil {
		t.Fatal(err)
	}
	if len(idle) > 1 {
		t.Errorf("%d pages written after no change", len(idle))
	}
	maps.Copy(d, idle)
	p.swap(s, index.Params{}, d)
	p.search(index.Query{Vector: v[0], K: len(v)})
	t.Logf("full %d bytes, after 11 changes %d", full, size(more))
}

// Damaged, torn or foreign pages are refused, and the index is usable after.
func (s *suite) damage(t *testing.T) {
	p := s.pair(t, index.Params{})
	data := set(s.n(2000))
	v := data.Images()
	p.add(v[:500])
	old := disk{}
	if err := p.x.Checkpoint(old.put); err != nil {
		t.Fatal(err)
	}
	d := maps.Clone(old)
	p.add(v[500:])
	p.delete(3)
	if err := p.x.Checkpoint(d.put); err != nil {
		t.Fatal(err)
	}
	rng := rand.New(rand.NewPCG(1, 1))
	bad := map[string]disk{"nothing": {}}
	for key := range d {
		without := maps.Clone(d)
		delete(without, key)
		bad[fmt.Sprintf("without %#x", key)] = without
		flipped := maps.Clone(d)
		flipped[key] = slices.Clone(d[key])
		flipped[key][rng.IntN(len(d[key]))] ^= 1 << rng.IntN(8)
		bad[fmt.Sprintf("flipped %#x", key)] = flipped
		cut := maps.Clone(d)
		cut[key] = d[key][:rng.IntN(len(d[key]))]
		bad[fmt.Sprintf("cut %#x", key)] = cut
		if was, ok := old[key]; ok && !slices.Equal(was, d[key]) {
			torn := maps.Clone(d)
			torn[key] = was
			bad[fmt.Sprintf("torn %#x", key)] = torn
		}
	}
	y := s.pair(t, index.Params{})
	for name, pages := range bad {
		if err := y.x.Restore(pages.get); !errors.Is(err, index.ErrSnapshot) {
			t.Errorf("%s: %v", name, err)
		}
		if st := y.x.Stats(); st.Live != 0 {
			t.Fatalf("%s: %d live afterwards", name, st.Live)
		}
	}
	trouble := errors.New("cannot read")
	if err := y.x.Restore(func(uint32) ([]byte, error) { return nil, trouble }); !errors.Is(err, trouble) || errors.Is(err, index.ErrSnapshot) {
		t.Errorf("an error of reading: %v", err)
	}
	other := s.pair(t, index.Params{Dim: dim + 1})
	if err := other.x.Restore(d.get); !errors.Is(err, index.ErrSnapshot) {
		t.Errorf("pages of another dimension: %v", err)
	}
	if err := y.x.Restore(d.get); err != nil {
		t.Errorf("the undamaged pages: %v", err)
	}
	if st := y.x.Stats(); st.Live != len(p.live) {
		t.Errorf("%d live, want %d", st.Live, len(p.live))
	}
	y.live = p.live
	y.search(index.Query{Vector: v[0], K: 3000})
}

// table keeps vectors outside the index.
type table map[index.Slot][]float32

func (b table) Vector(slot index.Slot, dst []float32) ([]float32, bool) {
	v, ok := b[slot]
	return append(dst[:0], v...), ok
}

// The caller keeps the vectors.
func (s *suite) external(t *testing.T) {
	data := set(s.n(3000))
	v, queries := data.Images(), data.ImageQueries(60)
	kept := table{}
	for i, x := range v {
		kept[index.Slot(i)] = x
	}
	params := index.Params{Vectors: kept}
	p := s.pair(t, params)
	p.add(v[:len(v)-s.n(500)])
	p.floor("outside", queries, index.Query{K: 10}, s.Recall)
	gone := p.liveSlots()[100 : 100+s.n(800)]
	p.delete(gone...)
	for _, slot := range gone {
		delete(kept, slot) // before the graph has let go of them
	}
	p.add(v[len(v)-s.n(500):])
	p.floor("some gone", queries, index.Query{K: 10}, s.Recall)
	d := disk{}
	if err := p.x.Checkpoint(d.put); err != nil {
		t.Fatal(err)
	}
	p.swap(s, params, d)
	p.floor("restored", queries, index.Query{K: 10}, s.Recall)
	if !s.Estimates {
		p.floor("exact", queries[:20], index.Query{K: 10, Exact: true}, 1)
	}
}
