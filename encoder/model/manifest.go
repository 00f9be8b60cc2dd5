package model

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"

	"github.com/clipdb/clipdb/encoder"
	"github.com/clipdb/clipdb/encoder/pixel"
)

// FileName is the name of the manifest in a model's folder.
const FileName = "model.json"

// ErrManifest is returned for a manifest that cannot be read or makes no
// sense. The message names the field.
var ErrManifest = errors.New("unusable model manifest")

// maxManifest bounds model.json, in bytes.
const maxManifest = 1 << 20

// Manifest is the content of model.json.
type Manifest struct {
	Name         string   `json:"name"`        // short, lower-case: "clipdb-mini-1"
	Family       string   `json:"family"`      // architecture family: "clipdb-mini"
	Version      int      `json:"version"`     // of the model within its family, from 1
	Dim          int      `json:"dim"`         // components of a vector
	Licence      string   `json:"licence"`     // SPDX identifier
	Languages    []string `json:"languages"`   // BCP 47 tags of the text tower
	LogitScale   float32  `json:"logit_scale"` // factor from cosines to softmax logits
	Image        Image    `json:"image"`
	Text         Text     `json:"text"`
	TrainingData []Data   `json:"training_data,omitempty"`
	Source       string   `json:"source,omitempty"` // where the model comes from
}

// Image describes the image tower: float32 [batch, 3, ImageSize, ImageSize]
// in, float32 [batch, Dim] out.
type Image struct {
	File          string     `json:"file"`
	SHA256        string     `json:"sha256"` // hex
	Size          int64      `json:"size"`   // bytes
	Input         string     `json:"input"`
	Output        string     `json:"output"`
	ImageSize     int        `json:"image_size"` // side of the square, pixels
	Resize        string     `json:"resize"`     // "shortest" or "squash"
	Crop          string     `json:"crop"`       // "center" or "none"
	Interpolation string     `json:"interpolation"`
	Mean          [3]float32 `json:"mean"` // per channel, in units of 0..1
	Std           [3]float32 `json:"std"`
}

// Text describes the text tower: int64 [batch, tokens] for each input, the ids
// first and then, where there is a second, the attention mask; float32
// [batch, Dim] out.
type Text struct {
	File          string   `json:"file"`
	SHA256        string   `json:"sha256"` // hex
	Size          int64    `json:"size"`   // bytes
	Inputs        []string `json:"inputs"`
	Output        string   `json:"output"`
	Tokenizer     string   `json:"tokenizer"` // "wordpiece" or "bytepair"
	Vocab         string   `json:"vocab"`     // file
	VocabSHA256   string   `json:"vocab_sha256"`
	Lowercase     bool     `json:"lowercase"`
	ContextLength int      `json:"context_length"` // tokens, start and end included
	PadID         int32    `json:"pad_id"`
}

// Data names something the model was trained on.
type Data struct {
	Name    string `json:"name"`
	Licence string `json:"licence"`
}

// Kinds of tokenizer that a manifest may name.
const (
	WordPiece = "wordpiece"
	BytePair  = "bytepair"
)

// Read reads and validates a manifest.
func Read(r io.Reader) (*Manifest, error) {
	data, err := io.ReadAll(io.LimitReader(r, maxManifest+1))
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrManifest, err)
	}
	return Parse(data)
}

// Parse validates the bytes of a manifest.
func Parse(data []byte) (*Manifest, error) {
	if len(data) > maxManifest {
		return nil, fmt.Errorf("%w: more than %d bytes", ErrManifest, maxManifest)
	}
	var m Manifest
	if err := json.Unmarshal(data, &m); err != nil {
		return nil, fmt.Errorf("%w: %w", ErrManifest, err)
	}
	if err := m.check(); err != nil {
		return nil, err
	}
	return &m, nil
}

// Open reads the manifest in the folder files.
func Open(files fs.FS) (*Manifest, error) {
	f, err := files.Open(FileName)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrManifest, err)
	}
	defer f.Close()
	return Read(f)
}

// Spec returns the preprocessing of the image tower.
func (m *Manifest) Spec() pixel.Spec {
	resize, _ := pixel.ParseResize(m.Image.Resize) // checked when read
	return pixel.Spec{
		Size:       m.Image.ImageSize,
		Resize:     resize,
		CenterCrop: m.Image.Crop == "center",
		Mean:       m.Image.Mean,
		Std:        m.Image.Std,
	}
}

// Model returns what an encoder of this model says of itself.
func (m *Manifest) Model() encoder.Model {
	return encoder.Model{
		Name:        m.Name,
		Family:      m.Family,
		Dim:         m.Dim,
		Fingerprint: m.Fingerprint(),
		Licence:     m.Licence,
		Languages:   append([]string(nil), m.Languages...),
		LogitScale:  m.LogitScale,
		ImageSize:   m.Image.ImageSize,
	}
}
