package onnx_test

import (
	"bytes"
	"context"
	"errors"
	"image"
	"log/slog"
	"strings"
	"testing"

	"github.com/clipdb/clipdb/encoder"
	"github.com/clipdb/clipdb/encoder/onnx"
)

var (
	_ encoder.Meter    = (*onnx.Encoder)(nil)
	_ encoder.Preparer = (*onnx.Encoder)(nil)
)

// A provider that the library lacks, or that the machine has no device for,
// costs a word in the log and nothing else. Where one does run, it must agree
// with the CPU.
func TestProvidersFallBack(t *testing.T) {
	ctx := context.Background()
	images := []image.Image{pictures(3)[1]}
	want := open(t, &onnx.Options{Provider: onnx.CPU})
	images1, err := want.EncodeImages(ctx, images)
	if err != nil {
		t.Fatal(err)
	}
	texts1, err := want.EncodeText(ctx, texts(1))
	if err != nil {
		t.Fatal(err)
	}
	if s := want.Stats(); s.Image.Provider != "cpu" || s.Text.Provider != "cpu" {
		t.Errorf("asked for the CPU: %+v", s)
	}
	for _, p := range onnx.Providers()[1:] {
		t.Run(string(p), func(t *testing.T) {
			var log bytes.Buffer
			e := open(t, &onnx.Options{Provider: p, Logger: slog.New(slog.NewTextHandler(&log, nil))})
			s := e.Stats()
			tolerance := 1e-5
			switch {
			case s.Image.Provider == string(p):
				tolerance = 0.02 // devices compute in half precision, or nearly
			case s.Image.Provider != "cpu" || s.Text.Provider != "cpu":
				t.Errorf("runs on %q and %q", s.Image.Provider, s.Text.Provider)
			case strings.Count(log.String(), "level=WARN") != 2 || !strings.Contains(log.String(), "provider="+string(p)) ||
				!strings.Contains(log.String(), "error=") || strings.Contains(log.String(), "error=<nil>"):
				t.Errorf("runs on the CPU without a word of why:\n%s", log.String())
			}
			t.Logf("images on %s, texts on %s\n%s", s.Image.Provider, s.Text.Provider, log.String())
			v, err := e.EncodeImages(ctx, images)
			if err != nil {
				t.Fatal(err)
			}
			if d := distance(v[0], images1[0]); d > tolerance {
				t.Errorf("image differs by %g", d)
			}
			if v, err = e.EncodeText(ctx, texts(1)); err != nil {
				t.Fatal(err)
			}
			if d := distance(v[0], texts1[0]); d > tolerance {
				t.Errorf("text differs by %g", d)
			}
		})
	}
}

func TestProviderNames(t *testing.T) {
	for in, want := range map[string]onnx.Provider{"cpu": onnx.CPU, " CUDA ": onnx.CUDA, "CoreML": onnx.CoreML} {
		if p, err := onnx.ParseProvider(in); p != want || err != nil {
			t.Errorf("%q: %q, %v", in, p, err)
		}
	}
	_, err := onnx.Open(modelDir, &onnx.Options{Provider: "rocket"})
	if !errors.Is(err, onnx.ErrProvider) || !strings.Contains(err.Error(), `"rocket"; known are cpu, cuda`) {
		t.Errorf("got %v", err)
	}
	t.Setenv(onnx.ProviderVariable, "rocket")
	if _, err := onnx.Open(modelDir, nil); !errors.Is(err, onnx.ErrProvider) {
		t.Errorf("from the environment: %v", err)
	}
	if e, err := onnx.Open(modelDir, &onnx.Options{Provider: onnx.CPU}); err != nil {
		t.Errorf("the option counts more than the environment: %v", err)
	} else if err := e.Close(); err != nil {
		t.Error(err)
	}
}

// Tensors made ahead give the vectors that their images give.
func TestTensors(t *testing.T) {
	ctx := context.Background()
	e := open(t, nil)
	imgs := pictures(7)
	want, err := e.EncodeImages(ctx, imgs)
	if err != nil {
		t.Fatal(err)
	}
	before := e.Stats().Image
	tensors := make([][]float32, len(imgs))
	for i, img := range imgs {
		if tensors[i], err = e.PrepareImage(img); err != nil {
			t.Fatal(err)
		}
	}
	got, err := e.EncodeTensors(ctx, tensors)
	if err != nil {
		t.Fatal(err)
	}
	for i := range imgs {
		if d := distance(got[i], want[i]); d > 1e-5 {
			t.Errorf("image %d differs by %g", i, d)
		}
	}
	// All of them were there before the first run, so runs are full.
	after := e.Stats().Image
	full := (len(imgs) + onnx.DefaultImageBatch - 1) / onnx.DefaultImageBatch
	if n := after.Items - before.Items; n != int64(len(imgs)) || after.Runs-before.Runs != int64(full) || after.Busy <= before.Busy {
		t.Errorf("%d images in %d runs of %v", n, after.Runs-before.Runs, after.Busy-before.Busy)
	}
	if _, err := e.EncodeTensors(ctx, [][]float32{make([]float32, 5)}); err == nil {
		t.Error("took a tensor of another size")
	}
	if _, err := e.PrepareImage(nil); err == nil {
		t.Error("prepared nothing")
	}
	if v, err := e.EncodeTensors(ctx, nil); v != nil || err != nil {
		t.Errorf("no tensors: %v, %v", v, err)
	}
	stopped, cancel := context.WithCancel(ctx)
	cancel()
	if _, err := e.EncodeTensors(stopped, tensors[:1]); !errors.Is(err, context.Canceled) {
		t.Errorf("got %v", err)
	}
}
