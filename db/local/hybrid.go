package local

import (
	"cmp"
	"context"
	"math"
	"slices"
	"sort"

	"github.com/clipdb/clipdb/db/engine"
	"github.com/clipdb/clipdb/db/local/keyword"
	"github.com/clipdb/clipdb/index"
)

// findWords asks for keywords, and for vectors where the query has one.
func (e *Engine) findWords(ctx context.Context, q engine.Query, allow *index.Bitmap) (found []ranked, agreed bool, err error) {
	kq := keyword.Query{Text: q.Keywords.Text, K: q.K}
	if allow != nil {
		kq.Allow = allow // not a nil bitmap in an interface
	}
	words := e.words.ready()
	if q.Vector == nil {
		hits, _, err := words.Search(ctx, kq)
		for _, h := range hits {
			r := ranked{slot: h.Slot, keyword: h.Score}
			r.fused = q.Keywords.Weight / (engine.RankConstant + float64(wordRank(hits, h.Score)))
			found = append(found, r)
		}
		return found, true, err
	}
	depth := q.K
	if words.Knows(q.Keywords.Text) {
		depth = max(depth, engine.FusionDepth)
	}
	near, err := e.candidates(ctx, q, depth, allow)
	if err != nil {
		return nil, true, err
	}
	kq.K = depth
	for _, c := range near {
		kq.Also = append(kq.Also, c.Slot)
	}
	hits, scores, err := words.Search(ctx, kq)
	if err != nil {
		return nil, true, err
	}
	all := make([]ranked, 0, len(near)+len(hits))
	seen := make(map[uint32]bool, len(near))
	for i, c := range near {
		all = append(all, ranked{slot: c.Slot, cosine: c.Score, keyword: scores[i]})
		seen[c.Slot] = true
	}
	// What only the keywords found: the index tells its cosines.
	far := index.NewBitmap(0)
	keywords := map[uint32]float64{}
	for _, h := range hits {
		if !seen[h.Slot] {
			far.Set(h.Slot)
			keywords[h.Slot] = h.Score
		}
	}
	if far.Len() > 0 {
		exact := q
		exact.Exact = true
		rest, err := e.candidates(ctx, exact, far.Len(), far)
		if err != nil {
			return nil, true, err
		}
		agreed = len(rest) == far.Len()
		for _, c := range rest {
			all = append(all, ranked{slot: c.Slot, cosine: c.Score, keyword: keywords[c.Slot]})
		}
	} else {
		agreed = true
	}
	fuse(all, near, hits, depth, q.Keywords.Weight)
	if q.MinScore != 0 {
		all = slices.DeleteFunc(all, func(r ranked) bool { return r.cosine < q.MinScore })
	}
	if q.Cut != 0 {
		spared := math.Inf(1)
		if len(hits) > 0 {
			spared = engine.Spared * hits[0].Score
		}
		all = slices.DeleteFunc(all, func(r ranked) bool { return r.cosine < q.Cut && r.keyword < spared })
	}
	return all[:min(len(all), q.K)], agreed, nil
}

// fuse fills in the fused scores of all by their ranks in the two orders, both
// of which were asked for depth hits, and sorts by them. A keyword score below
// zero stands for no caption.
func fuse(all []ranked, near []index.Candidate, hits []keyword.Hit, depth int, weight float64) {
	for i := range all {
		r := &all[i]
		var byVector, byWords float64
		if rank := vectorRank(near, r.cosine); rank <= depth {
			byVector = 1 / (engine.RankConstant + float64(rank))
		}
		if rank := wordRank(hits, r.keyword); r.keyword > 0 && rank <= depth {
			byWords = 1 / (engine.RankConstant + float64(rank))
		}
		if r.keyword < 0 || len(hits) == 0 {
			byWords = byVector
		} else {
			byWords = max(byWords, engine.Silence*byVector)
		}
		r.keyword = max(r.keyword, 0)
		r.fused = (1-weight)*byVector + weight*byWords
	}
	slices.SortFunc(all, func(a, b ranked) int {
		return cmp.Or(cmp.Compare(b.fused, a.fused), cmp.Compare(b.cosine, a.cosine), cmp.Compare(a.slot, b.slot))
	})
}

// vectorRank is 1 and the number of better scores, wherever the score itself
// stands: what the other order brought in has a rank too when it ties.
func vectorRank(near []index.Candidate, cosine float32) int {
	return 1 + sort.Search(len(near), func(i int) bool { return near[i].Score <= cosine })
}

func wordRank(hits []keyword.Hit, score float64) int {
	return 1 + sort.Search(len(hits), func(i int) bool { return hits[i].Score <= score })
}
