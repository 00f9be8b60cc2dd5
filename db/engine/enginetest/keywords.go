package enginetest

import (
	"cmp"
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/clipdb/clipdb/db/engine"
)

// The suite holds engines to the fusion and to which captions take part, not
// to scores of keywords: engines bring words to their stems, and weigh them,
// in their own ways. So the words here are of one form.

// captioned returns records of which some have captions of few words.
func captioned(r *rand.Rand, n, dim int) []engine.Record {
	out := people(r, n, dim)
	for i := range out {
		out[i].Caption = phrase(r)
	}
	return out
}

var lexicon = strings.Fields("dag zon maan ster boot berg rivier brug huis straat zebra fjord")

func phrase(r *rand.Rand) string {
	var words []string
	for range r.IntN(6) {
		// Some words are common, some rare.
		words = append(words, lexicon[int(float64(len(lexicon))*r.Float64()*r.Float64())])
	}
	return strings.Join(words, " ")
}

// holds reports whether a caption has a word of a query.
func holds(caption, text string) bool {
	return slices.ContainsFunc(strings.Fields(text), func(w string) bool { return slices.Contains(strings.Fields(caption), w) })
}

func testKeywords(t *testing.T, h Harness) {
	const dim, n = 8, 400
	r := random(31)
	dir := folder(t)
	e, m := open(t, h, dir), model{}
	if !e.Caps().Keywords {
		t.Skip("the engine does not search captions")
	}
	if hits, err := e.Search(ctx, engine.Query{K: 3, Keywords: &engine.Keywords{Text: "zon", Weight: 1}}); len(hits) != 0 || err != nil {
		t.Fatalf("keywords in an empty database: %v, %v", hits, err)
	}
	bind(t, e, dim)
	records := captioned(r, n, dim)
	m.put(t, e, engine.Create, records[:n/2]...)
	for round := range 4 {
		for range h.rounds(4) {
			m.checkKeywords(t, e, r, unit(r, dim), engine.Filter{})
			m.checkKeywords(t, e, r, unit(r, dim), engine.Exists("camera"))
		}
		switch round {
		case 0: // after the first search: captions follow changes
			m.put(t, e, engine.Create, records[n/2:]...)
			for i := 0; i < n; i += 3 { // the same vector, another caption
				records[i].Caption = phrase(r)
				m.put(t, e, engine.Replace, records[i])
			}
			for i := 1; i < n; i += 3 {
				records[i].Caption, records[i].Vector = phrase(r), unit(r, dim)
			}
			m.put(t, e, engine.Replace, records[:n/2]...)
		case 1:
			var gone []string
			for i := 0; i < n; i += 4 {
				gone = append(gone, records[i].ID)
			}
			m.delete(t, e, gone...)
		case 2:
			e = reopen(t, h, e, dir)
		}
	}
	bad := []engine.Query{
		{K: 1, Keywords: &engine.Keywords{Text: "zon"}},
		{K: 1, Keywords: &engine.Keywords{Text: "zon", Weight: -1}},
		{K: 1, Keywords: &engine.Keywords{Text: "zon", Weight: 1.01}},
		{K: 1, Keywords: &engine.Keywords{Text: "zon", Weight: math.NaN()}},
		{K: 1, MinScore: 0.1, Keywords: &engine.Keywords{Text: "zon", Weight: 1}},
		{K: 0, Keywords: &engine.Keywords{Text: "zon", Weight: 1}},
	}
	for i, q := range bad {
		if _, err := e.Search(ctx, q); err == nil {
			t.Errorf("bad query %d is answered", i)
		}
	}
	if _, err := e.Search(ctx, engine.Query{Vector: make([]float32, dim+1), K: 1, Keywords: &engine.Keywords{Text: "zon", Weight: 1}}); !errors.Is(err, engine.ErrDimension) {
		t.Errorf("a vector of another dimension: %v", err)
	}
}

