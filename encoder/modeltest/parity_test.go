package modeltest

import (
	"bytes"
	"context"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"image"
	"image/png"
	"math"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/clipdb/clipdb/encoder"
	"github.com/clipdb/clipdb/encoder/model"
	"github.com/clipdb/clipdb/encoder/onnx"
	"github.com/clipdb/clipdb/encoder/token"
)

// reference is golden.json: what the reference library gives.
type reference struct {
	Texts        []string  `json:"texts"`
	IDs          [][]int32 `json:"ids"` // padded
	Dim          int       `json:"dim"`
	Size         int       `json:"size"`
	TextVectors  []byte    `json:"text_vectors"`  // float32 [40, dim]
	ImageVectors []byte    `json:"image_vectors"` // float32 [20, dim]
	Pixels       []byte    `json:"pixels"`        // bytes [20, 3, size, size]
	Scale        float32   `json:"scale"`
	Bias         *float32  `json:"bias"`
}

// family says what is expected of a folder.
type family struct {
	folder, name, tokenizer string
	sigmoid                 bool
	// levels is the largest difference of a preprocessed byte.
	levels int
}

var families = []family{
	{folder: "openai-clip", name: "clip", tokenizer: model.TokenizerJSON},
	{folder: "fashion-clip", name: "clip", tokenizer: model.VocabMerges},
	{folder: "siglip", name: "siglip", tokenizer: model.SentencePiece, sigmoid: true},
	{folder: "siglip2", name: "siglip2", tokenizer: model.TokenizerJSON, sigmoid: true},
	{folder: "chinese-clip", name: "chinese-clip", tokenizer: model.WordPiece},
	{folder: "open-clip", name: "open-clip", tokenizer: model.BytePair},
	{folder: "eva-clip", name: "eva-clip", tokenizer: model.BytePair},
	{folder: "biomedclip", name: "biomedclip", tokenizer: model.WordPiece},
	{folder: "mobileclip", name: "mobileclip", tokenizer: model.BytePair},
}

func readReference(t testing.TB, folder string) *reference {
	t.Helper()
	data, err := os.ReadFile(filepath.Join("testdata", folder, "golden.json"))
	if err != nil {
		t.Fatal(err)
	}
	var r reference
	if err := json.Unmarshal(data, &r); err != nil {
		t.Fatal(err)
	}
	if len(r.Texts) != 40 || len(r.IDs) != 40 || len(r.TextVectors) != 40*4*r.Dim ||
		len(r.ImageVectors) != 20*4*r.Dim || len(r.Pixels) != 20*3*r.Size*r.Size {
		t.Fatalf("%s: golden.json is not whole", folder)
	}
	return &r
}

func floats(raw []byte, row, dim int) []float32 {
	out := make([]float32, dim)
	for i := range out {
		out[i] = math.Float32frombits(binary.LittleEndian.Uint32(raw[4*(row*dim+i):]))
	}
	return out
}

func pictures(t testing.TB) []image.Image {
	t.Helper()
	out := make([]image.Image, 20)
	for i := range out {
		data, err := os.ReadFile(filepath.Join("testdata", "pictures", fmt.Sprintf("%02d.png", i)))
		if err != nil {
			t.Fatal(err)
		}
		if out[i], err = png.Decode(bytes.NewReader(data)); err != nil {
			t.Fatal(err)
		}
	}
	return out
}

func cosine(a, b []float32) float64 {
	var dot, aa, bb float64
	for i := range a {
		dot += float64(a[i]) * float64(b[i])
		aa += float64(a[i]) * float64(a[i])
		bb += float64(b[i]) * float64(b[i])
	}
	return dot / math.Sqrt(aa*bb)
}

// load makes the manifest of a folder.
func load(t testing.TB, folder string) (*model.Manifest, string) {
	t.Helper()
	dir := filepath.Join("testdata", folder)
	m, err := model.Load(context.Background(), dir)
	if err != nil {
		t.Fatalf("%s: %v", folder, err)
	}
	return m, dir
}

func openTokenizer(t testing.TB, m *model.Manifest, dir string) token.Tokenizer {
	t.Helper()
	tok, err := m.Text.OpenTokenizer(func(name string) ([]byte, error) { return os.ReadFile(filepath.Join(dir, name)) })
	if err != nil {
		t.Fatal(err)
	}
	return tok
}

