package db_test

import (
	"errors"
	"fmt"
	"math"
	"slices"
	"testing"

	"github.com/clipdb/clipdb/db"
)

// What a cut promises whatever the model: TestCutKnowsWhatIsThere, with the
// built-in one, has what it is for.
func TestCut(t *testing.T) {
	d := open(t, newPath(t), &db.Options{Encoder: &palette{}})
	for i := range 60 {
		name := []string{"red", "green", "blue"}[i%3]
		mustInsert(t, d, db.Item{ID: fmt.Sprint(name, i), Image: picture(t, name, i)})
	}
	search := func(text string, cut float64) []db.Match {
		t.Helper()
		got, err := d.SearchByText(ctx, text, &db.SearchOptions{K: 60, Exact: true, Cut: cut})
		if err != nil {
			t.Fatal(err)
		}
		return got
	}
	if got := search("purple", 0); len(got) != 60 {
		t.Fatalf("without a cut %d answers", len(got))
	}
	// A smaller number cuts more, and the cut is always the same.
	for _, text := range []string{"red", "purple", "a dog in the garden"} {
		last := 60
		for _, cut := range []float64{20, 5, 1, 0.1, 0.001} {
			got := search(text, cut)
			if len(got) > last {
				t.Errorf("%s: %v lets %d through, the larger one before it %d", text, cut, len(got), last)
			}
			last = len(got)
			if again := search(text, cut); !slices.Equal(ids(again), ids(got)) {
				t.Errorf("%s: two answers at %v", text, cut)
			}
		}
	}
	// Pictures, and queries of several parts, have a measure of their own: red
	// ones are like each other, which is more than chance.
	for name, q := range map[string]db.Query{
		"like":           db.Like("red0"),
		"picture":        db.Image(picture(t, "red", 3)),
		"text and like":  db.Text("red").Plus(0.9, db.Like("red0")),
		"like less text": db.Like("red0").Minus(0.2, db.Text("blue")),
	} {
		a, err := d.Ask(ctx, q, &db.SearchOptions{K: 60, Exact: true, Cut: 20})
		if err != nil || len(a.Matches) == 0 || len(a.Matches) > 30 || a.Cut <= 0 || a.Cut >= 1 {
			t.Errorf("%s: %d answers above %v, %v", name, len(a.Matches), a.Cut, err)
		}
	}
	for _, bad := range []float64{-1, math.NaN(), math.Inf(1)} {
		if _, err := d.SearchByText(ctx, "red", &db.SearchOptions{Cut: bad}); !errors.Is(err, db.ErrQuery) {
			t.Errorf("a cut of %v: %v", bad, err)
		}
	}
	if _, err := d.SearchByKeywords(ctx, "red", &db.SearchOptions{Cut: 0.1}); !errors.Is(err, db.ErrQuery) {
		t.Errorf("keywords with a cut: %v", err)
	}
}
