package pixel_test

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"encoding/json"
	"math"
	"os"
	"path/filepath"
	"testing"

	"github.com/clipdb/clipdb/encoder/pixel"
)

// goldens is testdata/golden.json: what Pillow gave, see make_golden.py.
type goldens struct {
	Resize []struct {
		W, H   int
		Seed   uint32
		To     [2]int
		SHA256 string
	}
	Tensors []struct {
		W, H           int
		Seed           uint32
		Size           int
		Resize         string
		Mean, Std      [3]float64
		Pixels, Floats string
	}
	Files []goldenFile
}

type goldenFile struct {
	File                string
	W, H                int
	Stored              [2]int
	Orientation, Frames int
	SHA256              string
	Resizes             []struct {
		To     [2]int
		SHA256 string
	}
}

func golden(t testing.TB) goldens {
	t.Helper()
	var g goldens
	data, err := os.ReadFile(filepath.Join("testdata", "golden.json"))
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(data, &g); err != nil {
		t.Fatal(err)
	}
	return g
}

func readFile(t testing.TB, name string) []byte {
	t.Helper()
	data, err := os.ReadFile(filepath.Join("testdata", "files", name))
	if err != nil {
		t.Fatal(err)
	}
	return data
}

func sum(b []byte) string {
	s := sha256.Sum256(b)
	return hex.EncodeToString(s[:])
}

// pattern is the picture that make_golden.py draws under the same name.
func pattern(w, h int, seed uint32) *pixel.RGB {
	m := pixel.NewRGB(w, h)
	for y := range h {
		for x := range w {
			for c := range 3 {
				n := uint32(x)*374761393 + uint32(y)*668265263 + uint32(c)*2246822519 + seed*3266489917
				n = (n ^ n>>13) * 1274126177
				v := int((n ^ n>>16) & 0xff)
				if (x/16+y/16)%2 != 0 {
					v = min(((x/7+y/5+c)%3)*100+(x*255/w+y*255/h)/4, 255)
				}
				m.Pix[3*(y*w+x)+c] = byte(v)
			}
		}
	}
	return m
}

// TestResizePillow holds resized pixels against Pillow's by their sha256:
// not one byte differs.
func TestResizePillow(t *testing.T) {
	g := golden(t)
	for _, c := range g.Resize {
		out, err := pattern(c.W, c.H, c.Seed).Resize(c.To[0], c.To[1])
		if err != nil {
			t.Fatal(err)
		}
		if got := sum(out.Pix); got != c.SHA256 {
			t.Errorf("%dx%d to %v differs from Pillow", c.W, c.H, c.To)
		}
	}
	t.Logf("%d sizes equal", len(g.Resize))
	if len(g.Resize) < 40 {
		t.Errorf("only %d sizes", len(g.Resize))
	}
}

// TestTensorTorchvision holds size rule, crop and normalisation against
// torchvision's arithmetic on Pillow's pixels, to the last bit.
func TestTensorTorchvision(t *testing.T) {
	for _, c := range golden(t).Tensors {
		resize, err := pixel.ParseResize(c.Resize)
		if err != nil {
			t.Fatal(err)
		}
		spec := pixel.Spec{Size: c.Size, Resize: resize, CenterCrop: resize == pixel.Shortest}
		for i := range 3 {
			spec.Mean[i], spec.Std[i] = float32(c.Mean[i]), float32(c.Std[i])
		}
		dst := make([]float32, spec.Len())
		if err := spec.Tensor(dst, pattern(c.W, c.H, c.Seed)); err != nil {
			t.Fatal(err)
		}
		raw := make([]byte, 0, 4*len(dst))
		for _, v := range dst {
			raw = binary.LittleEndian.AppendUint32(raw, math.Float32bits(v))
		}
		if sum(raw) != c.Floats {
			t.Errorf("%dx%d %s to %d differs", c.W, c.H, c.Resize, c.Size)
		}
	}
}

// TestDecodePillow decodes every file of testdata and holds it against
// Pillow's convert("RGB") laid on white, before and after a resize: not one
// byte differs, lossy formats included.
func TestDecodePillow(t *testing.T) {
	files := golden(t).Files
	for _, f := range files {
		m, info, err := pixel.Decode(context.Background(), bytes.NewReader(readFile(t, f.File)), pixel.Limits{})
		if err != nil {
			t.Errorf("%s: %v", f.File, err)
			continue
		}
		if m.W != f.W || m.H != f.H {
			t.Errorf("%s: %dx%d, want %dx%d", f.File, m.W, m.H, f.W, f.H)
			continue
		}
		if info.Orientation != f.Orientation || info.Frames != f.Frames || info.Width != f.Stored[0] || info.Height != f.Stored[1] {
			t.Errorf("%s: %+v, want orientation %d, %d frames, %v", f.File, info, f.Orientation, f.Frames, f.Stored)
		}
		if sum(m.Pix) != f.SHA256 {
			t.Errorf("%s: pixels differ from Pillow's", f.File)
		}
		for _, r := range f.Resizes {
			out, err := m.Resize(r.To[0], r.To[1])
			if err != nil {
				t.Fatal(err)
			}
			if sum(out.Pix) != r.SHA256 {
				t.Errorf("%s: resized to %v differs from Pillow", f.File, r.To)
			}
		}
	}
	t.Logf("%d files equal", len(files))
	if len(files) < 100 {
		t.Errorf("only %d files", len(files))
	}
}