// checkKeywords asks with one text in all ways, and holds the answers against
// each other.
func (m model) checkKeywords(t *testing.T, e engine.Engine, r *rand.Rand, v []float32, f engine.Filter) {
	t.Helper()
	text := phrase(r)
	search := func(q engine.Query) []engine.Hit {
		t.Helper()
		q.Filter, q.Exact = f, true
		hits, err := e.Search(ctx, q)
		if err != nil {
			t.Fatal(err)
		}
		return hits
	}
	all := m.nearest(v, f.Match)
	cosines := map[string]float64{}
	withWord := 0
	for _, s := range all {
		cosines[s.id] = s.score
		if holds(m[s.id].Caption, text) {
			withWord++
		}
	}

	// Keywords alone find exactly the captions that hold one.
	alone := search(engine.Query{K: len(m) + 1, Keywords: &engine.Keywords{Text: text, Weight: 1}})
	if len(alone) != withWord {
		t.Fatalf("%q: %d captions, want %d", text, len(alone), withWord)
	}
	keyword := map[string]float32{}
	for i, h := range alone {
		rec := m[h.Record.ID]
		sameRecord(t, h.Record, &rec)
		if _, pass := cosines[h.Record.ID]; !pass || !holds(rec.Caption, text) || h.Keyword <= 0 || h.Fused <= 0 || h.Score != 0 {
			t.Fatalf("%q: hit %d is %q, %+v", text, i, rec.Caption, h)
		}
		if i > 0 && (h.Keyword > alone[i-1].Keyword || h.Fused > alone[i-1].Fused) {
			t.Fatalf("%q: hit %d scores %v after %v", text, i, h.Keyword, alone[i-1].Keyword)
		}
		keyword[h.Record.ID] = h.Keyword
	}

	// Both together: everything is there, with the scores of either side, in
	// the order that the ranks make.
	weight := []float64{0.2, 0.5, 0.9, 1}[r.IntN(4)]
	words := &engine.Keywords{Text: text, Weight: weight}
	both := search(engine.Query{Vector: v, K: len(m) + 1, Keywords: words})
	if len(both) != len(all) {
		t.Fatalf("%q: %d hits, want %d", text, len(both), len(all))
	}
	near := search(engine.Query{Vector: v, K: len(m) + 1})
	vectorRank, wordRank := map[string]int{}, map[string]int{}
	rankBy(near, vectorRank, func(h engine.Hit) float32 { return h.Score })
	rankBy(alone, wordRank, func(h engine.Hit) float32 { return h.Keyword })
	last := math.Inf(1)
	for i, h := range both {
		id := h.Record.ID
		if math.Abs(cosines[id]-float64(h.Score)) > tolerance || math.Abs(float64(h.Keyword-keyword[id])) > tolerance {
			t.Fatalf("%q: hit %d, %q, has cosine %v and keyword score %v, want %v and %v", text, i, id, h.Score, h.Keyword, cosines[id], keyword[id])
		}
		byVector, byWords := 1/float64(engine.RankConstant+vectorRank[id]), 0.0
		if n, ok := wordRank[id]; ok {
			byWords = 1 / float64(engine.RankConstant+n)
		}
		if m[id].Caption == "" || len(alone) == 0 {
			byWords = byVector
		} else {
			byWords = max(byWords, engine.Silence*byVector)
		}
		want := (1-weight)*byVector + weight*byWords
		if math.Abs(want-float64(h.Fused)) > 1e-6 {
			t.Fatalf("%q: hit %d, %q, has the fused score %v, want %v (ranks %d and %d)", text, i, id, h.Fused, want, vectorRank[id], wordRank[id])
		}
		if want > last || want == last && h.Score > both[i-1].Score {
			t.Fatalf("%q: hit %d, %v and %v, comes after %v and %v", text, i, h.Fused, h.Score, both[i-1].Fused, both[i-1].Score)
		}
		last = want
	}

	// Fewer are the first of many, again and again.
	for range 2 {
		few, more := search(engine.Query{Vector: v, K: 20, Keywords: words}), search(engine.Query{Vector: v, K: engine.FusionDepth, Keywords: words})
		if len(few) != min(20, len(all)) || len(more) != min(engine.FusionDepth, len(all)) || !slices.EqualFunc(few, more[:len(few)], sameHit) {
			t.Fatalf("%q: %d hits are not the first of %d", text, len(few), len(more))
		}
	}
	// MinScore leaves out by cosine and changes nothing else.
	if len(all) > 3 {
		cut := float32(all[len(all)/2].score)
		left := slices.DeleteFunc(slices.Clone(both), func(h engine.Hit) bool { return h.Score < cut })
		if got := search(engine.Query{Vector: v, K: len(m) + 1, Keywords: words, MinScore: cut}); !slices.EqualFunc(got, left, sameHit) {
			t.Fatalf("%q: MinScore %v leaves %d hits, want %d", text, cut, len(got), len(left))
		}
	}
	// Words that nobody knows leave the order of the vectors.
	for _, text := range []string{"", "onbekend", " .,;"} {
		got := search(engine.Query{Vector: v, K: 20, Keywords: &engine.Keywords{Text: text, Weight: weight}})
		if !slices.EqualFunc(got, near[:min(20, len(near))], func(a, b engine.Hit) bool { return a.Record.ID == b.Record.ID && a.Score == b.Score }) {
			t.Fatalf("%q: not the order of the vectors", text)
		}
	}
}

