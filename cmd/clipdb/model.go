package main

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"strings"

	"github.com/clipdb/clipdb/encoder/builtin"
	"github.com/clipdb/clipdb/encoder/model"
)

// modelCmd groups the commands about models.
type modelCmd struct {
	List modelListCmd `cmd:"" help:"List the models that can be named."`
	Show modelShowCmd `cmd:"" help:"Show a model, by name or folder."`
}

// modelLine describes a model.
type modelLine struct {
	Name        string   `json:"name"`
	Family      string   `json:"family"`
	Dim         int      `json:"dim"`
	Licence     string   `json:"licence"`
	Languages   []string `json:"languages"`
	Fingerprint string   `json:"fingerprint"`
	ImageSize   int      `json:"image_size"`
	LogitScale  float32  `json:"logit_scale"`
	Bytes       int64    `json:"bytes"`
	Where       string   `json:"where"` // "built in", or the folder
}

func describe(m *model.Manifest, where string) modelLine {
	e := m.Model()
	l := modelLine{Name: e.Name, Family: e.Family, Dim: e.Dim, Licence: e.Licence, Languages: e.Languages,
		Fingerprint: e.Fingerprint, ImageSize: e.ImageSize, LogitScale: e.LogitScale, Where: where}
	for _, f := range m.Files() {
		l.Bytes += f.Size
	}
	return l
}

// modelListCmd lists the built-in model.
type modelListCmd struct{}

// Run lists the models.
func (*modelListCmd) Run(a *app) error {
	m, err := builtin.Manifest()
	if err != nil {
		return err
	}
	l := describe(m, "built in")
	if a.json {
		return a.emit(l)
	}
	return a.printf("%s  %s, %d components, %s, %s, %s\n", a.paint(bold, l.Name), l.Where, l.Dim,
		byteCount(l.Bytes), strings.Join(l.Languages, " "), l.Licence)
}

// modelShowCmd shows one model.
type modelShowCmd struct {
	Name   string `arg:"" optional:"" name:"name|dir" help:"Name or folder; without it the built-in model."`
	Verify bool   `name:"verify" help:"Compare the files of a folder with the sizes and hashes in its manifest."`
}

type modelShown struct {
	modelLine
	Image        model.Image  `json:"image"`
	Text         model.Text   `json:"text"`
	TrainingData []model.Data `json:"training_data"`
	Source       string       `json:"source"`
	Verified     bool         `json:"verified"`
}

// Run shows the manifest.
func (c *modelShowCmd) Run(a *app) error {
	name := c.Name
	if name == "" {
		name = a.Model
	}
	m, where, err := findModel(name)
	if err != nil {
		return err
	}
	if c.Verify && where != builtIn {
		if err := m.Verify(a.ctx, os.DirFS(where)); err != nil {
			return fmt.Errorf("%s: %w; fetch the model again", where, err)
		}
	}
	s := modelShown{modelLine: describe(m, where), Image: m.Image, Text: m.Text,
		TrainingData: m.TrainingData, Source: m.Source, Verified: c.Verify || where == builtIn}
	if a.json {
		return a.emit(s)
	}
	facts := []string{
		"name", s.Name, "family", s.Family, "where", s.Where, "licence", s.Licence,
		"languages", strings.Join(s.Languages, " "),
		"dimension", fmt.Sprint(s.Dim), "logit scale", fmt.Sprintf("%.4g", s.LogitScale),
		"image tower", fmt.Sprintf("%s, %s, %d pixels, %s, crop %s", s.Image.File, byteCount(s.Image.Size), s.Image.ImageSize, s.Image.Resize, s.Image.Crop),
		"text tower", fmt.Sprintf("%s, %s, %s, %d tokens", s.Text.File, byteCount(s.Text.Size), s.Text.Tokenizer, s.Text.ContextLength),
		"fingerprint", s.Fingerprint, "source", s.Source,
	}
	for i, d := range s.TrainingData {
		name := ""
		if i == 0 {
			name = "trained on"
		}
		facts = append(facts, name, d.Name+" ("+d.Licence+")")
	}
	for i := range facts {
		facts[i] = printable(facts[i])
	}
	return a.facts(facts...)
}

// builtIn is where the built-in model is.
const builtIn = "built in"

// findModel reads the manifest of a model named on the command line; "" is the
// built-in one.
func findModel(name string) (*model.Manifest, string, error) {
	m, err := builtin.Manifest()
	if err != nil {
		return nil, "", err
	}
	if name == "" || name == m.Name {
		return m, builtIn, nil
	}
	info, err := os.Stat(name)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil, "", fmt.Errorf("no model is called %q and there is no such folder; 'clipdb model list' shows the names", name)
	case err != nil:
		return nil, "", fmt.Errorf("model %s: %w", name, plainPathError(err))
	case !info.IsDir():
		return nil, "", fmt.Errorf("model %s: not a folder; name the folder that holds %s", name, model.FileName)
	}
	m, err = model.Open(os.DirFS(name))
	if errors.Is(err, fs.ErrNotExist) {
		return nil, "", fmt.Errorf("model %s: the folder holds no %s", name, model.FileName)
	}
	if err != nil {
		return nil, "", fmt.Errorf("model %s: %w", name, err)
	}
	return m, name, nil
}
