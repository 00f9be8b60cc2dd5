package builtin

import (
	_ "embed"
	"fmt"
	"sync"

	"github.com/clipdb/clipdb/encoder"
	"github.com/clipdb/clipdb/encoder/model"
	"github.com/clipdb/clipdb/encoder/onnx"
)

// The files of the model, as train/export.py wrote them.
var (
	//go:embed model.json
	manifestFile []byte
	//go:embed image.onnx
	imageFile []byte
	//go:embed text.onnx
	textFile []byte
	//go:embed vocab.txt
	vocabFile []byte
)

// manifest reads the embedded manifest, once. A test proves that it is valid
// and that the embedded files are the ones it names.
var manifest = sync.OnceValues(func() (*model.Manifest, error) {
	m, err := model.Parse(manifestFile)
	if err != nil {
		return nil, fmt.Errorf("built-in model: %w", err)
	}
	return m, nil
})

// files returns the embedded files by the names in the manifest.
func files(m *model.Manifest) onnx.Embedded {
	return onnx.Embedded{
		m.Image.File: imageFile,
		m.Text.File:  textFile,
		m.Text.Vocab: vocabFile,
	}
}

// New returns an encoder that runs the built-in model. It loads nothing and
// needs no ONNX Runtime; the first call that encodes loads the library and
// the tower it needs, or returns encoder.ErrNoRuntime. Options may be nil.
func New(opts *onnx.Options) (*onnx.Encoder, error) {
	m, err := manifest()
	if err != nil {
		return nil, err
	}
	return onnx.New(m, files(m), opts)
}

// Model describes the built-in model without loading anything.
func Model() encoder.Model {
	m, err := manifest()
	if err != nil {
		return encoder.Model{} // cannot be: see manifest
	}
	return m.Model()
}

// Manifest returns a copy of the manifest of the built-in model.
func Manifest() (*model.Manifest, error) { return model.Parse(manifestFile) }

// Size returns the bytes that the model adds to a program.
func Size() int64 {
	return int64(len(manifestFile) + len(imageFile) + len(textFile) + len(vocabFile))
}
