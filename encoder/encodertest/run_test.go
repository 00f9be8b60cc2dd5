package encodertest_test

import (
	"context"
	"fmt"
	"hash/fnv"
	"image"
	"math"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"unicode/utf8"

	"github.com/clipdb/clipdb/encoder"
	"github.com/clipdb/clipdb/encoder/encodertest"
	"github.com/clipdb/clipdb/encoder/pixel"
)

// classical is a small encoder without a network: a picture becomes its mean
// colours on a grid, a text the sums of directions that its words hash to.
// It keeps the contract, but for the fault that it is told to have.
type classical struct {
	fault  string
	mu     sync.RWMutex
	closed bool
}

const dim = 24

func (c *classical) Model() encoder.Model {
	m := encoder.Model{
		Name: "classical", Family: "classical", Dim: dim, Licence: "Apache-2.0", Languages: []string{"en"},
		Fingerprint: strings.Repeat("0a", 32), LogitScale: 10, ImageSize: 4,
	}
	if c.fault == "model" {
		m.Fingerprint = "v1"
	}
	return m
}

// enter takes a share in the encoder until the function it returns is called.
func (c *classical) enter(ctx context.Context) (func(), error) {
	c.mu.RLock()
	if c.closed && c.fault != "closed" {
		c.mu.RUnlock()
		return nil, encoder.ErrClosed
	}
	if err := ctx.Err(); err != nil && c.fault != "context" {
		c.mu.RUnlock()
		return nil, err
	}
	return c.mu.RUnlock, nil
}

func (c *classical) EncodeText(ctx context.Context, texts []string) ([][]float32, error) {
	leave, err := c.enter(ctx)
	if err != nil {
		return nil, err
	}
	defer leave()
	var out [][]float32
	shared := make([]float32, dim)
	for i, text := range texts {
		if !utf8.ValidString(text) && c.fault != "utf8" {
			return nil, fmt.Errorf("text %d: %w", i, encoder.ErrBadText)
		}
		v := make([]float32, dim)
		if c.fault == "memory" {
			v = shared
		}
		clear(v)
		words := strings.Fields(strings.ToLower(text))
		if c.fault != "uncut" {
			words = words[:min(len(words), 60)]
		}
		v[0] = 1
		for _, w := range words {
			h := fnv.New64a()
			h.Write([]byte(w))
			for k, bits := 0, h.Sum64(); k < dim; k, bits = k+1, bits>>1 {
				v[k] += float32(bits&1) - 0.5
			}
		}
		if c.fault == "batch" {
			v[1] += float32(len(texts)) / 10
		}
		out = append(out, c.unit(v))
	}
	if c.fault == "order" && len(out) > 1 {
		out[0], out[1] = out[1], out[0]
	}
	return out, nil
}

func (c *classical) EncodeImages(ctx context.Context, images []image.Image) ([][]float32, error) {
	leave, err := c.enter(ctx)
	if err != nil {
		return nil, err
	}
	defer leave()
	var out [][]float32
	for i, img := range images {
		m, err := pixel.FromImage(img)
		if err != nil {
			return nil, fmt.Errorf("image %d: %w", i, err)
		}
		if c.fault == "bounds" {
			// What many a program does wrong: At from (0, 0) on.
			m = pixel.NewRGB(m.W, m.H)
			for p := range m.W * m.H {
				r, g, b, _ := img.At(p%m.W, p/m.W).RGBA()
				m.Pix[3*p], m.Pix[3*p+1], m.Pix[3*p+2] = byte(r>>8), byte(g>>8), byte(b>>8)
			}
		}
		small, err := m.Resize(4, 2)
		if err != nil {
			return nil, err
		}
		v := make([]float32, dim)
		for k, p := range small.Pix {
			v[k] = float32(p) - 100.5
		}
		out = append(out, c.unit(v))
	}
	return out, nil
}

func (c *classical) unit(v []float32) []float32 {
	sum := 0.0
	for _, x := range v {
		sum += float64(x) * float64(x)
	}
	if c.fault == "norm" {
		sum = 1
	}
	for i := range v {
		v[i] /= float32(math.Sqrt(sum))
	}
	return v
}

func (c *classical) Close() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.closed = true
	return nil
}

func TestRun(t *testing.T) {
	encodertest.Run(t, func(testing.TB) encoder.Encoder { return &classical{} })
}

// TestFaulty is run by TestCatches in a process of its own.
func TestFaulty(t *testing.T) {
	fault := os.Getenv("CLIPDB_ENCODERTEST_FAULT")
	if fault == "" {
		t.Skip("only as a child of TestCatches")
	}
	encodertest.Run(t, func(testing.TB) encoder.Encoder { return &classical{fault: fault} })
}

// TestCatches shows that the suite finds what it is there to find.
func TestCatches(t *testing.T) {
	for fault, test := range map[string]string{
		"model": "Model", "norm": "UnitVectors", "order": "Order", "batch": "BatchIsOneByOne", "memory": "OwnMemory",
		"utf8": "BadText", "context": "Cancelled", "closed": "Close", "uncut": "LongText", "bounds": "ImageTypes",
	} {
		child := exec.Command(os.Args[0], "-test.run=^TestFaulty$/^"+test+"$", "-test.v")
		child.Env = append(os.Environ(), "CLIPDB_ENCODERTEST_FAULT="+fault)
		out, err := child.CombinedOutput()
		if err == nil || !strings.Contains(string(out), "--- FAIL: TestFaulty/"+test+" ") {
			t.Errorf("fault %s: test %s did not fail", fault, test)
		}
	}
}

func TestReadGolden(t *testing.T) {
	write := func(text string) string {
		path := filepath.Join(t.TempDir(), "golden.json")
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	g, err := encodertest.ReadGolden(write(`{"model":"m","items":[{"text":"a","ids":[1,2],"vector":[0.6,0.8]}]}`))
	if err != nil || len(g.Items) != 1 || g.Items[0].IDs[1] != 2 {
		t.Errorf("%+v, %v", g, err)
	}
	for name, text := range map[string]string{
		"empty":         ``,
		"no items":      `{"model":"m","items":[]}`,
		"no ids":        `{"model":"m","items":[{"text":"a","vector":[1,0]}]}`,
		"no unit":       `{"model":"m","items":[{"text":"a","ids":[1],"vector":[1,1]}]}`,
		"other lengths": `{"model":"m","items":[{"text":"a","ids":[1],"vector":[1,0]},{"text":"b","ids":[1],"vector":[1]}]}`,
	} {
		if _, err := encodertest.ReadGolden(write(text)); err == nil {
			t.Errorf("%s: no error", name)
		}
	}
	if _, err := encodertest.ReadGolden(filepath.Join(t.TempDir(), "missing")); err == nil {
		t.Error("missing file: no error")
	}
}
