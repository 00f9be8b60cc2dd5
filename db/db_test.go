package db_test

import (
	"bytes"
	"crypto/sha256"
	"errors"
	"fmt"
	"image"
	"io"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/clipdb/clipdb/db"
	"github.com/clipdb/clipdb/db/engine"
)

// gallery stores three pictures of each colour, by ids like "red-1".
func gallery(t testing.TB, d *db.DB) {
	t.Helper()
	for name := range colours {
		for i := range 3 {
			mustInsert(t, d, db.Item{
				ID: fmt.Sprintf("%s-%d", name, i), Image: picture(t, name, i), Caption: "something " + name,
				Attrs: db.Attrs{"colour": engine.String(name), "n": engine.Int(int64(i))},
			})
		}
	}
}

func ids(matches []db.Match) (out []string) {
	for _, m := range matches {
		out = append(out, m.ID)
	}
	return out
}

func TestFindByWordsAndPictures(t *testing.T) {
	d := open(t, newPath(t), &db.Options{Encoder: &palette{}})
	gallery(t, d)
	all := func(ms []db.Match, err error, colour string, n int) {
		t.Helper()
		if err != nil || len(ms) != n {
			t.Fatalf("%d matches, %v; want %d", len(ms), err, n)
		}
		for i, m := range ms {
			if !strings.HasPrefix(m.ID, colour) || m.Attrs["colour"] != engine.String(colour) || m.Caption != "something "+colour {
				t.Errorf("match %d for %s is %s %v %q", i, colour, m.ID, m.Attrs, m.Caption)
			}
			if i > 0 && m.Score > ms[i-1].Score {
				t.Errorf("match %d scores above the one before", i)
			}
		}
	}
	for name := range colours {
		ms, err := d.SearchByText(ctx, "a "+name+" thing", &db.SearchOptions{K: 3})
		all(ms, err, name, 3)
		ms, err = d.SearchByImage(ctx, picture(t, name, 99), &db.SearchOptions{K: 3})
		all(ms, err, name, 3)
		ms, err = d.Search(ctx, db.Like(name+"-1"), &db.SearchOptions{K: 2})
		all(ms, err, name, 2)
		if slices.Contains(ids(ms), name+"-1") {
			t.Errorf("what is like %s-1 holds it", name)
		}
	}
	ms, err := d.Search(ctx, db.Text("red").Plus(1, db.Text("blue")).Minus(1, db.Text("blue")), &db.SearchOptions{K: 3})
	all(ms, err, "red", 3)
	ms, err = d.Search(ctx, db.Text("red").Plus(2, db.Image(picture(t, "green", 7))).Minus(0.5, db.Like("white-0")), &db.SearchOptions{K: 3})
	all(ms, err, "green", 3)
	ms, err = d.Search(ctx, db.Image(picture(t, "red", 50)).Plus(1, db.Image(picture(t, "blue", 51))), &db.SearchOptions{K: 6})
	if err != nil || len(ms) != 6 {
		t.Fatal(ms, err)
	}
	for _, m := range ms {
		if c := m.Attrs["colour"]; c != engine.String("red") && c != engine.String("blue") {
			t.Errorf("red and blue bring %s", m.ID)
		}
	}
	ms, err = d.SearchByText(ctx, "red", &db.SearchOptions{K: 10, Filter: engine.And(engine.Eq("n", engine.Int(1)), engine.Not(engine.Eq("colour", engine.String("red"))))})
	if err != nil || len(ms) != len(colours)-1 {
		t.Errorf("with a filter: %v, %v", ids(ms), err)
	}
	ms, err = d.SearchByText(ctx, "red", &db.SearchOptions{K: 20, MinScore: 0.5})
	all(ms, err, "red", 3)
	rec, err := d.GetWith(ctx, "red-0", db.Fetch{Vector: true})
	if err != nil {
		t.Fatal(err)
	}
	for i := range rec.Vector {
		rec.Vector[i] *= 17
	}
	ms, err = d.Search(ctx, db.Vector(rec.Vector), &db.SearchOptions{K: 1, WithVector: true})
	if err != nil || len(ms) != 1 || ms[0].ID != "red-0" || ms[0].Score < 0.9999 || len(ms[0].Vector) != paletteDim {
		t.Errorf("by its own vector: %v, %v", ms, err)
	}
	if ms, err := d.SearchByText(ctx, "red", nil); err != nil || len(ms) != db.DefaultK {
		t.Errorf("without options: %d, %v", len(ms), err)
	}
	for range 3 {
		exact, err := d.SearchByText(ctx, "purple", &db.SearchOptions{Exact: true})
		if err != nil {
			t.Fatal(err)
		}
		usual, err := d.SearchByText(ctx, "purple", nil)
		if err != nil || !slices.Equal(ids(exact), ids(usual)) {
			t.Errorf("exact %v, usual %v, %v", ids(exact), ids(usual), err)
		}
	}
}

