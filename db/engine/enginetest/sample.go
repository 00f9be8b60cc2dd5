package enginetest

import (
	"slices"
	"testing"

	"github.com/clipdb/clipdb/db/engine"
)

// testSample holds the sample to what it promises: stored vectors, each record's
// once, spread over all, and the same ones until vectors come or go.
func testSample(t *testing.T, h Harness) {
	const dim, n = 8, 1500
	r := random(41)
	dir := folder(t)
	e, m := open(t, h, dir), model{}
	sample := func(k int) engine.Sample {
		t.Helper()
		s, err := e.Sample(ctx, k)
		if err != nil {
			t.Fatal(err)
		}
		if s.Records != len(m) || len(s.Vectors) != min(k, len(m)) {
			t.Fatalf("%d vectors of %d records, want %d of %d", len(s.Vectors), s.Records, min(k, len(m)), len(m))
		}
		return s
	}
	sample(100)
	bind(t, e, dim)
	records := people(r, n, dim)
	for batch := range slices.Chunk(records, 300) {
		m.put(t, e, engine.Create, batch...)
	}
	check := func(s engine.Sample) (places []int) {
		t.Helper()
		for _, v := range s.Vectors {
			i := slices.IndexFunc(records, func(r engine.Record) bool { return slices.Equal(r.Vector, v) })
			if i < 0 || slices.Contains(places, i) {
				t.Fatalf("the sample has a vector twice, or one that nobody stored")
			}
			if _, ok := m[records[i].ID]; !ok {
				t.Fatalf("the sample has the vector of %s, which is deleted", records[i].ID)
			}
			places = append(places, i)
		}
		return places
	}
	first := sample(200)
	// All times of putting have their share: a fifth is 40.
	shares := make([]int, 5)
	for _, p := range check(first) {
		shares[p*5/n]++
	}
	if slices.Min(shares) < 20 {
		t.Errorf("of five batches the sample has %v", shares)
	}
	same := func(a, b engine.Sample) bool {
		return slices.EqualFunc(a.Vectors, b.Vectors, func(x, y []float32) bool { return slices.Equal(x, y) })
	}
	if again := sample(200); !same(first, again) || again.State != first.State {
		t.Error("two samples of one state differ")
	}
	check(sample(2 * n))
	e = reopen(t, h, e, dir)
	if again := sample(200); !same(first, again) {
		t.Error("the sample is another one after opening again")
	}
	var gone []string
	for i := range n {
		if i%10 != 0 {
			gone = append(gone, records[i].ID)
		}
	}
	before := sample(200).State
	m.delete(t, e, gone...)
	if s := sample(200); s.State == before {
		t.Error("the state is the same after deletions")
	} else {
		check(s)
	}
	before = sample(200).State
	m.put(t, e, engine.Create, records[1])
	if s := sample(200); s.State == before {
		t.Error("the state is the same after a new record")
	} else {
		check(s)
	}
	m.delete(t, e, records[1].ID)
	check(sample(20))
}
