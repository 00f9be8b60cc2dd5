//go:build !cgo

package onnx

import (
	"fmt"

	"github.com/clipdb/clipdb/encoder"
)

// built tells whether this program can load ONNX Runtime at all.
func built() error {
	return fmt.Errorf("%w: this program was built without cgo, so it cannot run models; "+
		"build it with CGO_ENABLED=1 and a C compiler, or store vectors of your own", encoder.ErrNoRuntime)
}

func loadLibrary(string) (string, error) { return "", built() }

func unloadLibrary() {}

func openSession(towerSpec, Provider, []byte, string) (executor, error) { return nil, built() }