// The manifest that is made of each folder says what its reference does.
func TestManifests(t *testing.T) {
	for _, f := range families {
		m, dir := load(t, f.folder)
		r := readReference(t, f.folder)
		if m.Family != f.name || m.Dim != r.Dim || m.Image.ImageSize != r.Size || m.Text.Tokenizer != f.tokenizer || m.Name != f.folder {
			t.Errorf("%s: %+v", f.folder, m)
		}
		if (m.Score == model.Sigmoid) != f.sigmoid || (r.Bias != nil) != f.sigmoid {
			t.Errorf("%s: score %q", f.folder, m.Score)
		}
		if m.Text.ContextLength != len(r.IDs[0]) {
			t.Errorf("%s: context of %d, the reference's is %d", f.folder, m.Text.ContextLength, len(r.IDs[0]))
		}
		if err := m.Verify(context.Background(), os.DirFS(dir)); err != nil {
			t.Errorf("%s: %v", f.folder, err)
		}
		// Written down and read again it is the same model.
		data, err := json.Marshal(m)
		if err != nil {
			t.Fatal(err)
		}
		again, err := model.Parse(data)
		if err != nil || again.Fingerprint() != m.Fingerprint() {
			t.Errorf("%s: written and read again: %v", f.folder, err)
		}
	}
}

// Ids are the reference's, padding included.
func TestIDs(t *testing.T) {
	for _, f := range families {
		m, dir := load(t, f.folder)
		r := readReference(t, f.folder)
		tok := openTokenizer(t, m, dir)
		for i, text := range r.Texts {
			got := tok.Encode(text, m.Text.ContextLength)
			n := len(got)
			for len(got) < len(r.IDs[i]) {
				got = append(got, m.Text.PadID)
			}
			if !slices.Equal(got, r.IDs[i]) {
				t.Errorf("%s: %.40q:\n got %v\nwant %v", f.folder, text, got[:n], r.IDs[i][:min(len(r.IDs[i]), n+2)])
			}
		}
	}
}

// Preprocessed pictures are the reference's, byte for byte.
func TestPixels(t *testing.T) {
	imgs := pictures(t)
	for _, f := range families {
		m, _ := load(t, f.folder)
		r := readReference(t, f.folder)
		spec := m.Spec()
		worst, differ := 0, 0
		for i, img := range imgs {
			got := make([]float32, spec.Len())
			if err := spec.Tensor(got, img); err != nil {
				t.Fatalf("%s: picture %d: %v", f.folder, i, err)
			}
			for j, v := range got {
				c := j / (r.Size * r.Size)
				level := int(math.Round(float64(v*spec.Std[c]+spec.Mean[c]) * 255))
				if d := level - int(r.Pixels[i*spec.Len()+j]); d != 0 {
					worst, differ = max(worst, d, -d), differ+1
				}
			}
		}
		t.Logf("%s: %d of %d bytes differ, by at most %d levels", f.folder, differ, len(r.Pixels), worst)
		if worst > f.levels {
			t.Errorf("%s: bytes differ by %d levels, want at most %d", f.folder, worst, f.levels)
		}
	}
}

// least is the lowest cosine that a vector may have with the reference's, also
// where the tower is of half precision.
const least = 0.99999

// Vectors are the reference's.
func TestVectors(t *testing.T) {
	ctx := context.Background()
	imgs := pictures(t)
	for _, f := range families {
		r := readReference(t, f.folder)
		e, err := onnx.Open(filepath.Join("testdata", f.folder), &onnx.Options{Threads: 1})
		if err != nil {
			t.Fatalf("%s: %v", f.folder, err)
		}
		texts, err := e.EncodeText(ctx, r.Texts)
		if errors.Is(err, encoder.ErrNoRuntime) {
			t.Skipf("needs ONNX Runtime (clipdb runtime install): %v", err)
		}
		if err != nil {
			t.Errorf("%s: %v", f.folder, err)
			continue
		}
		vectors, err := e.EncodeImages(ctx, imgs)
		if err != nil {
			t.Errorf("%s: %v", f.folder, err)
			continue
		}
		worstText, worstImage := 1.0, 1.0
		for i, v := range texts {
			c := cosine(v, floats(r.TextVectors, i, r.Dim))
			if worstText = min(worstText, c); !(c >= least) {
				t.Errorf("%s: %.40q: cosine %.7f", f.folder, r.Texts[i], c)
			}
		}
		for i, v := range vectors {
			c := cosine(v, floats(r.ImageVectors, i, r.Dim))
			if worstImage = min(worstImage, c); !(c >= least) {
				t.Errorf("%s: picture %d: cosine %.7f", f.folder, i, c)
			}
		}
		// Different inputs must not have the same vector, or the above is void.
		if c := cosine(texts[3], texts[5]); c > 0.999 {
			t.Errorf("%s: two texts have the cosine %.5f", f.folder, c)
		}
		if c := cosine(vectors[3], vectors[5]); c > 0.999 {
			t.Errorf("%s: two pictures have the cosine %.5f", f.folder, c)
		}
		t.Logf("%s: lowest cosine of texts %.8f, of pictures %.8f", f.folder, worstText, worstImage)
		if err := e.Close(); err != nil {
			t.Error(err)
		}
	}
}
