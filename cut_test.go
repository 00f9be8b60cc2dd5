package clipdb_test

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/clipdb/clipdb"
)

// With the built-in model and real photos: words for what is there keep their
// picture, most words for what is not get no answer.
func TestCutKnowsWhatIsThere(t *testing.T) {
	enc := ownModel(t)
	db, err := clipdb.Open(filepath.Join(t.TempDir(), "p.clipdb"), &clipdb.Options{Encoder: enc})
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	const dir = "examples/data/photos"
	files, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range files {
		if _, err := db.Insert(t.Context(), clipdb.Item{ID: f.Name(), Image: clipdb.File(filepath.Join(dir, f.Name()))}); err != nil {
			t.Fatal(err)
		}
	}
	cut := &clipdb.SearchOptions{Cut: 0.1}
	for text, want := range map[string]string{
		"a cat": "cat.jpg", "a cup of coffee": "coffee.jpg", "rocket launch at night": "rocket.jpg", "a raccoon": "raccoon.jpg",
	} {
		got, err := db.SearchByText(t.Context(), text, cut)
		if err != nil || len(got) == 0 || got[0].ID != want || len(got) > 5 {
			t.Errorf("%s: %d answers, %v; want %s and little else", text, len(got), err, want)
		}
	}
	answered := 0
	absent := []string{"a submarine", "an accordion", "a zebra", "a swimming pool", "a wedding cake", "a violin", "a tractor", "a pizza"}
	for _, text := range absent {
		got, err := db.SearchByText(t.Context(), text, cut)
		if err != nil {
			t.Fatal(err)
		}
		if len(got) > 0 {
			t.Logf("%s: %s, %.3f", text, got[0].ID, got[0].Score)
			answered++
		}
	}
	if answered > len(absent)/2 {
		t.Errorf("%d of %d words for what is not there have an answer", answered, len(absent))
	}
	// A picture finds its like: itself at least, and not everything.
	a, err := db.Ask(t.Context(), clipdb.Image(clipdb.File(filepath.Join(dir, "cat.jpg"))), &clipdb.SearchOptions{K: 17, Cut: 0.1})
	if err != nil || len(a.Matches) == 0 || a.Matches[0].ID != "cat.jpg" || len(a.Matches) > 8 || a.Cut >= 1 {
		t.Errorf("the picture of a cat: %d answers above %v, %v", len(a.Matches), a.Cut, err)
	}
}
