package store

import (
	_ "embed"
	"encoding/json"
	"fmt"
	"slices"
	"sync"

	"github.com/clipdb/clipdb/encoder"
	"github.com/clipdb/clipdb/encoder/model"
)

//go:embed registry.json
var registryFile []byte

// Known is a model that can be pulled by name.
type Known struct {
	Name      string      `json:"name"`
	Family    string      `json:"family"`
	Repo      string      `json:"repo"`     // owner/name
	Revision  string      `json:"revision"` // branch, tag or commit; "" means main
	Variant   string      `json:"variant"`  // see model.FolderOptions
	Dim       int         `json:"dim"`
	ImageSize int         `json:"image_size"`
	Bytes     int64       `json:"bytes"` // of the towers, 0 when unknown
	Licence   string      `json:"licence"`
	Languages []string    `json:"languages"`
	GoodAt    string      `json:"good_at"`
	Training  string      `json:"training_note"`
	Files     []KnownFile `json:"files"`  // files whose hash is known for sure
	Manual    string      `json:"manual"` // why Pull cannot fetch it; "" when it can
}

// KnownFile is a file with a hash that is known beforehand. Its name is the
// last part of the path alone.
type KnownFile struct {
	Name   string `json:"name"`
	Size   int64  `json:"size"`
	SHA256 string `json:"sha256"`
}

var registry = sync.OnceValues(func() ([]Known, error) {
	var list []Known
	if err := json.Unmarshal(registryFile, &list); err != nil {
		return nil, fmt.Errorf("registry: %w", err)
	}
	return list, nil
})

// Registry returns the models that are known by name.
func Registry() []Known {
	list, err := registry()
	if err != nil {
		return nil // a test reads the embedded file
	}
	return slices.Clone(list)
}

// Lookup returns the known model of a name.
func Lookup(name string) (Known, bool) {
	for _, k := range Registry() {
		if k.Name == name {
			return k, true
		}
	}
	return Known{}, false
}

// Adjust completes a manifest with what the registry knows of the model.
func (k Known) Adjust(m *model.Manifest) {
	m.Name = k.Name
	if k.Family != "" {
		m.Family = k.Family
	}
	if k.Licence != "" {
		m.Licence = k.Licence
	}
	if len(k.Languages) > 0 {
		m.Languages = k.Languages
	}
	m.GoodAt, m.TrainingNote = k.GoodAt, k.Training
}

// Card says what the model is, what it learnt from and where it errs.
func (k Known) Card() encoder.Card {
	return model.CardOf(k.Family, k.GoodAt, k.Training, "https://huggingface.co/"+k.Repo)
}
