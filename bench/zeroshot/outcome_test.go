package main

import (
	"context"
	"image"
	"math"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/clipdb/clipdb"
	"github.com/clipdb/clipdb/encoder"
)

// fixed is a model whose vectors do not matter, for the scale of its scores.
type fixed struct{ m encoder.Model }

func (f fixed) Model() encoder.Model { return f.m }
func (f fixed) Close() error         { return nil }
func (f fixed) EncodeImages(context.Context, []image.Image) ([][]float32, error) {
	return nil, nil
}
func (f fixed) EncodeText(_ context.Context, texts []string) ([][]float32, error) {
	out := make([][]float32, len(texts))
	for i, t := range texts {
		out[i] = make([]float32, f.m.Dim)
		for j := range out[i] {
			out[i][j] = float32(math.Sin(float64((j + 1) * (len(t) + 3*int(t[0])))))
		}
	}
	return out, nil
}

// The probabilities that are measured are those that clipdb gives.
func TestProbabilities(t *testing.T) {
	for _, m := range []encoder.Model{
		{Dim: 8, LogitScale: 18}, {Dim: 8}, {Dim: 8, LogitScale: 18, Temperature: 2.5},
		{Dim: 8, LogitScale: 10, LogitBias: -4, Sigmoid: true, Temperature: 0.7},
	} {
		c, err := clipdb.NewClassifier(fixed{m}, []string{"a", "bb", "ccc", "dddd"}, nil)
		if err != nil {
			t.Fatal(err)
		}
		scores, err := c.ClassifyVector(t.Context(), []float32{1, 2, 3, -4, 5, 6, -7, 8})
		if err != nil {
			t.Fatal(err)
		}
		temperature := float64(m.Temperature)
		if temperature == 0 {
			temperature = 1
		}
		for i, s := range scores {
			if p := (outcome{scores: scores}).probability(m, i, temperature); math.Abs(p-float64(s.Probability)) > 1e-5 {
				t.Errorf("%+v: %v, clipdb has %v", m, p, s.Probability)
			}
		}
	}
}

// even makes outcomes of two labels whose first one has probability p, right
// so many times.
func even(p float64, n, right int) (all outcomes) {
	logit := math.Log(p / (1 - p))
	for i := range n {
		o := outcome{[]clipdb.LabelScore{{Label: "a", Score: float32(logit)}, {Label: "b"}}, "a"}
		if i >= right {
			o.truth = "b"
		}
		all = append(all, o)
	}
	return all
}

var plain = encoder.Model{LogitScale: 1}

func TestCalibrationError(t *testing.T) {
	for _, c := range []struct {
		all  outcomes
		want float64
	}{
		{even(0.9, 100, 90), 0},
		{even(0.9, 100, 50), 0.4},
		{append(even(0.9, 100, 80), even(0.7, 300, 240)...), 0.1},
		{append(even(0.71, 10, 9), even(0.69, 10, 5)...), 0}, // one bin: over and under even out
	} {
		if got := c.all.calibrationError(plain, 1); math.Abs(got-c.want) > 1e-6 {
			t.Errorf("ECE %v, want %v", got, c.want)
		}
	}
	if all := even(0.9, 100, 90); all.top(1) != 0.9 || all.top(2) != 1 || all.top(5) != 1 {
		t.Errorf("top 1, 2, 5: %v, %v, %v", all.top(1), all.top(2), all.top(5))
	}
}

// Truths that are drawn from the probabilities at a temperature lead the fit
// back to it.
func TestFit(t *testing.T) {
	for _, want := range []float64{0.5, 1, 3} {
		r := rand.New(rand.NewPCG(1, uint64(want*10)))
		var all outcomes
		for range 4000 {
			o := outcome{scores: make([]clipdb.LabelScore, 6)}
			for i := range o.scores {
				o.scores[i] = clipdb.LabelScore{Label: string(rune('a' + i)), Score: float32(3 * r.NormFloat64())}
			}
			slices.SortFunc(o.scores, func(a, b clipdb.LabelScore) int { return int(math.Copysign(1, float64(b.Score-a.Score))) })
			at := r.Float64()
			for i, s := range o.scores {
				if o.truth = s.Label; at < o.probability(plain, i, want) {
					break
				}
				at -= o.probability(plain, i, want)
			}
			all = append(all, o)
		}
		got := all.fit(plain)
		if math.Abs(got-want) > 0.1*want {
			t.Errorf("temperature %v, want %v", got, want)
		}
		if e := all.calibrationError(plain, got); e > 0.03 {
			t.Errorf("at temperature %v the ECE is %v", got, e)
		}
	}
}

// Of a model that judges each label alone the labels that are wrong count too:
// drawn from its probabilities, the fit leads back again.
func TestFitSigmoid(t *testing.T) {
	m := encoder.Model{LogitScale: 1, LogitBias: -2, Sigmoid: true}
	r := rand.New(rand.NewPCG(2, 2))
	var all outcomes
	for range 20000 {
		o := outcome{scores: []clipdb.LabelScore{{Label: "a", Score: float32(4 * r.NormFloat64())}}}
		if r.Float64() < o.probability(m, 0, 2) {
			o.truth = "a"
		}
		all = append(all, o)
	}
	if got := all.fit(m); math.Abs(got-2) > 0.1 {
		t.Errorf("temperature %v, want 2", got)
	}
}

func TestRead(t *testing.T) {
	dir := t.TempDir()
	files := map[string]string{
		"classes.tsv":          "index\tname\tfile\n0\ta \"large\" fish\t1.jpg\n1\tcat\timages/2.jpg\n",
		"fruit/captions.jsonl": `{"file":"x.jpg","labels":["kiwi","fruit"]}` + "\n" + `{"file":"y.jpg","labels":["apple"]}` + "\n" + `{"file":"z.jpg","labels":[]}` + "\n",
		"held.tsv":             "# comment\nfruit\tapple|pear\n",
		"all.tsv":              "fruit\t*\n",
		"none.tsv":             "fruit\tpear\n",
	}
	for name, text := range files {
		path := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	at := func(name string) string { return filepath.Join(dir, name) }
	sets, err := read(dir, "")
	if err != nil || len(sets) != 1 || !slices.Equal(sets[0].labels, []string{`a "large" fish`, "cat"}) || !slices.Equal(sets[0].truth, []int{0, 1}) {
		t.Errorf("classes: %+v, %v", sets, err)
	}
	sets, err = read(dir, at("held.tsv"))
	if err != nil || len(sets) != 1 || !slices.Equal(sets[0].labels, []string{"apple", "pear"}) || !slices.Equal(sets[0].truth, []int{0}) ||
		sets[0].files[0] != at("fruit/images/y.jpg") {
		t.Errorf("held out: %+v, %v", sets, err)
	}
	sets, err = read(dir, at("all.tsv"))
	if err != nil || !slices.Equal(sets[0].labels, []string{"kiwi", "apple"}) || !slices.Equal(sets[0].truth, []int{0, 1}) {
		t.Errorf("all labels: %+v, %v", sets, err)
	}
	for _, name := range []string{"none.tsv", "absent.tsv"} {
		if _, err := read(dir, at(name)); err == nil {
			t.Errorf("%s was read", name)
		}
	}
}
