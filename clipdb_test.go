package clipdb_test

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/clipdb/clipdb"
)

var ctx = context.Background()

func open(t testing.TB, path string, opts *clipdb.Options) *clipdb.DB {
	t.Helper()
	db, err := clipdb.Open(path, opts)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := db.Close(); err != nil {
			t.Error(err)
		}
	})
	return db
}

// withModel opens a new database with the built-in model, or skips.
func withModel(t testing.TB) *clipdb.DB {
	t.Helper()
	db := open(t, filepath.Join(t.TempDir(), "test.clipdb"), nil)
	if err := db.Warm(ctx); errors.Is(err, clipdb.ErrNoRuntime) {
		t.Skip("needs ONNX Runtime: run `make setup` or `clipdb runtime install`")
	} else if err != nil {
		t.Fatal(err)
	}
	return db
}

func photos(t testing.TB) []string {
	t.Helper()
	paths, err := filepath.Glob("examples/data/photos/*.jpg")
	if err != nil || len(paths) < 10 {
		t.Fatalf("%d bundled photos, %v", len(paths), err)
	}
	return paths
}

// TestMainJob is what the database is for: real photos go in and are found
// again by words and by picture.
func TestMainJob(t *testing.T) {
	db := withModel(t)
	paths := photos(t)
	items := func(yield func(clipdb.Item) bool) {
		for _, p := range paths {
			if !yield(clipdb.Item{ID: strings.TrimSuffix(filepath.Base(p), ".jpg"), Image: clipdb.File(p)}) {
				return
			}
		}
	}
	rep, err := db.InsertAll(ctx, items, nil)
	if err != nil || rep.Added != len(paths) {
		t.Fatalf("%v, %v", rep, err)
	}
	top := func(ms []clipdb.Match, err error) []string {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		var ids []string
		for _, m := range ms {
			ids = append(ids, m.ID)
		}
		return ids
	}
	three := &clipdb.SearchOptions{K: 3}
	for text, want := range map[string]string{
		"a cat": "cat", "two dogs looking out of a window": "dogs", "a cup of coffee on a table": "coffee",
		"rocket launch at night": "rocket", "an astronaut in an orange space suit": "astronaut", "stars and galaxies in deep space": "galaxies",
	} {
		if got := top(db.SearchByText(ctx, text, three)); !slices.Contains(got, want) {
			t.Errorf("%q finds %v, not %s", text, got, want)
		}
	}
	for _, p := range paths {
		id := strings.TrimSuffix(filepath.Base(p), ".jpg")
		if got := top(db.SearchByImage(ctx, clipdb.File(p), three)); got[0] != id {
			t.Errorf("the picture %s finds %v", id, got)
		}
	}
	if got := top(db.Search(ctx, clipdb.Like("dahlia"), three)); slices.Contains(got, "dahlia") || len(got) != 3 {
		t.Errorf("like dahlia: %v", got)
	}
	got := top(db.Search(ctx, clipdb.Text("a cat").Plus(1, clipdb.Image(clipdb.File("examples/data/photos/cat.jpg"))).Minus(0.3, clipdb.Text("a dog")), three))
	if got[0] != "cat" {
		t.Errorf("the mixed query finds %v", got)
	}
	scores, err := db.Classify(ctx, clipdb.File("examples/data/photos/coffee.jpg"), []string{"rocket", "cup of coffee", "cat"}, nil)
	if err != nil || scores[0].Label != "cup of coffee" {
		t.Errorf("%v, %v", scores, err)
	}
	verify, err := db.Verify(ctx)
	if err != nil || !verify.OK() {
		t.Errorf("%v, %v", verify, err)
	}

	// Text of any kind is answered or refused, never a crash.
	for text, want := range map[string]error{
		strings.Repeat("a very long text ", 70_000): clipdb.ErrText, "\xff\xfe": clipdb.ErrText, "": clipdb.ErrQuery,
		"日本語 🐈": nil, strings.Repeat("cat ", 5000): nil, "\x00": nil,
	} {
		if _, err := db.SearchByText(ctx, text, nil); !errors.Is(err, want) {
			t.Errorf("%.20q: %v, want %v", text, err, want)
		}
	}
	// The file belongs to the model from now on.
	st, err := db.Stats(ctx)
	if err != nil {
		t.Fatal(err)
	}
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
	db = open(t, st.Path, nil)
	if m, ok := db.Model(); !ok || db.Spec().Fingerprint != m.Fingerprint {
		t.Errorf("spec %v, model %v", db.Spec(), m.Name)
	}
	if _, err := db.Insert(ctx, clipdb.Item{Vector: []float32{1, 2}}); !errors.Is(err, clipdb.ErrDimension) {
		t.Errorf("a vector of another size: %v", err)
	}
}

