package indextest

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/clipdb/clipdb/index"
)

// A few items are replaced again and again.
func (s *suite) upserts(t *testing.T) {
	p := s.pair(t, index.Params{})
	data := set(s.n(2000))
	v := data.Images()
	p.add(v[:300])
	at := []index.Slot{3, 40, 77, 150, 299}
	rounds := s.n(4000)
	for i := range rounds {
		j := i % len(at)
		p.delete(at[j])
		at[j] = p.reuse(1)[0]
		p.addAt(at[j:j+1], v[i%len(v):i%len(v)+1])
		if i%100 == 0 {
			p.search(index.Query{Vector: v[(i*7)%len(v)], K: 20})
		}
	}
	p.floor("after", data.ImageQueries(50), index.Query{K: 10}, s.Recall)
	if st := p.x.Stats(); st.Live != 300 {
		t.Errorf("%d live", st.Live)
	}
	if p.next > 600 {
		t.Errorf("%d slots were used for 300 vectors: dead ones do not come back", p.next)
	}
}

// Random operations on the index and on the oracle leave the same live set;
// checkpoints are taken and restored at random moments.
func (s *suite) metamorphic(t *testing.T) {
	for seed := range uint64(4) {
		t.Run(fmt.Sprint("seed ", seed), func(t *testing.T) {
			rng := rand.New(rand.NewPCG(seed, 99))
			p := s.pair(t, index.Params{M: []int{16, 4, 8, 32}[seed], Seed: seed})
			data := set(s.n(3000))
			v := data.Images()
			d := disk{}
			for range 60 {
				switch op := rng.IntN(10); {
				case op < 4:
					n := 1 + rng.IntN(200)*rng.IntN(2)
					var add [][]float32
					for range n {
						add = append(add, v[rng.IntN(len(v))])
					}
					p.addAt(p.reuse(n), add)
				case op < 7 && len(p.live) > 0:
					slots := p.liveSlots()
					n := min(1+rng.IntN(80)*rng.IntN(2), len(slots))
					if rng.IntN(12) == 0 {
						n = len(slots) - rng.IntN(3)*rng.IntN(len(slots)+1)/4
					}
					rng.Shuffle(len(slots), func(i, j int) { slots[i], slots[j] = slots[j], slots[i] })
					p.delete(slots[:max(n, 0)]...)
				case op == 7:
					if err := p.x.Checkpoint(d.put); err != nil {
						t.Fatal(err)
					}
					if rng.IntN(2) == 0 {
						p.swap(s, index.Params{M: []int{16, 4, 8, 32}[seed], Seed: seed}, d)
					}
				default:
					q := index.Query{Vector: v[rng.IntN(len(v))], K: 1 + rng.IntN(30), Ef: rng.IntN(100)}
					if rng.IntN(2) == 0 {
						slots := p.liveSlots()
						q.Allow = allow(slots[:rng.IntN(len(slots)+1)])
					}
					p.search(q)
				}
				if st := p.x.Stats(); st.Live != len(p.live) {
					t.Fatalf("%d live, want %d", st.Live, len(p.live))
				}
			}
			p.search(index.Query{Vector: v[0], K: len(p.live) + 1})
			p.floor("after", data.ImageQueries(50), index.Query{K: 10, Ef: 100}, min(s.Recall, 0.95))
		})
	}
}

// swap goes on with an index restored from d.
func (p *pair) swap(s *suite, params index.Params, d disk) {
	p.t.Helper()
	params.Dim = dim
	y, err := s.open(params)
	if err != nil {
		p.t.Fatal(err)
	}
	if err := y.Restore(d.get); err != nil {
		p.t.Fatalf("Restore: %v", err)
	}
	if err := p.x.Close(); err != nil {
		p.t.Fatal(err)
	}
	x := y
	p.x = x
	p.t.Cleanup(func() { _ = x.Close() })
}

