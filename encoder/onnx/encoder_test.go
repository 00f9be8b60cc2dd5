package onnx_test

import (
	"context"
	"errors"
	"fmt"
	"image"
	"image/color"
	"math"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/clipdb/clipdb/encoder"
	"github.com/clipdb/clipdb/encoder/model"
	"github.com/clipdb/clipdb/encoder/onnx"
	"github.com/clipdb/clipdb/encoder/onnx/library"
	"github.com/clipdb/clipdb/encoder/pixel"
)

// The built-in model serves as the model of these tests, read from its folder.
const modelDir = "../builtin"

// open returns a loaded encoder, or skips where nothing can run it.
func open(t testing.TB, opts *onnx.Options) *onnx.Encoder {
	t.Helper()
	e, err := onnx.Open(modelDir, opts)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := e.Close(); err != nil {
			t.Error(err)
		}
	})
	if err := e.Warm(context.Background()); errors.Is(err, encoder.ErrNoRuntime) {
		t.Skipf("needs ONNX Runtime (clipdb runtime install): %v", err)
	} else if err != nil {
		t.Fatal(err)
	}
	return e
}

// distance is the largest difference of two vectors in any component.
func distance(a, b []float32) float64 {
	var d float64
	for i := range a {
		d = max(d, math.Abs(float64(a[i])-float64(b[i])))
	}
	return d
}

func length(v []float32) float64 {
	var s float64
	for _, x := range v {
		s += float64(x) * float64(x)
	}
	return math.Sqrt(s)
}

// texts returns n different texts of very different lengths.
func texts(n int) []string {
	rng := rand.New(rand.NewPCG(7, uint64(n)))
	words := strings.Fields("dog cat red tree on the snow beside a lake 東京 café running https://x.org/y 12.5")
	out := make([]string, n)
	for i := range out {
		s := []string{fmt.Sprint("number ", i)}
		for range rng.IntN(1 << rng.IntN(7)) {
			s = append(s, words[rng.IntN(len(words))])
		}
		out[i] = strings.Join(s, " ")
	}
	return out
}

// pictures returns n different images of several types and sizes.
func pictures(n int) []image.Image {
	rng := rand.New(rand.NewPCG(9, uint64(n)))
	out := make([]image.Image, n)
	for i := range out {
		w, h := 20+rng.IntN(400), 20+rng.IntN(400)
		base := color.RGBA{uint8(rng.IntN(256)), uint8(rng.IntN(256)), uint8(rng.IntN(256)), 255}
		at := func(x, y int) color.Color {
			c := base
			c.R += uint8(x * (i + 1) / 3)
			c.G ^= uint8(y * (i + 3) / 5)
			return c
		}
		switch i % 3 {
		case 0:
			m := pixel.NewRGB(w, h)
			for y := range h {
				for x := range w {
					r, g, b, _ := at(x, y).RGBA()
					copy(m.Pix[3*(y*w+x):], []byte{byte(r >> 8), byte(g >> 8), byte(b >> 8)})
				}
			}
			out[i] = m
		case 1:
			m := image.NewNRGBA(image.Rect(0, 0, w, h))
			for y := range h {
				for x := range w {
					m.Set(x, y, at(x, y))
				}
			}
			out[i] = m
		default:
			m := image.NewGray(image.Rect(-5, 7, w, h+7))
			for y := range h {
				for x := range w {
					m.Set(x-5, y+7, at(x, y))
				}
			}
			out[i] = m
		}
	}
	return out
}

// Whatever batch a text shares, its vector stays the same.
func TestTextVectorsDoNotDependOnCompany(t *testing.T) {
	ctx := context.Background()
	e := open(t, &onnx.Options{TextBatch: 8})
	in := texts(60)
	together, err := e.EncodeText(ctx, in)
	if err != nil {
		t.Fatal(err)
	}
	worst := 0.0
	for i, s := range in {
		alone, err := e.EncodeText(ctx, []string{s})
		if err != nil {
			t.Fatal(err)
		}
		worst = max(worst, distance(alone[0], together[i]))
		if d := math.Abs(length(together[i]) - 1); d > 1e-6 {
			t.Errorf("text %d: length is off by %g", i, d)
		}
	}
	if worst > 1e-5 {
		t.Errorf("components differ by up to %g", worst)
	}
	t.Logf("components differ by at most %.2g", worst)
	if d := distance(together[0], together[1]); d < 1e-3 {
		t.Errorf("different texts have the same vector (%g)", d)
	}
}

