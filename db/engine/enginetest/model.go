package enginetest

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/clipdb/clipdb/db/engine"
)

var ctx = context.Background()

// model is what the engine should hold, kept in the plainest way.
type model map[string]engine.Record

func random(seed uint64) *rand.Rand { return rand.New(rand.NewPCG(seed, 7)) }

// unit returns a vector near one of a few centres, as embeddings lie.
func unit(r *rand.Rand, dim int) []float32 {
	centre := rand.New(rand.NewPCG(uint64(r.IntN(12)), 99))
	v := make([]float64, dim)
	var norm float64
	for i := range v {
		v[i] = centre.NormFloat64() + 0.5*r.NormFloat64()
		norm += v[i] * v[i]
	}
	out := make([]float32, dim)
	for i := range v {
		out[i] = float32(v[i] / math.Sqrt(norm))
	}
	return out
}

func own(dim int) engine.Spec { return engine.Spec{Dim: dim} }

// bind declares the caller's own vectors.
func bind(t *testing.T, e engine.Engine, dim int) {
	t.Helper()
	if err := e.Bind(ctx, own(dim)); err != nil {
		t.Fatalf("Bind: %v", err)
	}
}

// put stores records, all of which must be taken, in engine and model.
func (m model) put(t *testing.T, e engine.Engine, mode engine.PutMode, records ...engine.Record) {
	t.Helper()
	results, err := e.Put(ctx, records, mode)
	if err != nil {
		t.Fatalf("Put: %v", err)
	}
	for i, r := range results {
		if r.Err != nil {
			t.Fatalf("Put of %q: %v", records[i].ID, r.Err)
		}
		_, had := m[records[i].ID]
		if want := map[bool]engine.PutStatus{false: engine.Created, true: engine.Replaced}[had]; r.Status != want {
			t.Fatalf("Put of %q: status %v, want %v", records[i].ID, r.Status, want)
		}
		m[records[i].ID] = records[i]
	}
}

func (m model) delete(t *testing.T, e engine.Engine, ids ...string) {
	t.Helper()
	want := 0
	for _, id := range ids {
		if _, ok := m[id]; ok {
			want++
			delete(m, id)
		}
	}
	if n, err := e.Delete(ctx, ids); err != nil || n != want {
		t.Fatalf("Delete: %d, %v; want %d", n, err, want)
	}
}

// check compares everything the engine holds with the model.
func (m model) check(t *testing.T, e engine.Engine) {
	t.Helper()
	ids := slices.Sorted(maps.Keys(m))
	var got []string
	for r, err := range e.All(ctx, engine.Scan{Fetch: engine.Fetch{Vector: true, Original: true, Thumbnail: true}}) {
		if err != nil {
			t.Fatalf("All: %v", err)
		}
		got = append(got, r.ID)
		if want, ok := m[r.ID]; ok {
			sameRecord(t, r, &want)
		}
	}
	if !slices.Equal(got, ids) {
		t.Fatalf("All yields %d ids, want %d: %.200v against %.200v", len(got), len(ids), got, ids)
	}
	if st, err := e.Stats(ctx); err != nil || st.Records != len(m) {
		t.Fatalf("Stats: %d records, %v; want %d", st.Records, err, len(m))
	}
}

// sameRecord compares what is stored with what was given.
func sameRecord(t *testing.T, got, want *engine.Record) {
	t.Helper()
	if got.ID != want.ID || got.Caption != want.Caption || !maps.Equal(got.Attrs, want.Attrs) || got.Model != want.Model {
		t.Errorf("record %q: got %q %v %q, want %q %v %q", want.ID, got.Caption, got.Attrs, got.Model, want.Caption, want.Attrs, want.Model)
	}
	if got.Vector != nil && !slices.Equal(got.Vector, want.Vector) {
		t.Errorf("record %q: the vector changed", want.ID)
	}
	if got.Created.IsZero() || got.Updated.Before(got.Created) {
		t.Errorf("record %q: created %v, updated %v", want.ID, got.Created, got.Updated)
	}
	if (got.Image == nil) != (want.Image == nil) {
		t.Errorf("record %q: image %v, want %v", want.ID, got.Image, want.Image)
	}
}

type scored struct {
	id    string
	score float64
}

// nearest is the oracle: every record that passes, by cosine in float64.
func (m model) nearest(q []float32, pass func(engine.Attrs) bool) []scored {
	var all []scored
	for id, r := range m {
		if pass != nil && !pass(r.Attrs) {
			continue
		}
		var dot float64
		for i, x := range q {
			dot += float64(x) * float64(r.Vector[i])
		}
		all = append(all, scored{id, dot})
	}
	slices.SortFunc(all, func(a, b scored) int {
		return cmp.Or(cmp.Compare(b.score, a.score), cmp.Compare(a.id, b.id))
	})
	return all
}

const tolerance = 1e-4

// checkHits makes sure of what holds for every answer: scores that are true,
// descending, records as stored, no id twice, none that does not pass.
func (m model) checkHits(t *testing.T, hits []engine.Hit, all []scored) {
	t.Helper()
	truth := map[string]float64{}
	for _, s := range all {
		truth[s.id] = s.score
	}
	seen := map[string]bool{}
	for i, h := range hits {
		want, ok := truth[h.Record.ID]
		if !ok {
			t.Fatalf("hit %d is %q, which is not stored or does not pass", i, h.Record.ID)
		}
		if math.Abs(want-float64(h.Score)) > tolerance {
			t.Fatalf("hit %d, %q: score %v, true %v", i, h.Record.ID, h.Score, want)
		}
		if i > 0 && h.Score > hits[i-1].Score {
			t.Fatalf("hit %d scores %v after %v", i, h.Score, hits[i-1].Score)
		}
		if seen[h.Record.ID] {
			t.Fatalf("%q comes twice", h.Record.ID)
		}
		seen[h.Record.ID] = true
		r := m[h.Record.ID]
		sameRecord(t, h.Record, &r)
	}
}

// recall is the share of the n best that hits have, ties counting.
func recall(hits []engine.Hit, all []scored, n int) float64 {
	n = min(n, len(all))
	if n == 0 {
		return 1
	}
	found := 0
	for _, h := range hits {
		if float64(h.Score) >= all[n-1].score-tolerance {
			found++
		}
	}
	return float64(min(found, n)) / float64(n)
}

// people fills a model with records of many attributes.
func people(r *rand.Rand, n, dim int) []engine.Record {
	out := make([]engine.Record, n)
	for i := range out {
		out[i] = engine.Record{
			ID:      fmt.Sprintf("item-%05d", i),
			Caption: fmt.Sprintf("caption of %d, größer als null", i),
			Attrs:   attributes(r),
			Vector:  unit(r, dim),
		}
	}
	return out
}
