package builtin_test

import (
	"context"
	"errors"
	"os"
	"testing"

	"github.com/clipdb/clipdb/encoder"
	"github.com/clipdb/clipdb/encoder/builtin"
	"github.com/clipdb/clipdb/encoder/encodertest"
	"github.com/clipdb/clipdb/encoder/onnx"
	"github.com/clipdb/clipdb/encoder/token"
)

// open returns the built-in encoder, or skips where nothing can run it.
func open(t testing.TB, opts *onnx.Options) *onnx.Encoder {
	t.Helper()
	e, err := builtin.New(opts)
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

// golden is what the training framework says of 40 texts.
func golden(t *testing.T) *encodertest.Golden {
	t.Helper()
	g, err := encodertest.ReadGolden("testdata/golden.json")
	if err != nil {
		t.Fatal(err)
	}
	if len(g.Items) < 40 {
		t.Fatalf("golden file holds %d texts", len(g.Items))
	}
	return g
}

// The files in the program are the ones that the manifest names, and together
// they keep to the size that was promised for the repository.
func TestEmbeddedFiles(t *testing.T) {
	m, err := builtin.Manifest()
	if err != nil {
		t.Fatal(err)
	}
	if err := m.Verify(context.Background(), os.DirFS(".")); err != nil {
		t.Error(err)
	}
	if n := builtin.Size(); n > 40e6 || n < 1e6 {
		t.Errorf("the model adds %d bytes to a program", n)
	}
	if m.Licence != "Apache-2.0" || len(m.TrainingData) == 0 {
		t.Errorf("licence %q, %d sources of training data", m.Licence, len(m.TrainingData))
	}
}

// Describing and making an encoder need no library, and load none.
func TestNewLoadsNothing(t *testing.T) {
	if _, loaded := onnx.Loaded(); loaded {
		t.Fatal("a library was loaded by another test")
	}
	model := builtin.Model()
	if model.Name == "" || model.Dim == 0 || len(model.Fingerprint) != 64 || model.LogitScale == 0 || model.ImageSize == 0 {
		t.Errorf("model %+v", model)
	}
	missing := t.TempDir()
	e, err := builtin.New(&onnx.Options{Library: missing})
	if err != nil {
		t.Fatal(err)
	}
	defer e.Close()
	if got := e.Model(); got.Fingerprint != model.Fingerprint {
		t.Errorf("encoder says %+v", got)
	}
	if _, loaded := onnx.Loaded(); loaded {
		t.Error("New has loaded the library")
	}
	if _, err := e.EncodeText(context.Background(), []string{"dog"}); !errors.Is(err, encoder.ErrNoRuntime) {
		t.Errorf("without a library: %v", err)
	}
}

func TestGoldenIDs(t *testing.T) {
	m, err := builtin.Manifest()
	if err != nil {
		t.Fatal(err)
	}
	vocab, err := os.Open(m.Text.Vocab)
	if err != nil {
		t.Fatal(err)
	}
	defer vocab.Close()
	tk, err := token.NewWordPiece(vocab, token.WordPieceOptions{Lowercase: m.Text.Lowercase})
	if err != nil {
		t.Fatal(err)
	}
	if tk.Pad() != m.Text.PadID {
		t.Errorf("vocabulary pads with %d, manifest says %d", tk.Pad(), m.Text.PadID)
	}
	golden(t).Tokens(t, tk, m.Text.ContextLength)
}

func TestGoldenVectors(t *testing.T) {
	golden(t).Vectors(t, open(t, nil), 0.99999)
}

// The built-in encoder passes the suite of every encoder.
func TestSuite(t *testing.T) {
	encodertest.Run(t, func(t testing.TB) encoder.Encoder { return open(t, nil) })
}
