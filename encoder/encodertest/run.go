package encodertest

import (
	"context"
	"encoding/hex"
	"image"
	"math"
	"slices"
	"strings"
	"testing"

	"github.com/clipdb/clipdb/encoder"
)

// Open returns an encoder of its own for each call. It may skip the test, for
// instance where no runtime is installed. The suite closes what it opens.
type Open func(t testing.TB) encoder.Encoder

// tolerance is how far the components of two vectors of one text or image may
// lie apart when they were computed in other company: runtimes add up in
// another order when the batch has another shape.
const tolerance = 1e-5

// Run holds the encoders that open returns against the contract of
// encoder.Encoder.
func Run(t *testing.T, open Open) {
	t.Helper()
	e := open(t)
	t.Cleanup(func() {
		if err := e.Close(); err != nil {
			t.Errorf("Close: %v", err)
		}
	})
	for _, c := range []struct {
		name string
		test func(*testing.T, encoder.Encoder)
	}{
		{"Model", testModel},
		{"Nothing", testNothing},
		{"UnitVectors", testUnitVectors},
		{"Repeatable", testRepeatable},
		{"BatchIsOneByOne", testBatch},
		{"Order", testOrder},
		{"OwnMemory", testOwnMemory},
		{"DifferentInputsDiffer", testDistinct},
		{"LongText", testLongText},
		{"BadText", testBadText},
		{"ImageTypes", testImageTypes},
		{"ImageShapes", testImageShapes},
		{"Orientation", testOrientation},
		{"BadImage", testBadImage},
		{"Concurrent", testConcurrent},
		{"Cancelled", testCancelled},
		{"CancelledOnTheWay", testCancelledOnTheWay},
	} {
		t.Run(c.name, func(t *testing.T) { c.test(t, e) })
	}
	t.Run("Close", func(t *testing.T) { testClose(t, open) })
	t.Run("CloseDuringCalls", func(t *testing.T) { testCloseDuringCalls(t, open) })
}

// texts are ordinary and odd; every encoder takes all of them.
var texts = []string{
	"a dog running on the beach",
	"Two men riding bicycles down a mountain trail.",
	"A PHOTO OF A CAT",
	"",
	" ",
	"\t\n",
	"...?!",
	"café au lait, crème brûlée",
	"一只狗 runs on the grass",
	"a dog 🐕 on a surfboard 🏄‍♂️",
	"don't can't won't it's",
	"null\x00 and bell\x07 and \ufffd",
	strings.Repeat("x", 300),
	strings.Repeat("with many people standing in front of a large building ", 20),
}

func encodeTexts(t testing.TB, e encoder.Encoder, texts ...string) [][]float32 {
	t.Helper()
	out, err := e.EncodeText(context.Background(), texts)
	if err != nil {
		t.Fatalf("EncodeText: %v", err)
	}
	if len(out) != len(texts) {
		t.Fatalf("%d vectors for %d texts", len(out), len(texts))
	}
	return out
}

func encodeImages(t testing.TB, e encoder.Encoder, images ...image.Image) [][]float32 {
	t.Helper()
	out, err := e.EncodeImages(context.Background(), images)
	if err != nil {
		t.Fatalf("EncodeImages: %v", err)
	}
	if len(out) != len(images) {
		t.Fatalf("%d vectors for %d images", len(out), len(images))
	}
	return out
}

// distance is the largest difference of two components, infinite for vectors
// of different length.
func distance(a, b []float32) float64 {
	if len(a) != len(b) {
		return math.Inf(1)
	}
	d := 0.0
	for i := range a {
		d = max(d, math.Abs(float64(a[i])-float64(b[i])))
	}
	return d
}

// cosine returns the cosine of the angle between two vectors.
func cosine(a, b []float32) float64 {
	if len(a) != len(b) {
		return math.NaN()
	}
	var ab, aa, bb float64
	for i := range a {
		x, y := float64(a[i]), float64(b[i])
		ab, aa, bb = ab+x*y, aa+x*x, bb+y*y
	}
	return ab / math.Sqrt(aa*bb)
}

func near(t testing.TB, what string, got, want []float32) {
	t.Helper()
	if d := distance(got, want); !(d <= tolerance) {
		t.Errorf("%s: vectors are %g apart, at most %g is allowed", what, d, tolerance)
	}
}

func testModel(t *testing.T, e encoder.Encoder) {
	m := e.Model()
	if m.Name == "" || m.Name != strings.TrimSpace(m.Name) {
		t.Errorf("name %q", m.Name)
	}
	if m.Family == "" || m.Licence == "" {
		t.Errorf("family %q, licence %q", m.Family, m.Licence)
	}
	if m.Dim < 2 {
		t.Errorf("dimension %d", m.Dim)
	}
	if sum, err := hex.DecodeString(m.Fingerprint); err != nil || len(sum) != 32 || m.Fingerprint != strings.ToLower(m.Fingerprint) {
		t.Errorf("fingerprint %q is no sha256 in lower-case hex", m.Fingerprint)
	}
	if !(m.LogitScale > 0) || math.IsInf(float64(m.LogitScale), 0) {
		t.Errorf("logit scale %v", m.LogitScale)
	}
	if len(m.Languages) == 0 {
		t.Error("no languages")
	}
	if m.ImageSize < 1 {
		t.Errorf("image size %d", m.ImageSize)
	}
	again := e.Model()
	if again.Fingerprint != m.Fingerprint || again.Dim != m.Dim || !slices.Equal(again.Languages, m.Languages) {
		t.Errorf("second Model %+v, first %+v", again, m)
	}
}