func TestImagePolicies(t *testing.T) {
	big := image.NewRGBA(image.Rect(0, 0, 800, 300))
	for i := range big.Pix {
		big.Pix[i] = byte(i * 7)
	}
	data := asJPEG(t, big)
	for _, policy := range []db.ImagePolicy{db.KeepOriginal, db.KeepThumbnail, db.KeepNone} {
		path := newPath(t)
		d := open(t, path, &db.Options{Encoder: &palette{}, Images: policy})
		id := mustInsert(t, d, db.Item{Image: bytes.NewReader(data)})
		if want := fmt.Sprintf("%x", sha256.Sum256(data)); id != want {
			t.Errorf("id is %s, want %s", id, want)
		}
		if err := d.Close(); err != nil {
			t.Fatal(err)
		}
		d = open(t, path, &db.Options{Encoder: &palette{}})
		ms, err := d.SearchByText(ctx, "red", &db.SearchOptions{WithImage: true, WithThumbnail: true})
		if err != nil || len(ms) != 1 {
			t.Fatal(ms, err)
		}
		im := ms[0].Image
		if im.SHA256 != sha256.Sum256(data) || im.Format != "jpeg" || im.Width != 800 || im.Height != 300 || im.Size != int64(len(data)) || im.Frames != 1 {
			t.Errorf("%v: %+v", policy, im)
		}
		if got := bytes.Equal(im.Original, data); got != (policy == db.KeepOriginal) || im.HasOriginal != got {
			t.Errorf("%v: original kept: %v", policy, got)
		}
		if im.HasThumbnail != (policy != db.KeepNone) {
			t.Errorf("%v: thumbnail kept: %v", policy, im.HasThumbnail)
		}
		if im.HasThumbnail {
			c, format, err := image.DecodeConfig(bytes.NewReader(im.Thumbnail))
			if err != nil || format != "jpeg" || c.Width != db.ThumbnailSide || c.Height != 96 {
				t.Errorf("%v: thumbnail %s %dx%d, %v", policy, format, c.Width, c.Height, err)
			}
		}
	}
}

