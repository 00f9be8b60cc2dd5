package db_test

import (
	"context"
	"errors"
	"fmt"
	"math"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/clipdb/clipdb/db"
	"github.com/clipdb/clipdb/db/engine"
	"github.com/clipdb/clipdb/encoder"
)

// spoken is counted with a model of one's own choice.
type spoken struct {
	counted
	model func(m *encoder.Model)
}

func (s *spoken) Model() encoder.Model {
	m := s.counted.Model()
	if s.model != nil {
		s.model(&m)
	}
	return m
}

// The score of a label is the cosine with the mean of its captions' vectors,
// reckoned here once more from the model's own answers.
func TestTemplatesAreAveraged(t *testing.T) {
	enc := &spoken{}
	templates := []string{"{}", "a green {} by night", "not blue but {}"}
	c, err := db.NewClassifier([]string{"red", "wood"}, &db.ClassifyOptions{Templates: templates}, &db.Options{Encoder: enc})
	if err != nil {
		t.Fatal(err)
	}
	scores, err := c.Classify(ctx, picture(t, "red", 1))
	if err != nil {
		t.Fatal(err)
	}
	img, err := enc.EncodeText(ctx, []string{"red"})
	if err != nil {
		t.Fatal(err)
	}
	byVector, err := c.ClassifyVector(ctx, img[0])
	if err != nil {
		t.Fatal(err)
	}
	for _, s := range byVector {
		var mean [paletteDim]float64
		for _, tpl := range templates {
			v, err := enc.EncodeText(ctx, []string{strings.ReplaceAll(tpl, "{}", s.Label)})
			if err != nil {
				t.Fatal(err)
			}
			u, err := engine.Unit(v[0])
			if err != nil {
				t.Fatal(err)
			}
			for i, x := range u {
				mean[i] += float64(x)
			}
		}
		q, _ := engine.Unit(img[0])
		var along, length float64
		for i, x := range mean {
			along += x * float64(q[i])
			length += x * x
		}
		if want := along / math.Sqrt(length); math.Abs(want-float64(s.Score)) > 1e-5 {
			t.Errorf("%s: score %v, want %v", s.Label, s.Score, want)
		}
	}
	if scores[0].Label != "red" {
		t.Errorf("a red picture is %v", scores)
	}
}