// Everything at once. Each goroutine owns the slots of its residue, so that it
// knows what a search must not return.
func (s *suite) concurrency(t *testing.T) {
	p := s.pair(t, index.Params{})
	data := set(s.n(3000))
	v := data.Images()
	const workers = 4
	var slots [1 << 15]atomic.Int32 // 0 never live, 1 live, 2 being changed, 3 dead
	seedN := 200
	p.add(v[:seedN])
	for i := range seedN {
		slots[i].Store(1)
	}
	base := index.Slot(seedN)
	var owners, wg sync.WaitGroup
	var done atomic.Bool
	fail := make(chan string, 100)
	report := func(format string, args ...any) {
		select {
		case fail <- fmt.Sprintf(format, args...):
		default:
		}
	}
	for w := range workers {
		owners.Go(func() {
			rng := rand.New(rand.NewPCG(uint64(w), 3))
			next := base + index.Slot(w)
			var mine []index.Slot
			for i := range s.n(400) {
				if rng.IntN(3) > 0 || len(mine) == 0 {
					n := 1 + rng.IntN(3)
					var add []index.Slot
					var vec [][]float32
					for j := range n {
						add = append(add, next)
						slots[next].Store(2)
						next += workers
						vec = append(vec, v[(i*7+w*1001+j)%len(v)])
					}
					if err := p.x.Add(background, add, vec); err != nil {
						report("Add: %v", err)
						return
					}
					for _, slot := range add {
						slots[slot].Store(1)
					}
					mine = append(mine, add...)
					// What Add has returned for is found.
					got, err := p.x.Search(background, index.Query{Vector: vec[0], K: 1, Exact: true})
					if err != nil || len(got) != 1 || got[0].Score < 0.99 {
						report("after Add: %v, %v", got, err)
					}
				} else {
					j := rng.IntN(len(mine))
					slot := mine[j]
					mine = slices.Delete(mine, j, j+1)
					slots[slot].Store(2)
					if p.x.Delete(slot) != 1 {
						report("Delete of live slot %d: 0", slot)
					}
					slots[slot].Store(3)
				}
			}
		})
	}
	for w := range 2 {
		wg.Go(func() {
			rng := rand.New(rand.NewPCG(uint64(w), 4))
			for !done.Load() {
				before := make(map[index.Slot]bool)
				for range 32 { // a sample of the dead
					slot := index.Slot(rng.IntN(len(slots)))
					if slots[slot].Load() == 3 {
						before[slot] = true
					}
				}
				q := index.Query{Vector: v[rng.IntN(len(v))], K: 20, Ef: 20 + rng.IntN(50)}
				got, err := p.x.Search(background, q)
				if err != nil {
					report("Search: %v", err)
					return
				}
				for i, c := range got {
					if st := slots[c.Slot].Load(); st == 0 || before[c.Slot] {
						report("slot %d was answered in state %d", c.Slot, st)
					}
					if i > 0 && c.Score > got[i-1].Score {
						report("answers out of order")
					}
				}
			}
		})
	}
	wg.Go(func() {
		d := disk{}
		for !done.Load() {
			if err := p.x.Checkpoint(d.put); err != nil {
				report("Checkpoint: %v", err)
				return
			}
			y, err := s.open(index.Params{Dim: dim})
			if err == nil {
				err = y.Restore(d.get)
			}
			if err != nil {
				report("Restore beside the work: %v", err)
				return
			}
			p.x.Stats()
			_ = y.Close()
		}
	})
	owners.Wait()
	done.Store(true)
	wg.Wait()
	close(fail)
	for f := range fail {
		t.Error(f)
	}
	live := 0
	for i := range slots {
		if slots[i].Load() == 1 {
			live++
		}
	}
	got, err := p.x.Search(background, index.Query{Vector: v[0], K: len(slots)})
	if err != nil || len(got) != live {
		t.Fatalf("%d answers at the end, want %d (%v)", len(got), live, err)
	}
	for _, c := range got {
		if slots[c.Slot].Load() != 1 {
			t.Fatalf("slot %d is not live and is answered", c.Slot)
		}
	}
}