func testNothing(t *testing.T, e encoder.Encoder) {
	ctx := context.Background()
	for _, texts := range [][]string{nil, {}} {
		if out, err := e.EncodeText(ctx, texts); err != nil || len(out) != 0 {
			t.Errorf("no texts: %d vectors, %v", len(out), err)
		}
	}
	for _, images := range [][]image.Image{nil, {}} {
		if out, err := e.EncodeImages(ctx, images); err != nil || len(out) != 0 {
			t.Errorf("no images: %d vectors, %v", len(out), err)
		}
	}
}

// unit reports what is wrong with a vector of an encoder.
func unit(t testing.TB, what string, e encoder.Encoder, v []float32) {
	t.Helper()
	if len(v) != e.Model().Dim {
		t.Errorf("%s: %d components, the model has %d", what, len(v), e.Model().Dim)
		return
	}
	sum := 0.0
	for _, x := range v {
		sum += float64(x) * float64(x)
	}
	if math.IsNaN(sum) || math.Abs(math.Sqrt(sum)-1) > 1e-4 {
		t.Errorf("%s: norm %v", what, math.Sqrt(sum))
	}
}

func testUnitVectors(t *testing.T, e encoder.Encoder) {
	for i, v := range encodeTexts(t, e, texts...) {
		unit(t, texts[i], e, v)
	}
	for i, v := range encodeImages(t, e, scenes()...) {
		unit(t, sceneName(i), e, v)
	}
}

func testRepeatable(t *testing.T, e encoder.Encoder) {
	first, second := encodeTexts(t, e, texts...), encodeTexts(t, e, texts...)
	for i := range first {
		near(t, texts[i], second[i], first[i])
	}
	first, second = encodeImages(t, e, scenes()...), encodeImages(t, e, scenes()...)
	for i := range first {
		near(t, sceneName(i), second[i], first[i])
	}
}

func testBatch(t *testing.T, e encoder.Encoder) {
	for i, v := range encodeTexts(t, e, texts...) {
		near(t, texts[i], encodeTexts(t, e, texts[i])[0], v)
	}
	all := scenes()
	for i, v := range encodeImages(t, e, all...) {
		near(t, sceneName(i), encodeImages(t, e, all[i])[0], v)
	}
}

// testOrder turns the inputs round and repeats some, more of them than a
// batch is likely to hold.
func testOrder(t *testing.T, e encoder.Encoder) {
	single := encodeTexts(t, e, texts...)
	var many []string
	for i := range 75 {
		many = append(many, texts[(i*5)%len(texts)])
	}
	for i, v := range encodeTexts(t, e, many...) {
		near(t, many[i], v, single[(i*5)%len(texts)])
	}
	all := scenes()
	pictures := encodeImages(t, e, all...)
	slices.Reverse(all)
	all = append(all, all...)
	for i, v := range encodeImages(t, e, all...) {
		at := len(pictures) - 1 - i%len(pictures)
		near(t, sceneName(at), v, pictures[at])
	}
}

// testOwnMemory writes over what was returned: neither the other vectors of
// the call nor later calls may notice, and inputs stay as they were.
func testOwnMemory(t *testing.T, e encoder.Encoder) {
	in := slices.Clone(texts[:3])
	out := encodeTexts(t, e, in...)
	if !slices.Equal(in, texts[:3]) {
		t.Error("EncodeText changed its input")
	}
	want := slices.Clone(out[1])
	for i := range out[0] {
		out[0][i] = 99
	}
	for i := range out[2] {
		out[2][i] = 99
	}
	// Appending must not run into the neighbour either.
	_ = append(out[0], 77)
	if !slices.Equal(out[1], want) {
		t.Error("vectors of one call share memory")
	}
	near(t, "after writing over a result", encodeTexts(t, e, in[0])[0], encodeTexts(t, e, texts[0])[0])
	unit(t, "after writing over a result", e, encodeTexts(t, e, in[0])[0])
	all := scenes()[:2]
	before := slices.Clone(all[0].(*image.RGBA).Pix)
	pictures := encodeImages(t, e, all...)
	if !slices.Equal(before, all[0].(*image.RGBA).Pix) {
		t.Error("EncodeImages changed its input")
	}
	for i := range pictures[0] {
		pictures[0][i] = 99
	}
	unit(t, "after writing over a result", e, encodeImages(t, e, all[0])[0])
}

// testDistinct finds towers that are wired to nothing.
func testDistinct(t *testing.T, e encoder.Encoder) {
	words := encodeTexts(t, e, texts[0], texts[1], texts[2])
	pictures := encodeImages(t, e, scenes()[:3]...)
	for i := range 3 {
		for j := range i {
			if c := cosine(words[i], words[j]); !(c < 0.9999) {
				t.Errorf("%q and %q: cosine %v", texts[i], texts[j], c)
			}
			if c := cosine(pictures[i], pictures[j]); !(c < 0.9999) {
				t.Errorf("%s and %s: cosine %v", sceneName(i), sceneName(j), c)
			}
		}
	}
}
