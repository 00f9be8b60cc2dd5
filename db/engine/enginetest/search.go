package enginetest

import (
	"errors"
	"maps"
	"math"
	"slices"
	"testing"

	"github.com/clipdb/clipdb/db/engine"
)

func testSearch(t *testing.T, h Harness) {
	const dim, n = 32, 2500
	r := random(1)
	dir := folder(t)
	e, m := open(t, h, dir), model{}
	bind(t, e, dim)
	records := people(r, n, dim)
	for batch := range slices.Chunk(records, 700) {
		m.put(t, e, engine.Create, batch...)
	}
	for round := range 3 {
		var sum float64
		queries := h.rounds(40)
		for range queries {
			q := unit(r, dim)
			all := m.nearest(q, nil)
			hits, err := e.Search(ctx, engine.Query{Vector: q, K: 10, Exact: true})
			if err != nil {
				t.Fatal(err)
			}
			m.checkHits(t, hits, all)
			if rec := recall(hits, all, 10); len(hits) != 10 || rec < 1 {
				t.Fatalf("exact search: %d hits, recall %v", len(hits), rec)
			}
			if hits, err = e.Search(ctx, engine.Query{Vector: q, K: 10, Side: engine.SideText}); err != nil {
				t.Fatal(err)
			}
			m.checkHits(t, hits, all)
			if len(hits) != 10 {
				t.Fatalf("%d hits, want 10", len(hits))
			}
			sum += recall(hits, all, 10)
			again, err := e.Search(ctx, engine.Query{Vector: q, K: 10, Side: engine.SideText})
			if err != nil || !slices.EqualFunc(hits, again, func(a, b engine.Hit) bool { return a.Record.ID == b.Record.ID && a.Score == b.Score }) {
				t.Fatalf("the same query has two answers (%v)", err)
			}
		}
		if sum/float64(queries) < h.Recall {
			t.Errorf("round %d: recall at 10 is %.3f, at least %.3f is wanted", round, sum/float64(queries), h.Recall)
		}
		switch round {
		case 0:
			e = reopen(t, h, e, dir)
		case 1:
			var gone []string
			for i := 0; i < n; i += 3 {
				gone = append(gone, records[i].ID)
			}
			m.delete(t, e, gone...)
			var back []engine.Record
			for i := 0; i < n; i += 6 {
				records[i].Vector = unit(r, dim)
				back = append(back, records[i])
			}
			m.put(t, e, engine.Create, back...)
		}
	}
}

