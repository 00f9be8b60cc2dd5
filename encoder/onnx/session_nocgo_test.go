//go:build !cgo

package onnx_test

import (
	"context"
	"errors"
	"strings"
	"testing"

	"github.com/clipdb/clipdb/encoder"
	"github.com/clipdb/clipdb/encoder/onnx"
)

func TestNoCgoSaysSo(t *testing.T) {
	e, err := onnx.Open(modelDir, nil)
	if err != nil {
		t.Fatal(err)
	}
	defer e.Close()
	_, err = e.EncodeText(context.Background(), []string{"dog"})
	if !errors.Is(err, encoder.ErrNoRuntime) || !strings.Contains(err.Error(), "built without cgo") {
		t.Errorf("got %v", err)
	}
}
