package clipdb_test

import (
	"bufio"
	"encoding/base64"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"golang.org/x/text/unicode/norm"

	"github.com/clipdb/clipdb"
	"github.com/clipdb/clipdb/encoder"
	"github.com/clipdb/clipdb/encoder/builtin"
	"github.com/clipdb/clipdb/encoder/onnx"
)

// ownModel opens the built-in model, or skips.
func ownModel(t testing.TB) clipdb.Encoder {
	t.Helper()
	enc, err := builtin.New(nil)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { enc.Close() })
	if _, err := enc.EncodeText(ctx, []string{"a"}); errors.Is(err, clipdb.ErrNoRuntime) {
		t.Skip("needs ONNX Runtime: run `make setup` or `clipdb runtime install`")
	} else if err != nil {
		t.Fatal(err)
	}
	return enc
}

// The score of a label among several templates is the cosine with the mean of
// the captions' unit vectors, by the built-in model's own vectors.
func TestClassifyAverages(t *testing.T) {
	enc := ownModel(t)
	labels := []string{"cat", "rocket", "cup of coffee"}
	templates := []string{"a photo of a {}.", "a close-up of a {}", "art of the {}."}
	c, err := clipdb.NewClassifier(enc, labels, &clipdb.ClassifyOptions{Templates: templates})
	if err != nil {
		t.Fatal(err)
	}
	scores, err := c.Classify(ctx, clipdb.File("examples/data/photos/cat.jpg"))
	if err != nil || scores[0].Label != "cat" {
		t.Fatalf("%v, %v", scores, err)
	}
	db := open(t, filepath.Join(t.TempDir(), "test.clipdb"), &clipdb.Options{Encoder: enc})
	if _, err := db.Insert(ctx, clipdb.Item{ID: "cat", Image: clipdb.File("examples/data/photos/cat.jpg")}); err != nil {
		t.Fatal(err)
	}
	rec, err := db.GetWith(ctx, "cat", clipdb.Fetch{Vector: true})
	if err != nil {
		t.Fatal(err)
	}
	logits := map[string]float64{}
	var sum float64
	for _, l := range labels {
		mean := make([]float64, len(rec.Vector))
		for _, tpl := range templates {
			vs, err := enc.EncodeText(ctx, []string{strings.ReplaceAll(tpl, "{}", l)})
			if err != nil {
				t.Fatal(err)
			}
			for i, x := range vs[0] {
				mean[i] += float64(x) / length(vs[0])
			}
		}
		var along, norm float64
		for i, x := range mean {
			along += x * float64(rec.Vector[i])
			norm += x * x
		}
		logits[l] = along / math.Sqrt(norm)
		sum += math.Exp(float64(enc.Model().LogitScale) * logits[l])
	}
	for _, s := range scores {
		if p := math.Exp(float64(enc.Model().LogitScale)*logits[s.Label]) / sum; math.Abs(logits[s.Label]-float64(s.Score)) > 1e-4 || math.Abs(p-float64(s.Probability)) > 1e-3 {
			t.Errorf("%s: score %v and probability %v, want %v and %v", s.Label, s.Score, s.Probability, logits[s.Label], p)
		}
	}
	// A stored item is classified by its vector, without its picture.
	of, err := db.Classifier(labels, &clipdb.ClassifyOptions{Templates: templates})
	if err != nil {
		t.Fatal(err)
	}
	if got, err := of.ClassifyVector(ctx, rec.Vector); err != nil || got[0].Label != "cat" || math.Abs(float64(got[0].Score-scores[0].Score)) > 1e-4 {
		t.Errorf("by its vector: %v, %v", got, err)
	}
}

func length(v []float32) float64 {
	var sum float64
	for _, x := range v {
		sum += float64(x) * float64(x)
	}
	return math.Sqrt(sum)
}

// scaled is a model with the scale and bias that its export does not tell.
type scaled struct {
	clipdb.Encoder
	scale, bias float32
}

func (s scaled) Model() encoder.Model {
	m := s.Encoder.Model()
	m.LogitScale, m.LogitBias = s.scale, s.bias
	return m
}

