package main

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/clipdb/clipdb/encoder/builtin"
	"github.com/clipdb/clipdb/encoder/model"
	"github.com/clipdb/clipdb/encoder/onnx"
)

// builtIn is the name of the model that needs no folder.
const builtIn = "built-in"

// subject is a model to be measured.
type subject struct {
	Name  string `json:"name"`
	Dir   string `json:"dir,omitempty"` // empty for the built-in model
	Bytes int64  `json:"bytes"`         // of the two towers
	Side  int    `json:"image_size"`    // of the picture that the model sees, in pixels
	Dim   int    `json:"dim"`

	manifest json.RawMessage // read once: without a model.json, that hashes every file
}

// findModels returns the built-in model and those in the folders below dir.
func findModels(ctx context.Context, dir string) ([]subject, error) {
	m, err := builtin.Manifest()
	if err != nil {
		return nil, err
	}
	all := []subject{{Name: builtIn, Bytes: m.Image.Size + m.Text.Size, Side: m.Image.ImageSize, Dim: m.Dim}}
	if dir == "" {
		return all, nil
	}
	entries, err := os.ReadDir(dir)
	if err != nil {
		return nil, err
	}
	for _, e := range entries {
		path := filepath.Join(dir, e.Name())
		if info, err := os.Stat(path); err != nil || !info.IsDir() {
			continue
		}
		m, err := model.Load(ctx, path)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", path, err)
		}
		content, err := json.Marshal(m)
		if err != nil {
			return nil, err
		}
		s := subject{Name: e.Name(), Dir: path, manifest: content, Side: m.Image.ImageSize, Dim: m.Dim}
		s.Bytes = m.Image.Size + m.Text.Size
		for _, f := range slices.Concat(m.ExtraFor("image"), m.ExtraFor("text")) {
			s.Bytes += f.Size
		}
		all = append(all, s)
	}
	return all, nil
}

// open returns the encoder of a model, not loaded yet.
func (s setting) open() (*onnx.Encoder, error) {
	opts := &onnx.Options{Threads: s.Threads, ImageBatch: s.Batch, TextBatch: s.Batch, Spin: s.Spin}
	if s.Dir == "" {
		return builtin.New(opts)
	}
	m, err := model.Parse(s.Manifest)
	if err != nil {
		return nil, err
	}
	return onnx.New(m, onnx.Dir(s.Dir), opts)
}

// listPhotos returns the JPEG files of a folder.
func listPhotos(dir string) ([]string, error) {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return nil, err
	}
	var files []string
	for _, e := range entries {
		if ext := strings.ToLower(filepath.Ext(e.Name())); ext == ".jpg" || ext == ".jpeg" {
			files = append(files, filepath.Join(dir, e.Name()))
		}
	}
	if len(files) == 0 {
		return nil, fmt.Errorf("%s: no JPEG files", dir)
	}
	return files, nil
}
