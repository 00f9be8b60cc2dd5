package keyword

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"maps"
	"math"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"testing"
)

var ctx = context.Background()

// oracle is BM25 over all captions, in the plainest way.
type oracle map[uint32]string

// counted is what the oracle knows of captions at one moment.
type counted struct {
	counts  map[uint32]map[string]int
	lengths map[uint32]int
	df      map[string]int
	total   int
}

func (o oracle) count() counted {
	a := NewAnalyzer("")
	c := counted{map[uint32]map[string]int{}, map[uint32]int{}, map[string]int{}, 0}
	for slot, text := range o {
		terms := a.Document(text)
		if len(terms) == 0 {
			continue
		}
		c.counts[slot] = map[string]int{}
		for _, w := range terms {
			c.counts[slot][w]++
		}
		for w := range c.counts[slot] {
			c.df[w]++
		}
		c.lengths[slot] = len(terms)
		c.total += len(terms)
	}
	return c
}

func (c counted) scores(query string, allow Slots) map[uint32]float64 {
	words := NewAnalyzer("").Query(query)
	n, mean := float64(len(c.counts)), float64(c.total)/float64(len(c.counts))
	out := map[uint32]float64{}
	for slot, counts := range c.counts {
		if allow != nil && !allow.Has(slot) {
			continue
		}
		sum := 0.0
		for _, w := range words {
			tf := float64(counts[w])
			idf := math.Log(1 + (n-float64(c.df[w])+0.5)/(float64(c.df[w])+0.5))
			sum += idf * tf * 2.2 / (tf + 1.2*(0.25+0.75*float64(c.lengths[slot])/mean))
		}
		if sum > 0 {
			out[slot] = sum
		}
	}
	return out
}

func (c counted) check(t *testing.T, x *Index, query string, k int, allow Slots) {
	t.Helper()
	want := c.scores(query, allow)
	also := []uint32{7, 3, 5000, 3, 1 << 29}
	got, extra, err := x.Search(ctx, Query{Text: query, K: k, Allow: allow, Also: also})
	if err != nil {
		t.Fatal(err)
	}
	for i, s := range also {
		score := want[s]
		if c.lengths[s] == 0 {
			score = -1
		}
		if math.Abs(extra[i]-score) > 1e-9 {
			t.Fatalf("%q: slot %d scores %v, want %v", query, s, extra[i], score)
		}
	}
	if len(got) != min(k, len(want)) {
		t.Fatalf("%q: %d hits, want %d of %d", query, len(got), k, len(want))
	}
	best := slices.SortedFunc(maps.Values(want), func(a, b float64) int { return cmp.Compare(b, a) })
	seen := map[uint32]bool{}
	for i, h := range got {
		if seen[h.Slot] || math.Abs(h.Score-want[h.Slot]) > 1e-9 || math.Abs(h.Score-best[i]) > 1e-9 {
			t.Fatalf("%q: hit %d is %v; true %v, best left %v", query, i, h, want[h.Slot], best[i])
		}
		seen[h.Slot] = true
		if i > 0 && (h.Score > got[i-1].Score || h.Score == got[i-1].Score && h.Slot < got[i-1].Slot) {
			t.Fatalf("%q: hit %d, %v, comes after %v", query, i, h, got[i-1])
		}
	}
	if x.Knows(query) != (len(c.scores(query, nil)) > 0) {
		t.Fatalf("%q: Knows is %v", query, x.Knows(query))
	}
}

// vocabulary has common words and rare ones, as language does.
func sentence(r *rand.Rand) string {
	var b strings.Builder
	for range r.IntN(14) {
		fmt.Fprintf(&b, "w%d ", int(math.Exp(r.Float64()*6)))
	}
	if r.IntN(4) == 0 {
		b.WriteString([]string{"the dog", "犬が走る", "Straße", "собаки", "dogs dogs dogs", "🐕"}[r.IntN(6)])
	}
	return b.String()
}

type some map[uint32]bool

func (s some) Has(slot uint32) bool { return s[slot] }

func TestSearchAgainstOracle(t *testing.T) {
	for seed := range uint64(4) {
		r := rand.New(rand.NewPCG(seed, 1))
		x, o := New(""), oracle{}
		limit := uint32(300)
		if seed == 3 {
			limit = 12000 // several windows, blocks and chunks, mostly empty
		}
		for step := range 3000 {
			slot := r.Uint32N(limit)
			if seed == 1 && step < 2000 {
				slot = uint32(step) // as a database grows
			}
			if r.IntN(3) == 0 {
				x.Delete(slot)
				delete(o, slot)
			} else {
				o[slot] = sentence(r)
				x.Set(slot, o[slot])
			}
			if step%200 != 199 {
				continue
			}
			allow := some{}
			for s := range o {
				allow[s] = r.IntN(2) == 0
			}
			c := o.count()
			for _, q := range []string{sentence(r), "w1 w1 w2", "dog", "犬", "the", "the dog", "nosuchword", ""} {
				c.check(t, x, q, 1+r.IntN(20), nil)
				c.check(t, x, q, 5000, allow)
			}
			x.sound(t, o)
		}
		for s := range o {
			x.Delete(s)
		}
		if x.Len() != 0 || len(x.ids) != 0 || x.total != 0 || len(x.free) != len(x.terms) {
			t.Errorf("emptied, the index has %d captions, %d terms, %d tokens, %d of %d places free", x.Len(), len(x.ids), x.total, len(x.free), len(x.terms))
		}
	}
}