func TestImageVectorsDoNotDependOnCompany(t *testing.T) {
	ctx := context.Background()
	e := open(t, &onnx.Options{ImageBatch: 4})
	in := pictures(11)
	together, err := e.EncodeImages(ctx, in)
	if err != nil {
		t.Fatal(err)
	}
	worst := 0.0
	for i := range in {
		alone, err := e.EncodeImages(ctx, in[i:i+1])
		if err != nil {
			t.Fatal(err)
		}
		worst = max(worst, distance(alone[0], together[i]))
		if d := math.Abs(length(together[i]) - 1); d > 1e-6 {
			t.Errorf("image %d: length is off by %g", i, d)
		}
	}
	if worst > 1e-5 {
		t.Errorf("components differ by up to %g", worst)
	}
	t.Logf("components differ by at most %.2g", worst)
	if d := distance(together[0], together[1]); d < 1e-3 {
		t.Errorf("different images have the same vector (%g)", d)
	}
}

// Many goroutines share the lanes; each gets its own answers.
func TestConcurrentCallers(t *testing.T) {
	ctx := context.Background()
	e := open(t, &onnx.Options{TextBatch: 5, ImageBatch: 3})
	words, imgs := texts(12), pictures(6)
	wantText, err := e.EncodeText(ctx, words)
	if err != nil {
		t.Fatal(err)
	}
	wantImage, err := e.EncodeImages(ctx, imgs)
	if err != nil {
		t.Fatal(err)
	}
	var wg sync.WaitGroup
	for g := range 8 {
		wg.Go(func() {
			rng := rand.New(rand.NewPCG(uint64(g), 1))
			for range 4 {
				i, j := rng.IntN(len(words)-2), rng.IntN(len(imgs)-1)
				got, err := e.EncodeText(ctx, words[i:i+2])
				if err != nil {
					t.Error(err)
					return
				}
				for k := range got {
					if d := distance(got[k], wantText[i+k]); d > 1e-5 {
						t.Errorf("text %d: off by %g", i+k, d)
					}
				}
				pic, err := e.EncodeImages(ctx, imgs[j:j+1])
				if err != nil {
					t.Error(err)
					return
				}
				if d := distance(pic[0], wantImage[j]); d > 1e-5 {
					t.Errorf("image %d: off by %g", j, d)
				}
			}
		})
	}
	wg.Wait()
}

func TestEmptyAndBadInput(t *testing.T) {
	ctx := context.Background()
	e := open(t, nil)
	if v, err := e.EncodeText(ctx, nil); v != nil || err != nil {
		t.Errorf("no texts: %v, %v", v, err)
	}
	if v, err := e.EncodeImages(ctx, nil); v != nil || err != nil {
		t.Errorf("no images: %v, %v", v, err)
	}
	for name, text := range map[string]string{"not UTF-8": "dog \xff", "a megabyte": strings.Repeat("dog ", 1<<18)} {
		if _, err := e.EncodeText(ctx, []string{"fine", text}); !errors.Is(err, encoder.ErrBadText) || !strings.Contains(err.Error(), "text 1") {
			t.Errorf("%s: %v", name, err)
		}
	}
	good := pictures(1)[0]
	for name, img := range map[string]image.Image{"nil": nil, "empty": pixel.NewRGB(0, 0), "panics": badImage{}} {
		if _, err := e.EncodeImages(ctx, []image.Image{good, img, good}); err == nil || !strings.Contains(err.Error(), "image 1") {
			t.Errorf("%s image: %v", name, err)
		}
	}
	// And the encoder goes on working.
	if _, err := e.EncodeImages(ctx, []image.Image{good}); err != nil {
		t.Error(err)
	}
}

// badImage breaks the contract of image.Image.
type badImage struct{}

func (badImage) ColorModel() color.Model { return color.RGBAModel }
func (badImage) Bounds() image.Rectangle { return image.Rect(0, 0, 40, 40) }
func (badImage) At(x, y int) color.Color { panic("no such pixel") }

