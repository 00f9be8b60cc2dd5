package db_test

import (
	"errors"
	"math"
	"slices"
	"strings"
	"testing"

	"github.com/clipdb/clipdb/db"
	"github.com/clipdb/clipdb/db/engine"
	"github.com/clipdb/clipdb/db/local"
)

// album is a database whose captions say other things than its pictures show.
func album(t *testing.T) *db.DB {
	t.Helper()
	d := open(t, newPath(t), &db.Options{Encoder: &palette{}})
	for i, item := range []struct{ id, colour, caption string }{
		{"sea", "blue", "Our summer at the sea, dogs swimming"},
		{"lake", "blue", ""},
		{"barn", "red", "An old barn; the dog sleeps"},
		{"rose", "red", "Roses in the garden"},
		{"lawn", "green", "Grass, grass and more grass"},
	} {
		mustInsert(t, d, db.Item{ID: item.id, Image: picture(t, item.colour, i), Caption: item.caption})
	}
	return d
}

func named(matches []db.Match) string {
	var list []string
	for _, m := range matches {
		list = append(list, m.ID)
	}
	return strings.Join(list, " ")
}

func TestHybrid(t *testing.T) {
	d := album(t)
	search := func(q db.Query, h *db.Hybrid) []db.Match {
		t.Helper()
		m, err := d.Search(ctx, q, &db.SearchOptions{Hybrid: h})
		if err != nil {
			t.Fatal(err)
		}
		return m
	}
	plain := search(db.Text("red"), nil)
	if plain[0].Keyword != 0 || plain[0].Fused != 0 {
		t.Errorf("a search without words has scores of words: %+v", plain[0])
	}
	// No caption says "red": the order of the vectors.
	if got := search(db.Text("red"), &db.Hybrid{}); named(got) != named(plain) || got[0].Fused <= 0 {
		t.Errorf("unknown words: %s, by vector %s", named(got), named(plain))
	}
	// "dog" stands in two captions, in two forms.
	got := search(db.Text("red"), &db.Hybrid{Text: "a dog"})
	if got[0].ID != "barn" || len(got) != 5 {
		t.Errorf("red, dog: %s", named(got))
	}
	for _, m := range got {
		i := slices.IndexFunc(plain, func(p db.Match) bool { return p.ID == m.ID })
		if (m.Keyword > 0) != (m.ID == "sea" || m.ID == "barn") || m.Score != plain[i].Score {
			t.Errorf("%s: keyword score %v, cosine %v, by vector %v", m.ID, m.Keyword, m.Score, plain[i].Score)
		}
	}
	// The texts of a query are its words; what it is pushed away from is not.
	same := search(db.Text("red").Plus(1, db.Text("garden")), &db.Hybrid{Weight: 0.9})
	if same[0].ID != "rose" || same[0].Keyword <= 0 {
		t.Errorf("red and garden: %s", named(same))
	}
	for _, m := range search(db.Text("red").Minus(0.1, db.Text("garden")), &db.Hybrid{Weight: 0.9}) {
		if m.Keyword != 0 {
			t.Errorf("%s has a keyword of what the query is pushed away from", m.ID)
		}
	}
	for _, m := range search(db.Text("red").Minus(0.1, db.Text("garden").Minus(1, db.Text("grass"))), &db.Hybrid{}) {
		if (m.Keyword > 0) != (m.ID == "lawn") {
			t.Errorf("%s: keyword score %v; minus minus is plus", m.ID, m.Keyword)
		}
	}
	// Items and vectors have words only when they are given; Like leaves the
	// item itself out.
	if got := search(db.Like("barn"), &db.Hybrid{Text: "dog", Weight: 1}); got[0].ID != "sea" || strings.Contains(named(got), "barn") || len(got) != 4 {
		t.Errorf("like barn, dog: %s", named(got))
	}
	if got, want := search(db.Like("barn"), &db.Hybrid{}), search(db.Like("barn"), nil); named(got) != named(want) {
		t.Errorf("like barn without words: %s, by vector %s", named(got), named(want))
	}
	// The heavier the words, the higher what they find.
	last := len(plain)
	for _, w := range []float64{0.01, 0.3, 0.7, 1} {
		got := search(db.Text("green"), &db.Hybrid{Text: "roses", Weight: w})
		at := slices.IndexFunc(got, func(m db.Match) bool { return m.ID == "rose" })
		if at > last {
			t.Errorf("weight %v: roses come %d, later than with less weight", w, at)
		}
		last = at
	}
	if last != 0 {
		t.Errorf("with the whole weight roses come %d", last)
	}
	// MinScore is a cosine.
	m, err := d.Search(ctx, db.Text("green"), &db.SearchOptions{MinScore: plain[0].Score, Hybrid: &db.Hybrid{Text: "roses", Weight: 1}})
	if err != nil || strings.Contains(named(m), "rose") {
		t.Errorf("MinScore: %s, %v", named(m), err)
	}
}

