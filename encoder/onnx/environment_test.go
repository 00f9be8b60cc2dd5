package onnx

import (
	"bytes"
	"context"
	"errors"
	"os"
	"runtime"
	"strconv"
	"testing"

	"github.com/clipdb/clipdb/encoder"
)

// loaded returns an encoder with both towers, or skips.
func loaded(t *testing.T, opts *Options) *Encoder {
	t.Helper()
	e, err := Open("../builtin", opts)
	if err != nil {
		t.Fatal(err)
	}
	if err := e.Warm(context.Background()); errors.Is(err, encoder.ErrNoRuntime) {
		t.Skipf("needs ONNX Runtime (clipdb runtime install): %v", err)
	} else if err != nil {
		t.Fatal(err)
	}
	return e
}

func TestEncodersShareTowers(t *testing.T) {
	a, b := loaded(t, nil), loaded(t, nil)
	other := loaded(t, &Options{Threads: 1, TextBatch: 2})
	if a.text.value != b.text.value || a.image.value != b.image.value {
		t.Error("two encoders of one model have sessions of their own")
	}
	if other.text.value == a.text.value {
		t.Error("encoders with other options share a session")
	}
	if _, ok := Loaded(); !ok {
		t.Error("no library is loaded")
	}
	if err := a.Close(); err != nil {
		t.Fatal(err)
	}
	if _, err := b.EncodeText(context.Background(), []string{"dog"}); err != nil {
		t.Errorf("after the other encoder was closed: %v", err)
	}
	if err := errors.Join(b.Close(), other.Close()); err != nil {
		t.Fatal(err)
	}
	if n := len(environment.towers); n != 0 {
		t.Errorf("%d towers are left open", n)
	}
	if lib, ok := Loaded(); ok {
		t.Errorf("%s is still loaded", lib.Path)
	}
}

// Opening and closing again and again must neither crash nor grow.
func TestReopen(t *testing.T) {
	if testing.Short() {
		t.Skip("slow")
	}
	var base int
	for i := range 14 {
		e := loaded(t, nil)
		if _, err := e.EncodeText(context.Background(), []string{"dog"}); err != nil {
			t.Fatal(err)
		}
		if err := e.Close(); err != nil {
			t.Fatal(err)
		}
		if i == 5 {
			base = resident(t)
		}
	}
	grown := resident(t) - base
	t.Logf("resident: %d MB after 6 rounds, %+d MB after 14", base>>20, grown>>20)
	// A session left behind would cost 80 MB a round.
	if grown > 200<<20 {
		t.Errorf("memory grew by %d MB in 8 rounds", grown>>20)
	}
}

// resident returns the resident bytes of this process.
func resident(t *testing.T) int {
	t.Helper()
	runtime.GC()
	data, err := os.ReadFile("/proc/self/statm")
	if err != nil {
		t.Skip("needs /proc")
	}
	pages, err := strconv.Atoi(string(bytes.Fields(data)[1]))
	if err != nil {
		t.Fatal(err)
	}
	return pages * os.Getpagesize()
}