func TestInsertAndUpsert(t *testing.T) {
	path := newPath(t)
	enc := &palette{}
	d := open(t, path, &db.Options{Encoder: enc})
	mustInsert(t, d, db.Item{ID: "a", Image: picture(t, "red", 1), Caption: "one"})
	asked := enc.images.Load()
	if _, err := d.Insert(ctx, db.Item{ID: "a", Image: picture(t, "blue", 1)}); !errors.Is(err, db.ErrExists) {
		t.Errorf("the same id: %v", err)
	}
	first := mustInsert(t, d, db.Item{Image: picture(t, "green", 1)})
	if _, err := d.Insert(ctx, db.Item{Image: picture(t, "green", 1)}); !errors.Is(err, db.ErrExists) || !strings.Contains(err.Error(), first) {
		t.Errorf("the same picture: %v", err)
	}
	if n := enc.images.Load() - asked; n != 1 {
		t.Errorf("the model was asked %d times for pictures that were there or new", n)
	}
	before, err := d.Get(ctx, "a")
	if err != nil {
		t.Fatal(err)
	}
	id, replaced, err := d.Upsert(ctx, db.Item{ID: "a", Image: picture(t, "blue", 2), Caption: "two", Attrs: db.Attrs{"x": engine.Bool(true)}})
	if id != "a" || !replaced || err != nil {
		t.Errorf("Upsert: %q, %v, %v", id, replaced, err)
	}
	after, err := d.Get(ctx, "a")
	if err != nil || after.Caption != "two" || len(after.Attrs) != 1 || !after.Created.Equal(before.Created) || !after.Updated.After(before.Updated) {
		t.Errorf("after Upsert: %+v, %v", after, err)
	}
	if ms, err := d.SearchByText(ctx, "blue", &db.SearchOptions{K: 1}); err != nil || ms[0].ID != "a" {
		t.Errorf("the new picture is not found: %v, %v", ms, err)
	}
	if ms, err := d.SearchByText(ctx, "red", &db.SearchOptions{MinScore: 0.3}); err != nil || len(ms) != 0 {
		t.Errorf("the old picture is found: %v, %v", ids(ms), err)
	}
	if _, replaced, err := d.Upsert(ctx, db.Item{ID: "b", Image: picture(t, "red", 3)}); replaced || err != nil {
		t.Errorf("Upsert of a new one: %v, %v", replaced, err)
	}
	found, err := d.Exists(ctx, "a", "b", "c")
	if err != nil || !slices.Equal(found, []bool{true, true, false}) {
		t.Errorf("Exists: %v, %v", found, err)
	}
	if n, err := d.Delete(ctx, "a", "c"); n != 1 || err != nil {
		t.Errorf("Delete: %d, %v", n, err)
	}
	if _, err := d.Get(ctx, "a"); !errors.Is(err, db.ErrNotFound) {
		t.Errorf("Get of what was deleted: %v", err)
	}
	if n := count(t, d); n != 2 {
		t.Errorf("%d items", n)
	}
	// A reader that is not ours is read and not closed.
	r := &closes{Reader: picture(t, "cyan", 1)}
	mustInsert(t, d, db.Item{Image: r})
	if r.closed {
		t.Error("the caller's reader was closed")
	}
}

type closes struct {
	io.Reader
	closed bool
}

func (c *closes) Close() error {
	c.closed = true
	return nil
}

func TestOwnVectors(t *testing.T) {
	path := newPath(t)
	d := open(t, path, nil)
	if _, err := d.Insert(ctx, db.Item{Image: picture(t, "red", 1)}); !errors.Is(err, db.ErrNoEncoder) {
		t.Errorf("a picture without a model: %v", err)
	}
	if _, err := d.SearchByText(ctx, "red", nil); !errors.Is(err, db.ErrNoEncoder) {
		t.Errorf("a text without a model: %v", err)
	}
	if d.Spec().Bound() {
		t.Errorf("spec %v before the first item", d.Spec())
	}
	id := mustInsert(t, d, db.Item{Vector: []float32{0, 3, 0, 4}})
	if len(id) != 26 {
		t.Errorf("random id %q", id)
	}
	rec, err := d.GetWith(ctx, id, db.Fetch{Vector: true})
	if err != nil || !slices.Equal(rec.Vector, []float32{0, 0.6, 0, 0.8}) || rec.Model != "" || rec.Image != nil {
		t.Errorf("%+v, %v", rec, err)
	}
	// A picture beside the vector is kept, and no model is asked.
	mustInsert(t, d, db.Item{ID: "both", Image: picture(t, "red", 1), Vector: []float32{1, 0, 0, 0}})
	rec, err = d.GetWith(ctx, "both", db.Fetch{Thumbnail: true})
	if err != nil || rec.Image == nil || len(rec.Image.Thumbnail) == 0 {
		t.Errorf("%+v, %v", rec, err)
	}
	for i := range 50 {
		mustInsert(t, d, db.Item{ID: fmt.Sprint(i), Vector: vector(i, 4)})
	}
	ms, err := d.Search(ctx, db.Vector(vector(7, 4)), &db.SearchOptions{K: 1})
	if err != nil || len(ms) != 1 || ms[0].ID != "7" {
		t.Errorf("%v, %v", ids(ms), err)
	}
	if spec := d.Spec(); spec.Dim != 4 || !spec.Own() {
		t.Errorf("spec %v", spec)
	}
}

