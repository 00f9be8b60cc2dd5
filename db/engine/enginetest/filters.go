package enginetest

import (
	"fmt"
	"math/big"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"github.com/clipdb/clipdb/db/engine"
)

var (
	cameras = []string{"Canon", "Nikon", "Sony", "Fuji", "Größe", ""}
	tags    = []string{"dog", "cat", "beach", "night", "people"}
	epoch   = time.Date(2020, 1, 1, 0, 0, 0, 0, time.UTC)
)

// attributes draws attributes, each of which may be missing.
func attributes(r *rand.Rand) engine.Attrs {
	a := engine.Attrs{}
	if r.IntN(5) > 0 {
		a["camera"] = engine.String(cameras[r.IntN(len(cameras))])
	}
	if r.IntN(5) > 0 {
		// Sometimes the other number type: numbers compare by worth.
		if n := r.IntN(20) - 5; r.IntN(4) > 0 {
			a["year"] = engine.Int(int64(n))
		} else {
			a["year"] = engine.Float(float64(n) + float64(r.IntN(2))/2)
		}
	}
	if r.IntN(3) > 0 {
		a["quality"] = engine.Float(float64(r.IntN(100)) / 10)
	}
	if r.IntN(3) > 0 {
		a["public"] = engine.Bool(r.IntN(2) == 0)
	}
	if r.IntN(3) > 0 {
		a["taken"] = engine.Time(epoch.Add(time.Duration(r.IntN(1000)) * time.Hour))
	}
	if r.IntN(3) > 0 {
		var list []string
		for range r.IntN(4) {
			list = append(list, tags[r.IntN(len(tags))])
		}
		a["tags"] = engine.Strings(list...)
	}
	return a
}

func randomValue(r *rand.Rand, field string) engine.Value {
	switch field {
	case "camera":
		return engine.String(cameras[r.IntN(len(cameras))])
	case "year":
		if r.IntN(2) == 0 {
			return engine.Int(int64(r.IntN(20) - 5))
		}
		return engine.Float(float64(r.IntN(40))/2 - 5)
	case "quality":
		return engine.Float(float64(r.IntN(100)) / 10)
	case "public":
		return engine.Bool(r.IntN(2) == 0)
	case "taken":
		return engine.Time(epoch.Add(time.Duration(r.IntN(1000)) * time.Hour))
	case "tags":
		return engine.String(tags[r.IntN(len(tags))])
	}
	return engine.Int(1)
}

var fields = []string{"camera", "year", "quality", "public", "taken", "tags", "unknown"}

// randomFilter draws a valid filter.
func randomFilter(r *rand.Rand, depth int) engine.Filter {
	field := fields[r.IntN(len(fields))]
	value := func() engine.Value {
		if r.IntN(12) == 0 {
			return randomValue(r, fields[r.IntN(len(fields))]) // of another kind
		}
		return randomValue(r, field)
	}
	n := 8
	if depth > 0 {
		n = 12
	}
	switch r.IntN(n) {
	case 0, 1, 2:
		return engine.Eq(field, value())
	case 3:
		list := make([]engine.Value, r.IntN(4))
		for i := range list {
			list[i] = value()
		}
		return engine.In(field, list...)
	case 4:
		return engine.Exists(field)
	case 5, 6, 7:
		for {
			f := engine.Filter{Op: engine.OpRange, Field: field, Above: r.IntN(2) == 0, Below: r.IntN(2) == 0}
			if r.IntN(3) > 0 {
				f.Min = value()
			}
			if r.IntN(3) > 0 {
				f.Max = value()
			}
			if f.Check() == nil {
				return f
			}
			if field == "public" {
				field = "year"
			}
		}
	case 8, 9, 10:
		list := make([]engine.Filter, r.IntN(4))
		for i := range list {
			list[i] = randomFilter(r, depth-1)
		}
		if r.IntN(2) == 0 {
			return engine.And(list...)
		}
		return engine.Or(list...)
	}
	return engine.Not(randomFilter(r, depth-1))
}

// passes is the naive evaluator: it works on Go values of type any and shares
// nothing with package engine but the tree.
func passes(f engine.Filter, a engine.Attrs) bool {
	switch f.Op {
	case engine.OpAll:
		return true
	case engine.OpAnd:
		ok := true
		for _, g := range f.Filters {
			ok = ok && passes(g, a)
		}
		return ok
	case engine.OpOr:
		ok := false
		for _, g := range f.Filters {
			ok = ok || passes(g, a)
		}
		return ok
	case engine.OpNot:
		return !passes(f.Filters[0], a)
	}
	v, has := a[f.Field]
	if !has {
		return false
	}
	if f.Op == engine.OpExists {
		return true
	}
	candidates := []any{v.Any()}
	if list, ok := v.AsStrings(); ok {
		candidates = nil
		for _, s := range list {
			candidates = append(candidates, s)
		}
	}
	for _, c := range candidates {
		if passesOne(f, c) {
			return true
		}
	}
	return false
}