// The model is asked for the captions of a label once, and a model's own
// templates are used where none are given.
func TestLabelsAreKept(t *testing.T) {
	enc := &spoken{model: func(m *encoder.Model) { m.Templates = []string{"a {}", "the {}", "some {}"} }}
	d := open(t, newPath(t), &db.Options{Encoder: enc})
	labels := []string{"red", "green", "blue"}
	var wg sync.WaitGroup
	for range 4 {
		wg.Go(func() {
			if _, err := d.Classify(ctx, picture(t, "green", 1), labels, nil); err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	before := enc.texts.Load()
	if before < 9 || before%3 != 0 {
		t.Errorf("%d captions of 9 were encoded", before)
	}
	for i := range 3 {
		if _, err := d.Classify(ctx, picture(t, "red", i), append(labels, "white"), nil); err != nil {
			t.Fatal(err)
		}
	}
	if n := enc.texts.Load() - before; n != 3 {
		t.Errorf("%d captions were encoded for one new label, want 3", n)
	}
	if _, err := d.Classify(ctx, picture(t, "red", 9), labels, &db.ClassifyOptions{Templates: []string{"{}"}}); err != nil || enc.texts.Load() != before+6 {
		t.Errorf("other templates: %d captions, %v", enc.texts.Load()-before-3, err)
	}
}

func TestProbabilities(t *testing.T) {
	labels := []string{"red", "green", "white"}
	classify := func(change func(m *encoder.Model)) []db.LabelScore {
		t.Helper()
		c, err := db.NewClassifier(labels, nil, &db.Options{Encoder: &spoken{model: change}})
		if err != nil {
			t.Fatal(err)
		}
		scores, err := c.Classify(ctx, picture(t, "red", 1))
		if err != nil {
			t.Fatal(err)
		}
		return scores
	}
	soft := classify(nil)
	cooler := classify(func(m *encoder.Model) { m.Temperature = 4 })
	if !(cooler[0].Probability < soft[0].Probability) || cooler[0].Label != soft[0].Label {
		t.Errorf("a temperature of 4 makes %v of %v", cooler, soft)
	}
	c, err := db.NewClassifier(labels, &db.ClassifyOptions{Temperature: 4}, &db.Options{Encoder: &spoken{model: func(m *encoder.Model) { m.Temperature = 9 }}})
	if err != nil {
		t.Fatal(err)
	}
	if got, err := c.Classify(ctx, picture(t, "red", 1)); err != nil || !slices.Equal(got, cooler) {
		t.Errorf("the caller's temperature: %v, %v", got, err)
	}
	bias := float32(-3)
	each := classify(func(m *encoder.Model) { m.Sigmoid, m.LogitBias, m.Temperature = true, bias, 2 })
	for _, s := range each {
		want := 1 / (1 + math.Exp(-(20*float64(s.Score)+float64(bias))/2))
		if math.Abs(want-float64(s.Probability)) > 1e-6 {
			t.Errorf("%s: probability %v, want %v", s.Label, s.Probability, want)
		}
	}
}

func TestClassifierRefuses(t *testing.T) {
	enc := &spoken{}
	opts := &db.Options{Encoder: enc}
	many := make([]string, db.MaxLabels+1)
	for i := range many {
		many[i] = fmt.Sprint(i)
	}
	for name, in := range map[string]struct{ labels, templates []string }{
		"none":           {},
		"too many":       {labels: many},
		"empty":          {labels: []string{"a", "\t"}},
		"no place":       {labels: []string{"a"}, templates: []string{"{}", "a photo"}},
		"many templates": {labels: []string{"a"}, templates: slices.Repeat([]string{"{}"}, db.MaxTemplates+1)},
	} {
		if _, err := db.NewClassifier(in.labels, &db.ClassifyOptions{Templates: in.templates}, opts); !errors.Is(err, db.ErrQuery) {
			t.Errorf("%s: %v", name, err)
		}
	}
	// What a template makes of a label is bounded before it is made.
	for name, in := range map[string]struct{ label, template string }{
		"a long label":     {strings.Repeat("x", db.MaxText+1), ""},
		"a long template":  {"x", "{}" + strings.Repeat("x", db.MaxText)},
		"label and places": {strings.Repeat("x", 32<<10), strings.Repeat("{}", 32<<10)},
	} {
		o := &db.ClassifyOptions{}
		if in.template != "" {
			o.Templates = []string{in.template}
		}
		if _, err := db.NewClassifier([]string{in.label}, o, opts); !errors.Is(err, db.ErrText) {
			t.Errorf("%s: %v", name, err)
		}
	}
	// The same of a model's own templates, which nobody checked.
	for _, own := range []string{"no place", strings.Repeat("{}", db.MaxText)} {
		c, err := db.NewClassifier([]string{"abc"}, nil, &db.Options{Encoder: &spoken{model: func(m *encoder.Model) { m.Templates = []string{own} }}})
		if err != nil {
			t.Fatal(err)
		}
		if _, err := c.Classify(ctx, picture(t, "red", 1)); !errors.Is(err, db.ErrQuery) && !errors.Is(err, db.ErrText) {
			t.Errorf("the model's template %.20q: %v", own, err)
		}
	}
	for _, temperature := range []float32{-1, float32(math.NaN()), 1e6} {
		if _, err := db.NewClassifier([]string{"a"}, &db.ClassifyOptions{Temperature: temperature}, opts); !errors.Is(err, db.ErrQuery) {
			t.Errorf("a temperature of %v: %v", temperature, err)
		}
	}
	if _, err := db.NewClassifier([]string{"a"}, nil, nil); !errors.Is(err, db.ErrNoEncoder) {
		t.Errorf("no encoder: %v", err)
	}
	c, err := db.NewClassifier([]string{"a", "b"}, nil, opts)
	if err != nil {
		t.Fatal(err)
	}
	var wrong *db.DimensionError
	if _, err := c.ClassifyVector(ctx, make([]float32, 3)); !errors.As(err, &wrong) {
		t.Errorf("a short vector: %v", err)
	}
	if _, err := c.ClassifyVector(ctx, make([]float32, paletteDim)); err == nil {
		t.Error("a vector of zeros was taken")
	}
	ended, cancel := context.WithCancel(ctx)
	cancel()
	if _, err := c.Classify(ended, picture(t, "red", 1)); !errors.Is(err, context.Canceled) {
		t.Errorf("cancelled: %v", err)
	}
}

// slow ends the context after so many texts.
type slow struct {
	spoken
	after int64
	end   context.CancelFunc
}

func (s *slow) EncodeText(ctx context.Context, texts []string) ([][]float32, error) {
	if s.end != nil && s.texts.Load()+int64(len(texts)) >= s.after {
		s.end()
	}
	return s.spoken.EncodeText(context.WithoutCancel(ctx), texts)
}

// Labels beyond count end between two batches, and the next call goes on where
// the last one stopped.
func TestLabelsStopAndGoOn(t *testing.T) {
	labels := make([]string, 1000)
	for i := range labels {
		labels[i] = fmt.Sprint("label ", i)
	}
	stopped, cancel := context.WithCancel(ctx)
	defer cancel()
	enc := &slow{after: 1000, end: cancel}
	d := open(t, newPath(t), &db.Options{Encoder: enc})
	o := &db.ClassifyOptions{Templates: []string{"{}", "a {}", "the {}"}}
	if _, err := d.Classify(stopped, picture(t, "red", 1), labels, o); !errors.Is(err, context.Canceled) {
		t.Fatalf("cancelled: %v", err)
	}
	if n := enc.texts.Load(); n < 1000 || n >= 1300 {
		t.Errorf("%d captions of 3,000 were encoded before the stop, want 1,000 and a batch at most", n)
	}
	if _, err := d.Classify(ctx, picture(t, "red", 1), labels, o); err != nil {
		t.Fatal(err)
	}
	if n := enc.texts.Load(); n != 3000 {
		t.Errorf("%d captions were encoded in all, want 3,000", n)
	}
}

// A classifier of a database holds its labels, with a cache or without, goes
// over to another model with it, and ends with it.
func TestClassifierOfDatabase(t *testing.T) {
	enc := &spoken{}
	d := open(t, newPath(t), &db.Options{Encoder: enc, TextCache: -1})
	gallery(t, d)
	c, err := d.Classifier([]string{"red", "green", "blue"}, nil)
	if err != nil {
		t.Fatal(err)
	}
	want, err := d.Classify(ctx, picture(t, "green", 1), []string{"red", "green", "blue"}, nil)
	if err != nil {
		t.Fatal(err)
	}
	asked := enc.texts.Load()
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			if got, err := c.Classify(ctx, picture(t, "green", 1)); err != nil || !slices.Equal(got, want) {
				t.Errorf("%v, %v, want %v", got, err, want)
			}
		})
	}
	wg.Wait()
	if n := enc.texts.Load() - asked; n != 3 {
		t.Errorf("eight pictures asked for %d labels, want 3", n)
	}
	other := &spoken{counted: counted{palette: palette{name: "other"}}}
	if _, err := d.Reembed(ctx, other, nil); err != nil {
		t.Fatal(err)
	}
	if got, err := c.Classify(ctx, picture(t, "green", 1)); err != nil || got[0].Label != "green" || other.texts.Load() != 3 {
		t.Errorf("after Reembed: %v, %v, %d labels asked of the new model", got, err, other.texts.Load())
	}
	if err := d.Close(); err != nil {
		t.Fatal(err)
	}
	if _, err := c.Classify(ctx, picture(t, "green", 1)); !errors.Is(err, db.ErrClosed) {
		t.Errorf("closed: %v", err)
	}
}