// TestModels tries every meeting of a file and an encoder.
func TestModels(t *testing.T) {
	own, ofPalette := newPath(t), newPath(t)
	d := open(t, own, nil)
	mustInsert(t, d, db.Item{ID: "v", Vector: vector(1, 8)})
	if err := d.Close(); err != nil {
		t.Fatal(err)
	}
	d = open(t, ofPalette, &db.Options{Encoder: &palette{}})
	gallery(t, d)
	if err := d.Close(); err != nil {
		t.Fatal(err)
	}

	for _, opts := range []*db.Options{{Encoder: &palette{name: "other"}}, {Encoder: &palette{name: "other"}, EncoderIsDefault: true}} {
		_, err := db.Open(openEngine(t, ofPalette), opts)
		var mismatch *db.MismatchError
		if !errors.Is(err, db.ErrModelMismatch) || !errors.As(err, &mismatch) || mismatch.Stored.Model != "palette" || mismatch.Given.Model != "other" {
			t.Errorf("another model's file: %v", err)
		}
		if !strings.Contains(err.Error(), "palette") || !strings.Contains(err.Error(), "other") {
			t.Errorf("the error does not name both: %v", err)
		}
	}
	if _, err := db.Open(openEngine(t, own), &db.Options{Encoder: &palette{}}); !errors.Is(err, db.ErrModelMismatch) {
		t.Errorf("a file of own vectors with a chosen model: %v", err)
	}

	// Without a model a file of any model opens, and takes vectors that fit.
	d = open(t, ofPalette, nil)
	if ms, err := d.Search(ctx, db.Like("red-0"), &db.SearchOptions{K: 2}); err != nil || len(ms) != 2 {
		t.Errorf("like red-0: %v, %v", ids(ms), err)
	}
	mustInsert(t, d, db.Item{ID: "mine", Vector: vector(1, paletteDim)})
	if rec, err := d.Get(ctx, "mine"); err != nil || rec.Model != d.Spec().Fingerprint {
		t.Errorf("%+v, %v", rec, err)
	}
	if _, err := d.Insert(ctx, db.Item{Vector: vector(1, 8)}); !errors.Is(err, db.ErrDimension) {
		t.Errorf("another dimension: %v", err)
	}

	// A default model does not stand in the way of own vectors.
	d = open(t, own, &db.Options{Encoder: &palette{}, EncoderIsDefault: true})
	mustInsert(t, d, db.Item{ID: "w", Vector: vector(2, 8)})
	if _, err := d.SearchByText(ctx, "red", nil); !errors.Is(err, db.ErrModelMismatch) {
		t.Errorf("text in a file of own vectors: %v", err)
	}
	if _, err := d.Insert(ctx, db.Item{Image: picture(t, "red", 1)}); !errors.Is(err, db.ErrModelMismatch) {
		t.Errorf("picture in a file of own vectors: %v", err)
	}
	if err := d.Warm(ctx); err != nil {
		t.Errorf("Warm: %v", err)
	}

	// A chosen model owns the vectors of a new file, a default one does not.
	d = open(t, newPath(t), &db.Options{Encoder: &palette{}})
	if _, err := d.Insert(ctx, db.Item{Vector: vector(1, 8)}); !errors.Is(err, db.ErrDimension) {
		t.Errorf("another dimension than the model's: %v", err)
	}
	mustInsert(t, d, db.Item{Vector: vector(1, paletteDim)})
	mustInsert(t, d, db.Item{Image: picture(t, "red", 1)})
	if err := d.Warm(ctx); err != nil {
		t.Errorf("Warm: %v", err)
	}
	d = open(t, newPath(t), &db.Options{Encoder: &palette{}, EncoderIsDefault: true})
	mustInsert(t, d, db.Item{ID: "x", Vector: vector(1, 8)})
	if spec := d.Spec(); !spec.Own() || spec.Dim != 8 {
		t.Errorf("spec %v", spec)
	}
	// Emptied, it takes the model.
	if n, err := d.Delete(ctx, "x"); n != 1 || err != nil {
		t.Fatal(n, err)
	}
	if ms, err := d.SearchByText(ctx, "red", nil); err != nil || len(ms) != 0 {
		t.Errorf("search of an emptied database: %v, %v", ms, err)
	}
}