// Keywords alone ask no model.
func TestKeywords(t *testing.T) {
	d := open(t, newPath(t), nil)
	for i, caption := range []string{"Zwei Hunde", "犬が走る", "Two dogs", ""} {
		mustInsert(t, d, db.Item{ID: string(rune('a' + i)), Vector: vector(i, 8), Caption: caption, Attrs: db.Attrs{"n": engine.Int(int64(i))}})
	}
	for _, c := range []struct {
		text, want string
		filter     db.Filter
	}{
		{"dog", "c", db.Filter{}},
		{"犬", "b", db.Filter{}},
		{"zwei two", "a c", db.Filter{}},
		{"zwei two", "c", engine.Greater("n", engine.Int(0))},
		{"cat", "", db.Filter{}},
	} {
		m, err := d.SearchByKeywords(ctx, c.text, &db.SearchOptions{Filter: c.filter, WithVector: true})
		if err != nil || named(m) != c.want {
			t.Errorf("%q: %s, want %s (%v)", c.text, named(m), c.want, err)
		}
		for _, m := range m {
			if m.Score != 0 || m.Keyword <= 0 || m.Fused <= 0 || len(m.Vector) != 8 {
				t.Errorf("%q: %+v", c.text, m)
			}
		}
	}
	m, err := d.Search(ctx, db.Vector(vector(3, 8)), &db.SearchOptions{Hybrid: &db.Hybrid{Text: "dogs"}})
	if err != nil || len(m) != 4 || m[0].ID != "d" && m[0].ID != "c" {
		t.Errorf("a vector and words: %s, %v", named(m), err)
	}
}

func TestHybridRefusals(t *testing.T) {
	d := album(t)
	for i, c := range []struct {
		q    db.Query
		o    db.SearchOptions
		want error
	}{
		{db.Text("red"), db.SearchOptions{Hybrid: &db.Hybrid{Weight: -0.1}}, db.ErrQuery},
		{db.Text("red"), db.SearchOptions{Hybrid: &db.Hybrid{Weight: 1.1}}, db.ErrQuery},
		{db.Text("red"), db.SearchOptions{Hybrid: &db.Hybrid{Weight: math.NaN()}}, db.ErrQuery},
		{db.Text("red"), db.SearchOptions{Hybrid: &db.Hybrid{Text: strings.Repeat("x", db.MaxText+1)}}, db.ErrText},
		{db.Keywords("red"), db.SearchOptions{Hybrid: &db.Hybrid{}}, db.ErrQuery},
		{db.Keywords("red"), db.SearchOptions{MinScore: 0.1}, db.ErrQuery},
		{db.Keywords(" "), db.SearchOptions{}, db.ErrQuery},
		{db.Keywords(strings.Repeat("x", db.MaxText+1)), db.SearchOptions{}, db.ErrText},
		{db.Keywords("red").Plus(1, db.Text("blue")), db.SearchOptions{}, db.ErrQuery},
		{db.Text("blue").Minus(1, db.Keywords("red")), db.SearchOptions{}, db.ErrQuery},
	} {
		if _, err := d.Search(ctx, c.q, &c.o); !errors.Is(err, c.want) {
			t.Errorf("refusal %d: %v, want %v", i, err, c.want)
		}
	}
	// Bytes that are no text are nothing to look for.
	if m, err := d.Search(ctx, db.Keywords("\xff\xfe"), nil); err != nil || len(m) != 0 {
		t.Errorf("not UTF-8: %s, %v", named(m), err)
	}
}

func TestHybridNeedsAnEngineThatCan(t *testing.T) {
	eng, err := local.Open(newPath(t), nil)
	if err != nil {
		t.Fatal(err)
	}
	d, err := db.Open(wordless{eng}, nil)
	if err != nil {
		t.Fatal(err)
	}
	defer d.Close()
	mustInsert(t, d, db.Item{ID: "a", Vector: vector(1, 8), Caption: "dog"})
	if _, err := d.Search(ctx, db.Keywords("dog"), nil); !errors.Is(err, errors.ErrUnsupported) {
		t.Errorf("keywords: %v", err)
	}
	if _, err := d.Search(ctx, db.Vector(vector(1, 8)), &db.SearchOptions{Hybrid: &db.Hybrid{Text: "dog"}}); !errors.Is(err, errors.ErrUnsupported) {
		t.Errorf("hybrid: %v", err)
	}
	if m, err := d.Search(ctx, db.Vector(vector(1, 8)), nil); err != nil || len(m) != 1 {
		t.Errorf("by vector: %v, %v", m, err)
	}
}

// wordless is an engine that does not search captions.
type wordless struct{ engine.Engine }

func (w wordless) Caps() engine.Caps {
	c := w.Engine.Caps()
	c.Keywords = false
	return c
}
