package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"github.com/clipdb/clipdb/encoder"
	"github.com/clipdb/clipdb/encoder/builtin"
)

// The command starts itself; the test binary does the same.
func TestMain(m *testing.M) {
	if len(os.Args) == 2 && os.Args[1] == childFlag {
		if err := serve(context.Background(), os.Stdin, os.Stdout); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		return
	}
	os.Exit(m.Run())
}

func withRuntime(t *testing.T) {
	t.Helper()
	e, err := builtin.New(nil)
	if err != nil {
		t.Fatal(err)
	}
	defer e.Close()
	if _, err := e.EncodeText(context.Background(), []string{"a dog"}); errors.Is(err, encoder.ErrNoRuntime) {
		t.Skipf("needs ONNX Runtime (clipdb runtime install): %v", err)
	}
}

// The built-in model is measured for real, in processes of its own.
func TestRun(t *testing.T) {
	withRuntime(t)
	out := filepath.Join(t.TempDir(), "encoder.md")
	o := options{photos: "../../examples/data/photos", out: out, seconds: 0.001, rounds: 2, batches: []int{1, 3}}
	o.limit = 1 << 40
	var stdout bytes.Buffer
	if err := run(context.Background(), o, &stdout); err != nil {
		t.Fatal(err)
	}
	tables, err := os.ReadFile(out)
	if err != nil || !bytes.Equal(tables, stdout.Bytes()) {
		t.Errorf("%v, or the file differs from what was printed", err)
	}
	for _, want := range []string{"| model | threads | 1 | 3 |", "| built-in | 1 | ", "texts/s, batch 32"} {
		if !strings.Contains(string(tables), want) {
			t.Errorf("%q is missing in\n%s", want, tables)
		}
	}
	content, err := os.ReadFile(strings.TrimSuffix(out, ".md") + ".json")
	if err != nil {
		t.Fatal(err)
	}
	var doc document
	if err := json.Unmarshal(content, &doc); err != nil {
		t.Fatal(err)
	}
	settings := 3 // two batches and texts with one thread
	if runtime.GOMAXPROCS(0) > 1 {
		settings = 8 // again with all cores, and two that spin
	}
	if len(doc.Rows) != settings || doc.Machine.Cores < 1 || doc.Seconds <= 0 || doc.Models[0].Dim != 384 {
		t.Errorf("%d rows: %+v", len(doc.Rows), doc)
	}
	for _, r := range doc.Rows {
		images := r.Images >= r.WithDecode && r.WithDecode > 0
		texts := r.Texts > 0 && r.TextP50 > 0 && r.TextP99 >= r.TextP50 && r.TextCalls >= 2*minTextCalls
		if images != (r.Task == taskImages) || texts != (r.Task == taskTexts) || r.Rounds != 2 || r.Runs < 2 || r.Load <= 0 || r.Provider != "cpu" {
			t.Errorf("%+v", r)
		}
		if runtime.GOOS == "linux" && (r.PeakBytes < 30e6 || r.CPU <= 0) {
			t.Errorf("%+v", r)
		}
	}
}

// A setting that cannot be measured ends the run with the reason.
func TestFailure(t *testing.T) {
	withRuntime(t)
	o := options{photos: t.TempDir(), rounds: 1, batches: []int{1}}
	if err := run(context.Background(), o, &bytes.Buffer{}); err == nil || !strings.Contains(err.Error(), "no JPEG") {
		t.Error(err)
	}
	if err := os.WriteFile(filepath.Join(o.photos, "bad.jpg"), []byte("no picture"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := run(context.Background(), o, &bytes.Buffer{}); err == nil || !strings.Contains(err.Error(), "built-in, images, 1 threads, batch 1: ") {
		t.Error(err)
	}
	if err := os.Mkdir(filepath.Join(o.photos, "empty"), 0o700); err != nil {
		t.Fatal(err)
	}
	o.models = o.photos
	if err := run(context.Background(), o, &bytes.Buffer{}); err == nil || !strings.Contains(err.Error(), "empty") {
		t.Error(err)
	}
}

func TestAgreements(t *testing.T) {
	full := vectors{Images: [][]float32{{1, 0.1}, {1, -0.1}}, Texts: [][]float32{{0, 1}, {1, 0}}}
	other := vectors{Images: [][]float32{{1, -0.1}, {1, 0.1}}, Texts: full.Texts} // pictures taken for each other
	models := []subject{{Name: "m-fp32"}, {Name: "m-int8"}, {Name: "alone-int8"}, {Name: builtIn}}
	all := agreements(models, map[string]vectors{"m-fp32": full, "m-int8": other, "alone-int8": other, builtIn: full})
	if len(all) != 1 || all[0].Model != "m-int8" {
		t.Fatalf("%+v", all)
	}
	a := all[0]
	if a.Images.Mean < 0.98 || a.Images.Least > a.Images.Mean || math.Abs(a.Images.Centred+1) > 1e-6 {
		t.Errorf("pictures that are exchanged look alike, but point the other way once centred: %+v", a.Images)
	}
	if math.Abs(a.Texts.Least-1) > 1e-9 || math.Abs(a.Texts.Centred-1) > 1e-9 || math.Abs(a.ApartTexts) > 1e-9 || math.Abs(a.Apart-0.99/1.01) > 1e-6 {
		t.Errorf("%+v", a)
	}
}
