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

	Score        string   `json:"score,omitempty"`         // what turns scores into probabilities: Softmax (also "") or Sigmoid
	LogitBias    float32  `json:"logit_bias,omitempty"`    // what Sigmoid adds to the scaled cosine
	ScoreAssumed bool     `json:"score_assumed,omitempty"` // scale and bias are the family's usual ones, not read from the model
	TrainingNote string   `json:"training_note,omitempty"` // what the model was trained on, in words
	GoodAt       string   `json:"good_at,omitempty"`       // what the model is good at, in words
	Templates    []string `json:"templates,omitempty"`     // captions of a label, which takes the place of {}; none are those of the family
	Temperature  float32  `json:"temperature,omitempty"`   // divisor of the logits, measured; 0 counts as 1
	Extra        []Extra  `json:"files,omitempty"`         // files that towers and tokenizer need besides their own
}

// Kinds of score.
const (
	Softmax = "softmax" // over the candidates, of LogitScale times the cosine (Radford et al. 2021)
	Sigmoid = "sigmoid" // of each candidate alone, of LogitScale times the cosine plus LogitBias (Zhai et al. 2023)
)

// Extra is a file besides those of the towers and the vocabulary: weights that
// an ONNX file keeps outside itself, or the merges of a vocabulary.
type Extra struct {
	File   string `json:"file"`
	SHA256 string `json:"sha256"` // hex
	Size   int64  `json:"size"`   // bytes
	For    string `json:"for"`    // "image", "text" or "tokenizer"
}

// Dummy is an input that a tower's file wants and that says nothing about its
// output: the words of a joint model while pictures are encoded. Integers are
// filled with 1, floats with 0.
type Dummy struct {
	Input string  `json:"input"`
	Type  string  `json:"type"`
	Shape []int64 `json:"shape"`
}

// Image describes the image tower: [batch, 3, ImageSize, ImageSize] in,
// [batch, Dim] out.
type Image struct {
	File          string     `json:"file"`
	SHA256        string     `json:"sha256"` // hex
	Size          int64      `json:"size"`   // bytes
	Input         string     `json:"input"`
	Output        string     `json:"output"`
	ImageSize     int        `json:"image_size"` // side of the square, pixels
	Resize        string     `json:"resize"`     // "shortest" or "squash"
	Crop          string     `json:"crop"`       // "center", "center-floor" (see pixel.Spec) or "none"
	Interpolation string     `json:"interpolation"`
	Mean          [3]float32 `json:"mean"` // per channel, in units of 0..1
	Std           [3]float32 `json:"std"`
	InputType     string     `json:"input_type,omitempty"`  // Float32 (also "") or Float16
	OutputType    string     `json:"output_type,omitempty"` // the same
	Batch         int        `json:"batch,omitempty"`       // the one batch size that the file takes; 0: any
	Dummies       []Dummy    `json:"dummies,omitempty"`
}

// Text describes the text tower: [batch, tokens] for each input, the ids first
// and then, where there is a second, the attention mask; [batch, Dim] out.
type Text struct {
	File          string   `json:"file"`
	SHA256        string   `json:"sha256"` // hex
	Size          int64    `json:"size"`   // bytes
	Inputs        []string `json:"inputs"`
	Output        string   `json:"output"`
	Tokenizer     string   `json:"tokenizer"` // WordPiece, ...
	Vocab         string   `json:"vocab"`     // file
	VocabSHA256   string   `json:"vocab_sha256"`
	Lowercase     bool     `json:"lowercase"`
	ContextLength int      `json:"context_length"` // tokens, start and end included
	PadID         int32    `json:"pad_id"`
	Merges        string   `json:"merges,omitempty"`      // file of merges, one of Extra
	Clean         string   `json:"clean,omitempty"`       // token.Cleaning before the tokenizer
	InputType     string   `json:"input_type,omitempty"`  // Int64 (also "") or Int32, of all inputs
	OutputType    string   `json:"output_type,omitempty"` // Float32 (also "") or Float16
	TypeIDs       string   `json:"type_ids,omitempty"`    // a further input, of zeros: BERT's segments
	PadFull       bool     `json:"pad_full,omitempty"`    // always ContextLength ids, not as many as the longest text of a batch
	Batch         int      `json:"batch,omitempty"`       // the one batch size that the file takes; 0: any
	Dummies       []Dummy  `json:"dummies,omitempty"`
}

// Data names something the model was trained on.
type Data struct {
	Name    string `json:"name"`
	Licence string `json:"licence"`
}

// Kinds of tokenizer that a manifest may name.
const (
	WordPiece     = "wordpiece"      // vocab.txt
	BytePair      = "bytepair"       // bpe_simple_vocab_16e6.txt, gzipped or not
	TokenizerJSON = "tokenizer.json" // Hugging Face's file of any tokenizer
	SentencePiece = "sentencepiece"  // a .model file
	VocabMerges   = "vocab+merges"   // vocab.json and merges.txt of Hugging Face's CLIP
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
		Bilinear:   m.Image.Interpolation == "bilinear",
		CenterCrop: m.Image.Crop != "none",
		FloorCrop:  m.Image.Crop == "center-floor",
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
		LogitBias:   m.LogitBias,
		Sigmoid:     m.Score == Sigmoid,
		Templates:   m.templates(),
		Temperature: m.Temperature,
		ImageSize:   m.Image.ImageSize,
		Card:        m.Card(),
	}
}