func passesOne(f engine.Filter, c any) bool {
	if f.Op == engine.OpRange {
		if _, isBool := c.(bool); isBool {
			return false
		}
		if !f.Min.IsZero() {
			if o, ok := order(c, f.Min.Any()); !ok || o < 0 || o == 0 && f.Above {
				return false
			}
		}
		if !f.Max.IsZero() {
			if o, ok := order(c, f.Max.Any()); !ok || o > 0 || o == 0 && f.Below {
				return false
			}
		}
		return true
	}
	for _, v := range f.Values {
		if o, ok := order(c, v.Any()); ok && o == 0 {
			return true
		}
	}
	return false
}

func order(a, b any) (int, bool) {
	if x, ok := rational(a); ok {
		if y, ok := rational(b); ok {
			return x.Cmp(y), true
		}
		return 0, false
	}
	switch x := a.(type) {
	case string:
		if y, ok := b.(string); ok {
			return strings.Compare(x, y), true
		}
	case bool:
		if y, ok := b.(bool); ok {
			if x == y {
				return 0, true
			}
			return 1, true
		}
	case time.Time:
		if y, ok := b.(time.Time); ok {
			return x.Compare(y), true
		}
	}
	return 0, false
}

func rational(v any) (*big.Rat, bool) {
	switch x := v.(type) {
	case int64:
		return new(big.Rat).SetInt64(x), true
	case float64:
		return new(big.Rat).SetFloat64(x), true
	}
	return nil, false
}

func testFilters(t *testing.T, h Harness) {
	const dim, n = 16, 500
	r := random(3)
	dir := folder(t)
	e, m := open(t, h, dir), model{}
	bind(t, e, dim)
	m.put(t, e, engine.Create, people(r, n, dim)...)
	for i := range h.rounds(150) {
		if i == h.rounds(100) {
			e = reopen(t, h, e, dir)
		}
		f := randomFilter(r, 3)
		t.Run(fmt.Sprintf("%03d", i), func(t *testing.T) { m.checkFilter(t, e, h, f, unit(r, dim)) })
		if t.Failed() {
			return
		}
	}
}

// checkFilter asks for what passes a filter in every way there is.
func (m model) checkFilter(t *testing.T, e engine.Engine, h Harness, f engine.Filter, q []float32) {
	t.Helper()
	for id, r := range m {
		if f.Match(r.Attrs) != passes(f, r.Attrs) {
			t.Fatalf("Match of %v for %q %v is %v", f, id, r.Attrs, f.Match(r.Attrs))
		}
	}
	all := m.nearest(q, func(a engine.Attrs) bool { return passes(f, a) })
	want := map[string]bool{}
	for _, s := range all {
		want[s.id] = true
	}
	got := map[string]bool{}
	for rec, err := range e.All(ctx, engine.Scan{Filter: f}) {
		if err != nil {
			t.Fatalf("All: %v", err)
		}
		got[rec.ID] = true
	}
	if len(got) != len(want) {
		t.Fatalf("All with %v yields %d items, want %d", f, len(got), len(want))
	}
	for _, k := range []int{1, 10, len(m) + 5} {
		hits, err := e.Search(ctx, engine.Query{Vector: q, K: k, Filter: f, Exact: true})
		if err != nil {
			t.Fatalf("Search: %v", err)
		}
		m.checkHits(t, hits, all)
		if len(hits) != min(k, len(all)) {
			t.Fatalf("exact search for %d with %v: %d hits, want %d", k, f, len(hits), min(k, len(all)))
		}
		if r := recall(hits, all, k); r < 1 {
			t.Fatalf("exact search for %d with %v: recall %v", k, f, r)
		}
		hits, err = e.Search(ctx, engine.Query{Vector: q, K: k, Filter: f})
		if err != nil {
			t.Fatalf("Search: %v", err)
		}
		m.checkHits(t, hits, all)
		if len(hits) != min(k, len(all)) {
			t.Fatalf("search for %d with %v comes short: %d hits, want %d", k, f, len(hits), min(k, len(all)))
		}
	}
	// A filter and its opposite share the items out between them.
	not, err := e.Search(ctx, engine.Query{Vector: q, K: len(m) + 1, Filter: engine.Not(f), Exact: true})
	if err != nil {
		t.Fatalf("Search: %v", err)
	}
	if len(not)+len(all) != len(m) {
		t.Fatalf("%v passes %d and fails %d of %d", f, len(all), len(not), len(m))
	}
}

func testFilterChanges(t *testing.T, h Harness) {
	const dim = 16
	r := random(4)
	e, m := open(t, h, folder(t)), model{}
	bind(t, e, dim)
	records := people(r, 300, dim)
	m.put(t, e, engine.Create, records...)
	f := engine.Or(engine.Eq("camera", engine.String("Sony")), engine.AtLeast("year", engine.Int(7)))
	for range h.rounds(20) {
		m.checkFilter(t, e, h, f, unit(r, dim))
		// The same vector with other attributes, another vector with the same.
		a, b, c := records[r.IntN(300)], records[r.IntN(300)], records[r.IntN(300)]
		a.Attrs = attributes(r)
		m.put(t, e, engine.Replace, a)
		b.Vector = unit(r, dim)
		m.put(t, e, engine.Replace, b)
		m.delete(t, e, c.ID)
		m.checkFilter(t, e, h, engine.Not(engine.Exists("camera")), unit(r, dim))
	}
}