func TestContext(t *testing.T) {
	e := open(t, &onnx.Options{Threads: 1, TextBatch: 256})
	done, cancel := context.WithCancel(context.Background())
	cancel()
	if _, err := e.EncodeText(done, []string{"dog"}); !errors.Is(err, context.Canceled) {
		t.Errorf("text: %v", err)
	}
	if _, err := e.EncodeImages(done, pictures(1)); !errors.Is(err, context.Canceled) {
		t.Errorf("image: %v", err)
	}

	// A run of many long texts takes long; its caller gives up early, and the
	// run is stopped for the sake of the next caller. Other programs may hold
	// the machine up, so it gets three chances.
	long := make([]string, 64)
	for i := range long {
		long[i] = fmt.Sprint(i, strings.Repeat(" running dog", 40))
	}
	begin := time.Now()
	if _, err := e.EncodeText(context.Background(), long); err != nil {
		t.Fatal(err)
	}
	whole := time.Since(begin)
	var took time.Duration
	for range 3 {
		ctx, cancel := context.WithTimeout(context.Background(), whole/20)
		begin = time.Now()
		if _, err := e.EncodeText(ctx, long); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("got %v", err)
		}
		cancel()
		if _, err := e.EncodeText(context.Background(), []string{"dog"}); err != nil {
			t.Error(err)
		}
		if took = time.Since(begin); took < whole/2 {
			return
		}
	}
	t.Errorf("giving up and the next text took %v, the whole run %v", took, whole)
}

func TestClose(t *testing.T) {
	e := open(t, nil)
	ctx := context.Background()
	var calls sync.WaitGroup
	for range 4 {
		calls.Go(func() {
			if v, err := e.EncodeText(ctx, texts(20)); !errors.Is(err, encoder.ErrClosed) && (err != nil || len(v) != 20) {
				t.Errorf("%d vectors, %v", len(v), err)
			}
		})
	}
	if err := e.Close(); err != nil {
		t.Error(err)
	}
	calls.Wait()
	if err := e.Close(); err != nil {
		t.Errorf("second Close: %v", err)
	}
	if _, err := e.EncodeText(ctx, []string{"dog"}); !errors.Is(err, encoder.ErrClosed) {
		t.Errorf("text after Close: %v", err)
	}
	if _, err := e.EncodeImages(ctx, pictures(1)); !errors.Is(err, encoder.ErrClosed) {
		t.Errorf("image after Close: %v", err)
	}
	if err := e.Warm(ctx); !errors.Is(err, encoder.ErrClosed) {
		t.Errorf("Warm after Close: %v", err)
	}
	if e.Model().Dim == 0 {
		t.Error("Model must work after Close")
	}
}