func sameHit(a, b engine.Hit) bool {
	return a.Record.ID == b.Record.ID && a.Score == b.Score && a.Keyword == b.Keyword && a.Fused == b.Fused
}

// rankBy counts ranks from 1; equal scores share one.
func rankBy(hits []engine.Hit, ranks map[string]int, score func(engine.Hit) float32) {
	hits = slices.Clone(hits)
	slices.SortStableFunc(hits, func(a, b engine.Hit) int { return cmp.Compare(score(b), score(a)) })
	for i, h := range hits {
		ranks[h.Record.ID] = i + 1
		if i > 0 && score(h) == score(hits[i-1]) {
			ranks[h.Record.ID] = ranks[hits[i-1].Record.ID]
		}
	}
}

// Searches for keywords while captions change: each hit is as its record was
// when it was found.
func testKeywordsWhileChanging(t *testing.T, h Harness) {
	e := open(t, h, folder(t))
	if !e.Caps().Keywords {
		t.Skip("the engine does not search captions")
	}
	const dim = 8
	bind(t, e, dim)
	var wg sync.WaitGroup
	rounds := h.rounds(80)
	for w := range 2 {
		wg.Go(func() {
			r := random(uint64(40 + w))
			v := unit(r, dim)
			for i := range rounds {
				id := fmt.Sprintf("%d-%d", w, r.IntN(6))
				if i%2 == 0 {
					v = unit(r, dim) // else the same vector, and so the same place
				}
				rec := engine.Record{ID: id, Vector: v, Caption: "zon " + lexicon[2+r.IntN(4)]}
				if _, err := e.Put(ctx, []engine.Record{rec}, engine.Replace); err != nil {
					t.Errorf("Put: %v", err)
				}
				if r.IntN(3) == 0 {
					if _, err := e.Delete(ctx, []string{id}); err != nil {
						t.Errorf("Delete: %v", err)
					}
				}
			}
		})
		wg.Go(func() {
			r := random(uint64(50 + w))
			for i := range rounds {
				q := engine.Query{K: 20, Keywords: &engine.Keywords{Text: lexicon[2+r.IntN(4)], Weight: 1}}
				if i%2 == 0 {
					q.Vector, q.Keywords.Weight = unit(r, dim), 0.5
				}
				hits, err := e.Search(ctx, q)
				if err != nil {
					t.Errorf("Search: %v", err)
					return
				}
				seen := map[string]bool{}
				for _, hit := range hits {
					if seen[hit.Record.ID] || holds(hit.Record.Caption, q.Keywords.Text) != (hit.Keyword > 0) {
						t.Errorf("%q: hit %q %q with keyword score %v, seen before: %v", q.Keywords.Text, hit.Record.ID, hit.Record.Caption, hit.Keyword, seen[hit.Record.ID])
					}
					seen[hit.Record.ID] = true
				}
			}
		})
	}
	wg.Wait()
}
