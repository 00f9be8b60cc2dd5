package db_test

import (
	"context"
	"errors"
	"fmt"
	"image"
	"slices"
	"testing"
	"time"

	"github.com/clipdb/clipdb/db"
	"github.com/clipdb/clipdb/db/engine"
	"github.com/clipdb/clipdb/db/local"
	"github.com/clipdb/clipdb/encoder"
)

// wide is palette with more components.
type wide struct{ palette }

func (w *wide) Model() encoder.Model {
	m := w.palette.Model()
	m.Name, m.Fingerprint, m.Dim = "wide", "77696465", paletteDim+8
	return m
}

func (w *wide) EncodeText(ctx context.Context, texts []string) ([][]float32, error) {
	return widen(w.palette.EncodeText(ctx, texts))
}

func (w *wide) EncodeImages(ctx context.Context, pictures []image.Image) ([][]float32, error) {
	return widen(w.palette.EncodeImages(ctx, pictures))
}

func widen(vs [][]float32, err error) ([][]float32, error) {
	for i := range vs {
		vs[i] = append(vs[i], make([]float32, 8)...)
	}
	return vs, err
}

// held waits in EncodeText until it is let go.
type held struct {
	palette
	in, out chan struct{}
}

func (h *held) EncodeText(ctx context.Context, texts []string) ([][]float32, error) {
	h.in <- struct{}{}
	<-h.out
	return h.palette.EncodeText(ctx, texts)
}

func TestSearchDuringSwitchOfDimension(t *testing.T) {
	enc := &held{in: make(chan struct{}), out: make(chan struct{})}
	d := open(t, newPath(t), &db.Options{Encoder: enc})
	for i := range 5 {
		mustInsert(t, d, db.Item{ID: fmt.Sprint(i), Image: picture(t, "red", i)})
	}
	type answer struct {
		matches []db.Match
		err     error
	}
	answers := make(chan answer)
	go func() {
		ms, err := d.SearchByText(ctx, "red", nil)
		answers <- answer{ms, err}
	}()
	<-enc.in
	if rep, err := d.Reembed(ctx, &wide{}, nil); err != nil || !rep.Switched {
		t.Fatal(rep, err)
	}
	close(enc.out)
	if a := <-answers; a.err != nil || len(a.matches) != 5 {
		t.Errorf("the search under way found %d of 5, %v", len(a.matches), a.err)
	}
}

// Ratings are of the model that the database has now.
func TestSensitiveAfterReembed(t *testing.T) {
	d := open(t, newPath(t), &db.Options{Encoder: &palette{}, Sensitive: &db.SensitiveOptions{Threshold: 0.5, Labels: []string{"red"}, Neutral: []string{"blue"}}})
	rated := func(id string) float64 {
		t.Helper()
		mustInsert(t, d, db.Item{ID: id, Image: picture(t, "red", len(id))})
		r, err := d.Get(ctx, id)
		if err != nil {
			t.Fatal(err)
		}
		score, _ := r.Attrs[db.AttrSensitiveScore].AsFloat()
		return score
	}
	if s := rated("a"); s < 0.9 {
		t.Fatalf("red is rated %v", s)
	}
	for i, next := range []encoder.Encoder{newTurned(), &wide{}} {
		if _, err := d.Reembed(ctx, next, nil); err != nil {
			t.Fatal(err)
		}
		if s := rated(fmt.Sprint("after", i)); s < 0.9 {
			t.Errorf("after Reembed to %s red is rated %v", next.Model().Name, s)
		}
	}
}

// between does something each time before records are written or deleted.
type between struct {
	engine.Engine
	first func()
}

func (b *between) meanwhile() {
	if f := b.first; f != nil {
		b.first = nil
		f()
	}
}

func (b *between) Put(ctx context.Context, records []engine.Record, mode engine.PutMode) ([]engine.PutResult, error) {
	b.meanwhile()
	return b.Engine.Put(ctx, records, mode)
}

func (b *between) DeleteUnchanged(ctx context.Context, versions []engine.Version) ([]string, error) {
	b.meanwhile()
	return b.Engine.DeleteUnchanged(ctx, versions)
}

func openBetween(t *testing.T, o *db.Options) (*db.DB, *between) {
	t.Helper()
	eng, err := local.Open(newPath(t), nil)
	if err != nil {
		t.Fatal(err)
	}
	b := &between{Engine: eng}
	d, err := db.Open(b, o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { d.Close() })
	return d, b
}

// What was changed or deleted since it was read is not written back.
func TestRateSensitiveMeanwhile(t *testing.T) {
	d, b := openBetween(t, &db.Options{Encoder: &palette{}})
	mustInsert(t, d, db.Item{ID: "a", Image: picture(t, "red", 1), Caption: "old"})
	mustInsert(t, d, db.Item{ID: "b", Image: picture(t, "red", 2), Caption: "personal"})
	b.first = func() {
		if _, _, err := d.Upsert(ctx, db.Item{ID: "a", Image: picture(t, "blue", 1), Caption: "new"}); err != nil {
			t.Error(err)
		}
		if n, err := d.Delete(ctx, "b"); n != 1 || err != nil {
			t.Error(n, err)
		}
	}
	if err := d.RateSensitive(ctx, db.SensitiveOptions{Threshold: 0.5}, true, func(db.SensitiveScore) error { return nil }); err != nil {
		t.Fatal(err)
	}
	if r, err := d.Get(ctx, "a"); err != nil || r.Caption != "new" {
		t.Errorf("the change that came between: %v, %v", r, err)
	}
	if r, err := d.Get(ctx, "b"); !errors.Is(err, db.ErrNotFound) {
		t.Errorf("the deleted item is there: %v, %v", r, err)
	}
}

func TestExpireMeanwhile(t *testing.T) {
	d, b := openBetween(t, nil)
	for _, id := range []string{"a", "b"} {
		mustInsert(t, d, db.Item{ID: id, Vector: vector(1, 8), Attrs: db.Attrs{db.AttrConsent: engine.String(db.ConsentWithdrawn)}})
	}
	b.first = func() {
		if _, _, err := d.Upsert(ctx, db.Item{ID: "a", Vector: vector(1, 8), Attrs: db.Attrs{db.AttrConsent: engine.String(db.ConsentGiven)}}); err != nil {
			t.Error(err)
		}
	}
	var found []string
	n, err := d.Expire(ctx, time.Now(), &db.ExpireOptions{Found: func(e db.Expired) { found = append(found, e.ID) }})
	if n != 1 || err != nil || !slices.Equal(found, []string{"b"}) {
		t.Errorf("expired %d: %q, %v", n, found, err)
	}
	if _, err := d.Get(ctx, "a"); err != nil {
		t.Errorf("consent was renewed, and the item is gone: %v", err)
	}
}