// TestWithoutRuntime opens with a runtime that is not there.
func TestWithoutRuntime(t *testing.T) {
	db := open(t, filepath.Join(t.TempDir(), "test.clipdb"), &clipdb.Options{Runtime: filepath.Join(t.TempDir(), "none")})
	_, err := db.SearchByText(ctx, "a cat", nil)
	if err == nil || !errors.Is(err, clipdb.ErrNoRuntime) {
		t.Skipf("a runtime is loaded already in this process: %v", err)
	}
	if _, err := db.Insert(ctx, clipdb.Item{Image: clipdb.File(photos(t)[0])}); !errors.Is(err, clipdb.ErrNoRuntime) {
		t.Errorf("Insert: %v", err)
	}
	if _, err := db.Insert(ctx, clipdb.Item{ID: "mine", Vector: []float32{1, 2, 3}}); err != nil {
		t.Errorf("a vector of one's own: %v", err)
	}
	if ms, err := db.Search(ctx, clipdb.Vector([]float32{1, 2, 3}), nil); err != nil || len(ms) != 1 || ms[0].ID != "mine" {
		t.Errorf("%v, %v", ms, err)
	}
}

func TestOpenErrors(t *testing.T) {
	dir := t.TempDir()
	text := filepath.Join(dir, "text")
	if err := os.WriteFile(text, []byte("no database"), 0o600); err != nil {
		t.Fatal(err)
	}
	db := open(t, filepath.Join(dir, "db"), &clipdb.Options{NoModel: true})
	if _, err := db.SearchByText(ctx, "a cat", nil); !errors.Is(err, clipdb.ErrNoEncoder) {
		t.Errorf("without a model: %v", err)
	}
	for path, want := range map[string]error{text: clipdb.ErrNotDatabase, dir: clipdb.ErrNotDatabase, filepath.Join(dir, "db"): clipdb.ErrLocked} {
		if _, err := clipdb.Open(path, &clipdb.Options{LockTimeout: 1}); !errors.Is(err, want) {
			t.Errorf("%s: %v, want %v", path, err, want)
		}
	}
}

// TestSensitiveAtInsert rates with the built-in model as pictures come in.
func TestSensitiveAtInsert(t *testing.T) {
	withModel(t) // or skip
	db := open(t, filepath.Join(t.TempDir(), "rated.clipdb"), &clipdb.Options{
		AllowedLicences: []string{"Apache-2.0"},
		Sensitive:       &clipdb.SensitiveOptions{Threshold: 0.6, Labels: []string{"a rocket"}, Neutral: []string{"a cat", "a cup of coffee"}},
	})
	for _, name := range []string{"rocket", "cat", "coffee"} {
		if _, err := db.Insert(ctx, clipdb.Item{ID: name, Image: clipdb.File("examples/data/photos/" + name + ".jpg")}); err != nil {
			t.Fatal(err)
		}
	}
	for rec, err := range db.All(ctx) {
		if err != nil {
			t.Fatal(err)
		}
		flagged, _ := rec.Attrs["sensitive"].AsBool()
		score, ok := rec.Attrs["sensitive_score"].AsFloat()
		if !ok || flagged != (rec.ID == "rocket") || flagged != (score >= 0.6) {
			t.Errorf("%s: %v", rec.ID, rec.Attrs)
		}
	}
	card, licence, ok := db.Card()
	if m, _ := db.Model(); !ok || licence != "Apache-2.0" || card.About == "" || card.About != m.Card.About {
		t.Errorf("card %+v, %q, %v", card, licence, ok)
	}
}
