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
	// Pictures as queries have their own measure.
	like, err := d.Search(ctx, db.Like("red0"), &db.SearchOptions{K: 60, Exact: true, Cut: 5})
	if err != nil || len(like) == 0 || len(like) > 30 {
		t.Errorf("like a red one: %d answers, %v", len(like), err)
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