func testSearchOptions(t *testing.T, h Harness) {
	const dim = 16
	r := random(2)
	e, m := open(t, h, folder(t)), model{}
	bind(t, e, dim)
	m.put(t, e, engine.Create, people(r, 200, dim)...)
	q := unit(r, dim)
	all := m.nearest(q, nil)

	hits, err := e.Search(ctx, engine.Query{Vector: q, K: 1000})
	if err != nil || len(hits) != 200 {
		t.Errorf("K above the number of items: %d hits, %v", len(hits), err)
	}
	m.checkHits(t, hits, all)
	cut := float32(all[49].score)
	hits, err = e.Search(ctx, engine.Query{Vector: q, K: 1000, MinScore: cut, Exact: true})
	if err != nil || len(hits) < 49 || len(hits) > 51 {
		t.Errorf("MinScore at the 50th: %d hits, %v", len(hits), err)
	}
	for _, hit := range hits {
		if hit.Score < cut {
			t.Errorf("score %v is below %v", hit.Score, cut)
		}
	}
	if hits, err = e.Search(ctx, engine.Query{Vector: q, K: 5, MinScore: 1.5}); err != nil || len(hits) != 0 {
		t.Errorf("MinScore above all: %d hits, %v", len(hits), err)
	}
	if hits, err = e.Search(ctx, engine.Query{Vector: q, K: 1000, MinScore: -1}); err != nil || len(hits) != 200 {
		t.Errorf("MinScore of -1: %d hits, %v", len(hits), err)
	}
	for _, ef := range []int{1, 500, math.MaxInt} {
		hits, err := e.Search(ctx, engine.Query{Vector: q, K: 20, Ef: ef})
		if err != nil || len(hits) != 20 {
			t.Errorf("Ef %d: %d hits, %v", ef, len(hits), err)
		}
		m.checkHits(t, hits, all)
	}
	hits, err = e.Search(ctx, engine.Query{Vector: q, K: 3, Fetch: engine.Fetch{Vector: true}})
	if err != nil || len(hits) != 3 || hits[0].Record.Vector == nil {
		t.Errorf("Fetch.Vector: %v, %v", hits, err)
	}
	bad := []struct {
		q    engine.Query
		want error
	}{
		{engine.Query{Vector: q, K: 0}, nil},
		{engine.Query{Vector: q, K: -1}, nil},
		{engine.Query{Vector: q[:8], K: 1}, engine.ErrDimension},
		{engine.Query{K: 1}, engine.ErrDimension},
		{engine.Query{Vector: make([]float32, dim), K: 1}, engine.ErrVector},
		{engine.Query{Vector: slices.Repeat([]float32{float32(math.NaN())}, dim), K: 1}, engine.ErrVector},
		{engine.Query{Vector: q, K: 1, Filter: engine.Filter{Op: "like"}}, engine.ErrFilter},
		{engine.Query{Vector: q, K: 1, Filter: engine.Range("x", engine.Value{}, engine.Value{})}, engine.ErrFilter},
	}
	for i, b := range bad {
		if _, err := e.Search(ctx, b.q); err == nil || b.want != nil && !errors.Is(err, b.want) {
			t.Errorf("bad query %d: %v, want %v", i, err, b.want)
		}
	}
	// Equal vectors: all of them are found, in an order that repeats.
	same := unit(r, dim)
	var twins []engine.Record
	for _, id := range []string{"t3", "t1", "t2", "t4"} {
		twins = append(twins, engine.Record{ID: id, Vector: same})
	}
	m.put(t, e, engine.Create, twins...)
	first, err := e.Search(ctx, engine.Query{Vector: same, K: 4})
	if err != nil || len(first) != 4 || first[3].Score < 1-tolerance {
		t.Errorf("equal vectors: %d hits, %v", len(first), err)
	}
}

func testDeleted(t *testing.T, h Harness) {
	const dim, n = 16, 1000
	r := random(5)
	dir := folder(t)
	e, m := open(t, h, dir), model{}
	bind(t, e, dim)
	records := people(r, n, dim)
	m.put(t, e, engine.Create, records...)
	for round := range 4 {
		var gone []string
		for i, id := range r.Perm(n) {
			if i < n/3 {
				gone = append(gone, records[id].ID)
			}
		}
		m.delete(t, e, gone...)
		if round%2 == 1 {
			e = reopen(t, h, e, dir)
		}
		for _, k := range []int{1, 10, n} {
			for range h.rounds(10) {
				q := unit(r, dim)
				hits, err := e.Search(ctx, engine.Query{Vector: q, K: k})
				if err != nil {
					t.Fatal(err)
				}
				m.checkHits(t, hits, m.nearest(q, nil)) // refuses what the model does not hold
				if len(hits) != min(k, len(m)) {
					t.Fatalf("%d hits of %d items, want %d", len(hits), len(m), min(k, len(m)))
				}
			}
		}
		var back []engine.Record
		for i := range records {
			if _, ok := m[records[i].ID]; !ok && r.IntN(2) == 0 {
				records[i].Vector = unit(r, dim)
				back = append(back, records[i])
			}
		}
		m.put(t, e, engine.Create, back...)
		m.check(t, e)
	}
	// Everything goes, and the database is as good as new.
	m.delete(t, e, slices.Collect(maps.Keys(m))...)
	q := unit(r, dim)
	if hits, err := e.Search(ctx, engine.Query{Vector: q, K: 10}); len(hits) != 0 || err != nil {
		t.Errorf("search of an emptied database: %v, %v", hits, err)
	}
	m.put(t, e, engine.Create, records[:5]...)
	hits, err := e.Search(ctx, engine.Query{Vector: q, K: 10})
	if err != nil || len(hits) != 5 {
		t.Errorf("search after refilling: %d hits, %v", len(hits), err)
	}
	m.check(t, e)
}
