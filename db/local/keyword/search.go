package keyword

import (
	"cmp"
	"container/heap"
	"context"
	"math"
	"slices"
)

// The parameters of BM25: how soon repetitions stop counting, and how much
// long captions lose.
const (
	k1 = 1.2
	b  = 0.75
)

// Slots is a set of slots.
type Slots interface{ Has(slot uint32) bool }

// Hit is a caption that has a word of the query.
type Hit struct {
	Slot  uint32
	Score float64 // BM25, above zero
}

// Query asks for captions.
type Query struct {
	Text  string
	K     int      // hits wanted
	Allow Slots    // nil admits every slot, else only those it holds are scored
	Also  []uint32 // slots to score in any case
}

// Search returns the K best captions, best first and equal scores by lower
// slot, and the score of each slot of Also: 0 for captions without a word of
// the query and slots that Allow lacks, and -1 for slots without a caption.
// All of it is of one moment.
func (x *Index) Search(ctx context.Context, q Query) (best []Hit, also []float64, err error) {
	also = make([]float64, len(q.Also))
	a := x.analyzers.Get().(*Analyzer)
	defer x.analyzers.Put(a)
	words := a.Query(q.Text)

	x.mu.RLock()
	defer x.mu.RUnlock()
	for i, s := range q.Also {
		if d := x.doc(s); d == nil || d.length == 0 {
			also[i] = -1
		}
	}
	scorers := x.scorers(words)
	if len(scorers) == 0 {
		return nil, also, ctx.Err()
	}
	order := make([]int, len(q.Also)) // of Also by rising slot
	for i := range order {
		order[i] = i
	}
	slices.SortFunc(order, func(i, j int) int { return cmp.Compare(q.Also[i], q.Also[j]) })

	w := x.windows.Get().(*window)
	defer x.windows.Put(w)
	var top hits
	for {
		if err := ctx.Err(); err != nil {
			return nil, nil, err
		}
		begin, more := first(scorers)
		if !more {
			break
		}
		begin -= begin % windowSlots
		end := begin + windowSlots // slots end well below 1<<32
		clear(w[:])
		for i := range scorers {
			x.accumulate(w, &scorers[i], begin, end, q.Allow)
		}
		for i, score := range w {
			if score > 0 {
				top.offer(Hit{begin + uint32(i), score}, q.K)
			}
		}
		for len(order) > 0 && q.Also[order[0]] < end {
			if s := q.Also[order[0]]; s >= begin && also[order[0]] == 0 {
				also[order[0]] = w[s-begin]
			}
			order = order[1:]
		}
	}
	slices.SortFunc(top, func(g, h Hit) int { return cmp.Or(cmp.Compare(h.Score, g.Score), cmp.Compare(g.Slot, h.Slot)) })
	return top, also, nil
}

// window holds the scores of neighbouring slots. Going through the slots in
// windows, and through the terms within each, keeps memory small however many
// captions there are, and the sums the same in whichever order words came to
// the index.
type window [windowSlots]float64

const windowSlots = 4096

// scorer walks the captions of a term.
type scorer struct {
	cursor
	weight float64 // idf times how often the query has the term
}

// scorers returns one for each different word that a caption has. It must run
// under mu.
func (x *Index) scorers(words []string) []scorer {
	var list []scorer
	place := map[string]int{}
	for _, w := range words {
		id, known := x.ids[w]
		if !known {
			continue
		}
		n := float64(x.terms[id].count)
		idf := math.Log1p((float64(x.count) - n + 0.5) / (n + 0.5))
		if i, again := place[w]; again {
			list[i].weight += idf
			continue
		}
		place[w] = len(list)
		list = append(list, scorer{x.terms[id].cursor(), idf})
	}
	return list
}

// first is the lowest slot that a scorer stands at.
func first(scorers []scorer) (slot uint32, more bool) {
	slot = math.MaxUint32
	for i := range scorers {
		if !scorers[i].done {
			slot, more = min(slot, scorers[i].slot), true
		}
	}
	return slot, more
}

// accumulate adds what a term is worth to the slots of a window.
func (x *Index) accumulate(w *window, s *scorer, begin, end uint32, allow Slots) {
	mean := float64(x.total) / float64(x.count)
	for ; !s.done && s.slot < end; s.next() {
		if allow != nil && !allow.Has(s.slot) {
			continue
		}
		length := float64(x.docs[s.slot/chunk][s.slot%chunk].length)
		tf := float64(s.times)
		w[s.slot-begin] += s.weight * tf * (k1 + 1) / (tf + k1*(1-b+b*length/mean))
	}
}

// hits is a heap, worst first.
type hits []Hit

func (h hits) Len() int      { return len(h) }
func (h hits) Swap(i, j int) { h[i], h[j] = h[j], h[i] }
func (h hits) Less(i, j int) bool {
	return h[i].Score < h[j].Score || h[i].Score == h[j].Score && h[i].Slot > h[j].Slot
}
func (h *hits) Push(v any) { *h = append(*h, v.(Hit)) }
func (h *hits) Pop() any   { panic("never popped") }

// offer takes a hit when it is among the k best. Hits come by rising slot, so
// of two equal ones the first stays.
func (h *hits) offer(hit Hit, k int) {
	switch {
	case k < 1:
	case len(*h) < k:
		heap.Push(h, hit)
	case hit.Score > (*h)[0].Score:
		(*h)[0] = hit
		heap.Fix(h, 0)
	}
}

// Knows reports whether a caption holds a word of the text that Search would
// look for.
func (x *Index) Knows(text string) bool {
	a := x.analyzers.Get().(*Analyzer)
	defer x.analyzers.Put(a)
	words := a.Query(text)
	x.mu.RLock()
	defer x.mu.RUnlock()
	return slices.ContainsFunc(words, func(w string) bool {
		_, known := x.ids[w]
		return known
	})
}