// sound compares the insides with an index built at once.
func (x *Index) sound(t *testing.T, o oracle) {
	t.Helper()
	fresh := New("")
	for s, text := range o {
		fresh.Set(s, text)
	}
	if x.count != fresh.count || x.total != fresh.total || len(x.ids) != len(fresh.ids) {
		t.Fatalf("%d captions of %d tokens and %d terms; built at once %d, %d, %d", x.count, x.total, len(x.ids), fresh.count, fresh.total, len(fresh.ids))
	}
	for w, id := range x.ids {
		p, q := x.terms[id].postings, fresh.terms[fresh.ids[w]].postings
		if a, b := p.all(t), q.all(t); !slices.Equal(a, b) || x.terms[id].word != w {
			t.Fatalf("%q: %v, built at once %v", w, a, b)
		}
	}
}

func (p *postings) all(t *testing.T) (list []entry) {
	for _, b := range p.blocks {
		part := b.unpack(nil)
		if len(part) == 0 || len(part) != int(b.count) || len(part) > maxBlock || part[0].slot != b.first || part[len(part)-1].slot != b.last {
			t.Fatalf("block %d to %d of %d holds %v", b.first, b.last, b.count, part)
		}
		list = append(list, part...)
	}
	if len(list) != p.count || !slices.IsSortedFunc(list, func(a, b entry) int { return cmp.Compare(a.slot, b.slot) }) {
		t.Fatalf("%d postings, counted %d, or not in order", len(list), p.count)
	}
	return list
}

// A caption that is set again is as if it had been set once, and the order in
// which captions come changes nothing, ties included.
func TestOrderDoesNotMatter(t *testing.T) {
	r := rand.New(rand.NewPCG(5, 5))
	texts := make([]string, 500)
	for i := range texts {
		texts[i] = sentence(r)
	}
	a, b := New(""), New("")
	for i, s := range texts {
		a.Set(uint32(i), s)
	}
	for _, i := range r.Perm(len(texts)) {
		b.Set(uint32(i), "something else "+texts[len(texts)-1-i])
		b.Set(uint32(i), texts[i])
	}
	for range 50 {
		q := Query{Text: sentence(r), K: 30}
		got, _, _ := a.Search(ctx, q)
		want, _, _ := b.Search(ctx, q)
		if !slices.Equal(got, want) {
			t.Fatalf("%q: %v and %v", q.Text, got, want)
		}
		q.K = 10
		if short, _, _ := a.Search(ctx, q); !slices.Equal(short, got[:min(10, len(got))]) {
			t.Fatalf("%q: the first ten are %v of %v", q.Text, short, got)
		}
	}
}

func TestSearchEnds(t *testing.T) {
	x := New("")
	x.Set(1, "a dog")
	done, cancel := context.WithCancel(ctx)
	cancel()
	for _, text := range []string{"dog", "cat"} {
		if _, _, err := x.Search(done, Query{Text: text, K: 1}); !errors.Is(err, context.Canceled) {
			t.Errorf("%q after the end: %v", text, err)
		}
	}
}

// Searches meet captions that come and go. What they find was there.
func TestConcurrency(t *testing.T) {
	x := New("")
	var wg sync.WaitGroup
	for w := range uint32(3) {
		wg.Go(func() {
			r := rand.New(rand.NewPCG(uint64(w), 9))
			for range 800 {
				slot := w*1000 + r.Uint32N(50)
				if r.IntN(3) == 0 {
					x.Delete(slot)
				} else {
					x.Set(slot, fmt.Sprintf("dogs of writer%d %s", w, sentence(r)))
				}
			}
		})
		wg.Go(func() {
			for range 300 {
				hits, _, err := x.Search(ctx, Query{Text: fmt.Sprintf("writer%d", w), K: 100, Also: []uint32{w * 1000}})
				if err != nil || len(hits) > 50 {
					t.Errorf("%d hits, %v", len(hits), err)
					return
				}
				for _, h := range hits {
					if h.Slot/1000 != w {
						t.Errorf("slot %d is not of writer %d", h.Slot, w)
					}
				}
				x.Knows("dog")
				x.Len()
			}
		})
	}
	wg.Wait()
	if s := x.Stats(); s.Captions != x.Len() || s.Postings < s.Captions || s.Bytes <= 0 {
		t.Errorf("stats %+v", s)
	}
}

// BenchmarkBuild builds an index of captions of natural length; it reports
// memory for each.
func BenchmarkBuild(b *testing.B) {
	r := rand.New(rand.NewPCG(1, 1))
	texts := make([]string, 100_000)
	for i := range texts {
		var s strings.Builder
		for range 8 + r.IntN(8) {
			fmt.Fprintf(&s, "%s ", word(int(math.Exp(r.Float64()*10))))
		}
		texts[i] = s.String()
	}
	for b.Loop() {
		x := New("")
		for i, s := range texts {
			x.Set(uint32(i), s)
		}
		s := x.Stats()
		b.ReportMetric(float64(s.Bytes)/float64(s.Captions), "B/caption")
		b.ReportMetric(float64(s.Terms), "terms")
	}
}

// word is the nth of a language of syllables.
func word(n int) string {
	s := ""
	for n++; n > 0; n /= 60 {
		s += string("bdfgklmnprst"[n%12]) + string("aeiou"[n/12%5])
	}
	return s
}