// A SigLIP's probabilities are the logistic function of each logit, reckoned here
// from the vectors that transformers computes with the same weights: with the
// scale and bias of the family, and with those the weights came with.
func TestClassifySigmoid(t *testing.T) {
	dir := filepath.Join("encoder", "modeltest", "testdata")
	data, err := os.ReadFile(filepath.Join(dir, "siglip", "golden.json"))
	if err != nil {
		t.Fatal(err)
	}
	var golden struct {
		Texts                 []string
		Dim                   int
		Scale, Bias           float32
		TextVectors           string `json:"text_vectors"`
		ImageVectors          string `json:"image_vectors"`
		textVectors, pictures [][]float64
	}
	if err := json.Unmarshal(data, &golden); err != nil {
		t.Fatal(err)
	}
	golden.textVectors, golden.pictures = rows(t, golden.TextVectors, golden.Dim), rows(t, golden.ImageVectors, golden.Dim)
	enc, err := onnx.Open(filepath.Join(dir, "siglip"), nil)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { enc.Close() })
	if _, err := enc.EncodeText(ctx, []string{"a"}); errors.Is(err, clipdb.ErrNoRuntime) {
		t.Skip("needs ONNX Runtime: run `make setup` or `clipdb runtime install`")
	}
	var labels []string
	at := map[string]int{}
	for i, text := range golden.Texts { // those that the search box would not trim or compose
		if strings.TrimSpace(text) == text && text != "" && norm.NFC.IsNormalString(text) {
			labels, at[text] = append(labels, text), i
		}
	}
	if len(labels) < 30 || !enc.Model().Sigmoid {
		t.Fatalf("%d labels, sigmoid %v", len(labels), enc.Model().Sigmoid)
	}
	for _, model := range []clipdb.Encoder{enc, scaled{enc, golden.Scale, golden.Bias}} {
		c, err := clipdb.NewClassifier(model, labels, &clipdb.ClassifyOptions{Templates: []string{"{}"}})
		if err != nil {
			t.Fatal(err)
		}
		m := model.Model()
		for n, picture := range golden.pictures {
			scores, err := c.Classify(ctx, clipdb.File(filepath.Join(dir, "pictures", fmt.Sprintf("%02d.png", n))))
			if err != nil {
				t.Fatal(err)
			}
			last := float32(2)
			for _, s := range scores {
				var cos float64
				for i, x := range golden.textVectors[at[s.Label]] {
					cos += x * picture[i]
				}
				want := 1 / (1 + math.Exp(-(float64(m.LogitScale)*cos + float64(m.LogitBias))))
				if math.Abs(want-float64(s.Probability)) > 1e-4 {
					t.Errorf("scale %v, picture %d, %.30q: probability %v, want %v", m.LogitScale, n, s.Label, s.Probability, want)
				}
				if s.Probability > last {
					t.Errorf("picture %d: not best first", n)
				}
				last = s.Probability
			}
		}
	}
}

// rows reads float32 vectors in base64 and brings them to unit length.
func rows(t testing.TB, text string, dim int) [][]float64 {
	t.Helper()
	raw, err := base64.StdEncoding.DecodeString(text)
	if err != nil || dim <= 0 || len(raw)%(4*dim) != 0 || len(raw) == 0 {
		t.Fatalf("%d bytes of vectors of %d: %v", len(raw), dim, err)
	}
	var out [][]float64
	for ; len(raw) > 0; raw = raw[4*dim:] {
		v, sum := make([]float64, dim), 0.0
		for i := range v {
			v[i] = float64(math.Float32frombits(binary.LittleEndian.Uint32(raw[4*i:])))
			sum += v[i] * v[i]
		}
		for i := range v {
			v[i] /= math.Sqrt(sum)
		}
		out = append(out, v)
	}
	return out
}

// thousand is as many labels in plain words: phrases of the training, and some
// of them once more in other words.
func thousand(t testing.TB) []string {
	t.Helper()
	f, err := os.Open("encoder/builtin/train/scenes.tsv")
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	seen := map[string]bool{}
	var labels []string
	for lines := bufio.NewScanner(f); lines.Scan(); {
		_, phrases, _ := strings.Cut(lines.Text(), "\t")
		for p := range strings.SplitSeq(phrases, "|") {
			if p != "" && !seen[p] {
				seen[p], labels = true, append(labels, p)
			}
		}
	}
	for i := 0; len(labels) < 1000; i++ {
		labels = append(labels, "part of "+labels[i])
	}
	return labels[:1000]
}

// BenchmarkClassify is the time of a picture among labels: of a first call, of
// the following ones of DB.Classify, of a Classifier, and of a Classifier that
// is given the vector. With the labels kept, a picture among a thousand costs
// what one among three costs.
func BenchmarkClassify(b *testing.B) {
	db := withModel(b)
	const cat = "examples/data/photos/cat.jpg"
	labels := thousand(b)
	classify := func(b *testing.B, labels []string, o *clipdb.ClassifyOptions) {
		b.Helper()
		if _, err := db.Classify(ctx, clipdb.File(cat), labels, o); err != nil {
			b.Fatal(err)
		}
	}
	b.Run("1000-labels-new", func(b *testing.B) {
		n := 0
		for b.Loop() { // templates of its own make all labels new
			n++
			classify(b, labels, &clipdb.ClassifyOptions{Templates: []string{fmt.Sprint(n, " {}")}})
		}
	})
	for _, n := range []int{3, 1000} {
		b.Run(fmt.Sprint(n, "-labels-kept"), func(b *testing.B) {
			classify(b, labels[:n], nil)
			for b.Loop() {
				classify(b, labels[:n], nil)
			}
		})
	}
	c, err := db.Classifier(labels, nil)
	if err != nil {
		b.Fatal(err)
	}
	b.Run("1000-labels-classifier", func(b *testing.B) {
		for b.Loop() {
			if _, err := c.Classify(ctx, clipdb.File(cat)); err != nil {
				b.Fatal(err)
			}
		}
	})
	b.Run("1000-labels-vector", func(b *testing.B) {
		v := make([]float32, 384)
		v[0] = 1
		for b.Loop() {
			if _, err := c.ClassifyVector(ctx, v); err != nil {
				b.Fatal(err)
			}
		}
	})
}
