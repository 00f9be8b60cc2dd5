package indextest

import (
	"context"
	"maps"
	"slices"
	"sync"
	"testing"

	"github.com/clipdb/clipdb/index"
	"github.com/clipdb/clipdb/index/indextest/cliplike"
)

// Open makes an empty index for a test.
type Open func(p index.Params) (index.Index, error)

// Options say what may be asked of an index.
type Options struct {
	// Recall is the least recall@10 on image queries with the default beam,
	// against Flat; 1 asks for equal answers.
	Recall float64
	// Scale divides the sizes of the data sets; 0 is 1.
	Scale int
	// Estimates says that scores are not exact.
	Estimates bool
	// Random says that answers depend on chance.
	Random bool
}

// Run tries the index that open makes.
func Run(t *testing.T, open Open, o Options) {
	s := &suite{open: open, Options: o}
	s.Scale = max(s.Scale, 1)
	for _, c := range []struct {
		name string
		run  func(*testing.T)
	}{
		{"Empty", s.empty},
		{"BadVectors", s.badVectors},
		{"Slots", s.slots},
		{"Ties", s.ties},
		{"Context", s.context},
		{"Closed", s.closed},
		{"Recall", s.recall},
		{"Determinism", s.determinism},
		{"Exact", s.exact},
		{"Filters", s.filters},
		{"Deletes", s.deletes},
		{"Burst", s.burst},
		{"Upserts", s.upserts},
		{"Metamorphic", s.metamorphic},
		{"Concurrency", s.concurrency},
		{"Checkpoint", s.checkpoint},
		{"Incremental", s.incremental},
		{"Damage", s.damage},
		{"ExternalVectors", s.external},
	} {
		t.Run(c.name, c.run)
	}
}

type suite struct {
	open Open
	Options
}

var background = context.Background()

// dim is small enough for speed and no multiple of a kernel's width.
const dim = 100

// set returns n CLIP-like vectors of dim components.
func set(n int) *cliplike.Set {
	sets.Lock()
	defer sets.Unlock()
	s := sets.made[n]
	if s == nil {
		s = cliplike.New(cliplike.Config{N: n, Dim: dim, Latent: 32, Seed: 11})
		if sets.made == nil {
			sets.made = map[int]*cliplike.Set{}
		}
		sets.made[n] = s
	}
	return s
}

var sets struct {
	sync.Mutex
	made map[int]*cliplike.Set
}

// pair is an index and the oracle, given the same operations.
type pair struct {
	t      *testing.T
	x      index.Index
	oracle *index.Flat
	live   map[index.Slot][]float32
	next   index.Slot
}

func (s *suite) pair(t *testing.T, p index.Params) *pair {
	t.Helper()
	if p.Dim == 0 {
		p.Dim = dim
	}
	x, err := s.open(p)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := x.Close(); err != nil {
			t.Errorf("Close: %v", err)
		}
	})
	oracle, err := index.NewFlat(index.Params{Dim: p.Dim})
	if err != nil {
		t.Fatal(err)
	}
	return &pair{t: t, x: x, oracle: oracle, live: map[index.Slot][]float32{}}
}

// add inserts vectors under fresh slots, which it returns.
func (p *pair) add(vectors [][]float32) []index.Slot {
	p.t.Helper()
	slots := make([]index.Slot, len(vectors))
	for i := range slots {
		slots[i] = p.next
		p.next++
	}
	p.addAt(slots, vectors)
	return slots
}

func (p *pair) addAt(slots []index.Slot, vectors [][]float32) {
	p.t.Helper()
	if err := p.x.Add(background, slots, vectors); err != nil {
		p.t.Fatalf("Add: %v", err)
	}
	if err := p.oracle.Add(background, slots, vectors); err != nil {
		p.t.Fatalf("Add to the oracle: %v", err)
	}
	for i, slot := range slots {
		p.live[slot] = vectors[i]
		p.next = max(p.next, slot+1)
	}
}

func (p *pair) delete(slots ...index.Slot) {
	p.t.Helper()
	want := p.oracle.Delete(slots...)
	if got := p.x.Delete(slots...); got != want {
		p.t.Fatalf("Delete of %d slots: %d were live, want %d", len(slots), got, want)
	}
	for _, slot := range slots {
		delete(p.live, slot)
	}
}