func openEngine(t testing.TB, path string) engine.Engine {
	t.Helper()
	return openRaw(t, path, nil)
}

func TestClassify(t *testing.T) {
	enc := &palette{}
	d := open(t, newPath(t), &db.Options{Encoder: enc})
	labels := []string{"green", "red", "blue"}
	scores, err := d.Classify(ctx, picture(t, "red", 1), labels, nil)
	if err != nil || len(scores) != 3 || scores[0].Label != "red" || scores[0].Probability < 0.9 {
		t.Errorf("%+v, %v", scores, err)
	}
	var sum float32
	for i, s := range scores {
		sum += s.Probability
		if i > 0 && s.Probability > scores[i-1].Probability {
			t.Error("not in order")
		}
	}
	if sum < 0.9999 || sum > 1.0001 {
		t.Errorf("probabilities add up to %v", sum)
	}
	alone, err := db.NewClassifier(labels, nil, &db.Options{Encoder: enc})
	if err != nil {
		t.Fatal(err)
	}
	again, err := alone.Classify(ctx, picture(t, "red", 1))
	if err != nil || !slices.Equal(again, scores) {
		t.Errorf("without a database: %v, %v", again, err)
	}
	wordy, err := d.Classify(ctx, picture(t, "red", 1), labels, &db.ClassifyOptions{Templates: []string{"a blue photo of a {}."}})
	if err != nil || wordy[0].Score >= scores[0].Score {
		t.Errorf("behind other words: %v, %v", wordy, err)
	}
	for name, call := range map[string]func() error{
		"no labels":   func() error { _, err := d.Classify(ctx, picture(t, "red", 1), nil, nil); return err },
		"empty label": func() error { _, err := d.Classify(ctx, picture(t, "red", 1), []string{"a", " "}, nil); return err },
		"template": func() error {
			_, err := d.Classify(ctx, picture(t, "red", 1), labels, &db.ClassifyOptions{Templates: []string{"a"}})
			return err
		},
		"no picture": func() error { _, err := d.Classify(ctx, nil, labels, nil); return err },
	} {
		if err := call(); !errors.Is(err, db.ErrQuery) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if _, err := d.Classify(ctx, strings.NewReader("x"), labels, nil); !errors.Is(err, db.ErrImageFormat) {
		t.Errorf("no picture: %v", err)
	}
	if n := count(t, d); n != 0 {
		t.Errorf("%d items were stored", n)
	}
}

func TestBackupCompactVerify(t *testing.T) {
	path := newPath(t)
	d := open(t, path, &db.Options{Encoder: &palette{}})
	gallery(t, d)
	copied := filepath.Join(t.TempDir(), "copy.clipdb")
	f, err := os.Create(copied)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := d.WriteTo(f); err != nil {
		t.Fatal(err)
	}
	if err := f.Close(); err != nil {
		t.Fatal(err)
	}
	c := open(t, copied, &db.Options{Encoder: &palette{}})
	if n, err := d.Delete(ctx, "red-0", "red-1", "red-2"); n != 3 || err != nil {
		t.Fatal(n, err)
	}
	if err := d.Compact(ctx); err != nil {
		t.Fatal(err)
	}
	if ms, err := d.SearchByText(ctx, "red", &db.SearchOptions{MinScore: 0.4}); err != nil || len(ms) != 0 {
		t.Errorf("after Delete: %v, %v", ids(ms), err)
	}
	if ms, err := c.SearchByText(ctx, "red", &db.SearchOptions{MinScore: 0.4}); err != nil || len(ms) != 3 {
		t.Errorf("in the copy: %v, %v", ids(ms), err)
	}
	rep, err := c.Verify(ctx)
	if err != nil || !rep.OK() || rep.Records != 3*len(colours) || rep.Recall < 0.99 || rep.RecallQueries == 0 {
		t.Errorf("Verify: %+v, %v", rep, err)
	}
	st, err := c.Stats(ctx)
	if err != nil || st.Records != 3*len(colours) || st.Bytes.File == 0 || st.Bytes.Images == 0 || st.Bytes.Thumbnails == 0 || st.Index.Live != st.Records || st.Spec.Model != "palette" {
		t.Errorf("Stats: %+v, %v", st, err)
	}
}

func TestClosed(t *testing.T) {
	before := runtime.NumGoroutine()
	path := newPath(t)
	enc := &palette{}
	d := open(t, path, &db.Options{Encoder: enc, CloseEncoder: true})
	gallery(t, d)
	for range 2 {
		if err := d.Close(); err != nil {
			t.Fatal(err)
		}
	}
	if !enc.closed.Load() {
		t.Error("the encoder is not closed")
	}
	calls := map[string]func() error{
		"Insert":        func() error { _, err := d.Insert(ctx, db.Item{Image: picture(t, "red", 1)}); return err },
		"Upsert":        func() error { _, _, err := d.Upsert(ctx, db.Item{Vector: vector(1, paletteDim)}); return err },
		"InsertAll":     func() error { _, err := d.InsertAll(ctx, slices.Values([]db.Item{{}}), nil); return err },
		"Get":           func() error { _, err := d.Get(ctx, "red-0"); return err },
		"Exists":        func() error { _, err := d.Exists(ctx, "red-0"); return err },
		"Delete":        func() error { _, err := d.Delete(ctx, "red-0"); return err },
		"SearchByText":  func() error { _, err := d.SearchByText(ctx, "red", nil); return err },
		"SearchByImage": func() error { _, err := d.SearchByImage(ctx, picture(t, "red", 1), nil); return err },
		"Search":        func() error { _, err := d.Search(ctx, db.Like("red-0"), nil); return err },
		"Classify":      func() error { _, err := d.Classify(ctx, picture(t, "red", 1), []string{"a"}, nil); return err },
		"WriteTo":       func() error { _, err := d.WriteTo(io.Discard); return err },
		"Compact":       func() error { return d.Compact(ctx) },
		"Verify":        func() error { _, err := d.Verify(ctx); return err },
		"Stats":         func() error { _, err := d.Stats(ctx); return err },
		"Warm":          func() error { return d.Warm(ctx) },
		"All": func() (last error) {
			for _, err := range d.All(ctx) {
				last = err
			}
			return last
		},
		"Failures": func() (last error) {
			for _, err := range d.Failures(ctx) {
				last = err
			}
			return last
		},
	}
	for name, call := range calls {
		if err := call(); !errors.Is(err, db.ErrClosed) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if err := os.Remove(path); err != nil {
		t.Error(err)
	}
	for range 100 {
		if runtime.NumGoroutine() <= before {
			return
		}
		time.Sleep(20 * time.Millisecond)
	}
	t.Errorf("%d goroutines, %d before", runtime.NumGoroutine(), before)
}