// copyModel copies the model to a folder of the test.
func copyModel(t *testing.T) string {
	t.Helper()
	m, err := model.Open(os.DirFS(modelDir))
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	names := []string{model.FileName}
	for _, f := range m.Files() {
		names = append(names, f.Name)
	}
	for _, name := range names {
		data, err := os.ReadFile(filepath.Join(modelDir, name))
		if err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(dir, name), data, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

func TestAlteredModelIsRefused(t *testing.T) {
	open(t, nil) // skips without a runtime
	ctx := context.Background()
	for _, name := range []string{"text.onnx", "image.onnx", "vocab.txt"} {
		dir := copyModel(t)
		path := filepath.Join(dir, name)
		data, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		data[len(data)/2] ^= 1
		if err := os.WriteFile(path, data, 0o644); err != nil {
			t.Fatal(err)
		}
		// Other options, so that the tower of another test is not shared.
		e, err := onnx.Open(dir, &onnx.Options{TextBatch: 3, ImageBatch: 3})
		if err != nil {
			t.Fatal(err)
		}
		if err := e.Warm(ctx); !errors.Is(err, model.ErrFile) || !strings.Contains(err.Error(), name) {
			t.Errorf("altered %s: %v", name, err)
		}
		// Put right, the same encoder works: failures are not kept.
		data[len(data)/2] ^= 1
		if err := os.WriteFile(path, data, 0o644); err != nil {
			t.Fatal(err)
		}
		if err := e.Warm(ctx); err != nil {
			t.Errorf("mended %s: %v", name, err)
		}
		if err := e.Close(); err != nil {
			t.Error(err)
		}
	}
}

func TestMissingManifest(t *testing.T) {
	if _, err := onnx.Open(t.TempDir(), nil); !errors.Is(err, model.ErrLayout) {
		t.Error(err)
	}
}

func TestWithoutRuntime(t *testing.T) {
	if _, loaded := onnx.Loaded(); loaded {
		t.Skip("a library is loaded already")
	}
	ctx := context.Background()
	missing := filepath.Join(t.TempDir(), "nowhere")
	e, err := onnx.Open(modelDir, &onnx.Options{Library: missing})
	if err != nil {
		t.Fatal(err)
	}
	defer e.Close()
	if e.Model().Dim == 0 || len(e.Model().Fingerprint) != 64 {
		t.Errorf("model without a runtime: %+v", e.Model())
	}
	_, textErr := e.EncodeText(ctx, []string{"dog"})
	_, imageErr := e.EncodeImages(ctx, pictures(1))
	for what, err := range map[string]error{"text": textErr, "image": imageErr, "warm": e.Warm(ctx)} {
		if !errors.Is(err, encoder.ErrNoRuntime) {
			t.Errorf("%s: %v", what, err)
		}
	}
	// Once the library is there, the same encoder works.
	lib, err := library.Find(library.Options{})
	if err != nil {
		t.Skipf("needs ONNX Runtime (clipdb runtime install): %v", err)
	}
	if err := os.Symlink(lib.Path, missing); err != nil {
		t.Skip(err)
	}
	if err := e.Warm(ctx); err != nil && !strings.Contains(err.Error(), "without cgo") {
		t.Errorf("with the library in place: %v", err)
	}
}

// Files that are not the model they claim to be give errors, not crashes.
func TestModelsThatDoNotFit(t *testing.T) {
	open(t, nil) // skips without a runtime
	read := func(name string) []byte {
		data, err := os.ReadFile(filepath.Join(modelDir, name))
		if err != nil {
			t.Fatal(err)
		}
		return data
	}
	image, text, vocab := read("image.onnx"), read("text.onnx"), read("vocab.txt")
	garbage := []byte(strings.Repeat("this is no model ", 1000))
	ctx := context.Background()
	for name, c := range map[string]struct {
		image, text []byte
		change      func(*model.Manifest)
		want        string
	}{
		"garbage":        {garbage, garbage, func(*model.Manifest) {}, "tower"},
		"half":           {image[:len(image)/2], text[:len(text)/2], func(*model.Manifest) {}, "tower"},
		"towers swapped": {text, image, func(*model.Manifest) {}, "tower"},
		"other dim":      {image, text, func(m *model.Manifest) { m.Dim = 100 }, "tower"},
		"other size":     {image, text, func(m *model.Manifest) { m.Image.ImageSize = 33; m.Text.Inputs = m.Text.Inputs[:1] }, "tower"},
		"other names":    {image, text, func(m *model.Manifest) { m.Image.Input = "x"; m.Text.Output = "y" }, "tower"},
		"missing":        {nil, nil, func(m *model.Manifest) { m.Image.File = "a"; m.Text.File = "b" }, "not embedded"},
	} {
		t.Run(name, func(t *testing.T) {
			m, err := model.Open(os.DirFS(modelDir))
			if err != nil {
				t.Fatal(err)
			}
			files := onnx.Embedded{m.Image.File: c.image, m.Text.File: c.text, m.Text.Vocab: vocab}
			c.change(m)
			// Batches of another size keep these towers apart from good ones.
			e, err := onnx.New(m, files, &onnx.Options{TextBatch: 7, ImageBatch: 7})
			if err != nil {
				t.Fatal(err)
			}
			defer e.Close()
			_, textErr := e.EncodeText(ctx, []string{"dog"})
			_, imageErr := e.EncodeImages(ctx, pictures(1))
			for what, err := range map[string]error{"text": textErr, "image": imageErr} {
				if err == nil || !strings.Contains(err.Error(), c.want) {
					t.Errorf("%s: %v", what, err)
				}
			}
		})
	}
}