// reuse returns n slots for new vectors: those that have become free first.
func (p *pair) reuse(n int) []index.Slot {
	var out []index.Slot
	for slot := index.Slot(0); slot < p.next && len(out) < n; slot++ {
		if _, live := p.live[slot]; !live && p.x.Reusable(slot) {
			out = append(out, slot)
		}
	}
	for len(out) < n {
		out = append(out, p.next)
		p.next++
	}
	return out
}

func (p *pair) liveSlots() []index.Slot { return slices.Sorted(maps.Keys(p.live)) }

// search asks the index and checks what holds of every answer: in order,
// nothing twice, nothing dead or barred, never short.
func (p *pair) search(q index.Query) []index.Candidate {
	p.t.Helper()
	got, err := p.x.Search(background, q)
	if err != nil {
		p.t.Fatalf("Search: %v", err)
	}
	p.check(q, got)
	return got
}

func (p *pair) check(q index.Query, got []index.Candidate) {
	p.t.Helper()
	want := min(q.K, len(p.live))
	if q.Allow != nil {
		n := 0
		for slot := range q.Allow.All {
			if _, live := p.live[slot]; live {
				n++
			}
		}
		want = min(q.K, n)
	}
	if len(got) != want {
		p.t.Fatalf("%d answers, want %d", len(got), want)
	}
	seen := make(map[index.Slot]bool, len(got))
	for i, c := range got {
		if _, live := p.live[c.Slot]; !live {
			p.t.Fatalf("slot %d was answered and is not live", c.Slot)
		}
		if q.Allow != nil && !q.Allow.Has(c.Slot) {
			p.t.Fatalf("slot %d was answered and is not allowed", c.Slot)
		}
		if seen[c.Slot] {
			p.t.Fatalf("slot %d was answered twice", c.Slot)
		}
		seen[c.Slot] = true
		if i > 0 && (c.Score > got[i-1].Score || c.Score == got[i-1].Score && c.Slot < got[i-1].Slot) {
			p.t.Fatalf("answers %d and %d are out of order: %v", i-1, i, got[i-1:i+1])
		}
	}
}

// recall is the share of the oracle's answers that the index gives, and the
// largest error of a score. As ann-benchmarks does, it counts an answer that is
// as near as the oracle's last one: of equal vectors, any will do.
func (p *pair) recall(queries [][]float32, q index.Query) (recall float64, scoreError float64) {
	p.t.Helper()
	hit, n := 0, 0
	for _, v := range queries {
		q.Vector = v
		got := p.search(q)
		want, err := p.oracle.Search(background, q)
		if err != nil {
			p.t.Fatal(err)
		}
		n += len(want)
		if len(want) == 0 {
			continue
		}
		scores := make(map[index.Slot]float32, len(want))
		for _, w := range want {
			scores[w.Slot] = w.Score
		}
		last := want[len(want)-1].Score - 1e-6
		for _, g := range got {
			score, ok := scores[g.Slot]
			if ok {
				scoreError = max(scoreError, abs(float64(g.Score-score)))
			}
			if ok || dot(v, p.live[g.Slot]) >= last {
				hit++
			}
		}
	}
	if n == 0 {
		return 1, 0
	}
	return float64(hit) / float64(n), scoreError
}

func dot(a, b []float32) float32 {
	var s float32
	for i, x := range a {
		s += x * b[i]
	}
	return s
}

// floor fails the test when recall@10 of queries is below want.
func (p *pair) floor(what string, queries [][]float32, q index.Query, want float64) {
	p.t.Helper()
	got, _ := p.recall(queries, q)
	if got < want {
		p.t.Errorf("%s: recall@%d is %.4f, want %.3f", what, q.K, got, want)
	} else {
		p.t.Logf("%s: recall@%d %.4f", what, q.K, got)
	}
}

func abs(x float64) float64 { return max(x, -x) }

// disk keeps the pages of checkpoints.
type disk map[uint32][]byte

func (d disk) put(key uint32, p []byte) error { d[key] = slices.Clone(p); return nil }
func (d disk) get(key uint32) ([]byte, error) { return d[key], nil }
