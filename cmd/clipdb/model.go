package main

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"strings"

	"github.com/clipdb/clipdb/encoder"
	"github.com/clipdb/clipdb/encoder/builtin"
	"github.com/clipdb/clipdb/encoder/model"
	"github.com/clipdb/clipdb/encoder/model/store"
)

// modelCmd groups the commands about models.
type modelCmd struct {
	List   modelListCmd   `cmd:"" help:"List the models: built in, installed, and known by name."`
	Show   modelShowCmd   `cmd:"" help:"Show a model, by name or folder."`
	Pull   modelPullCmd   `cmd:"" help:"Fetch a model over the network and install it."`
	Import modelImportCmd `cmd:"" help:"Install a model from a folder or archive, without network."`
	Verify modelVerifyCmd `cmd:"" help:"Compare the files of an installed model with their hashes."`
	Remove modelRemoveCmd `cmd:"" help:"Delete an installed model."`
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
	Where       string   `json:"where"` // "built in", the folder, or "" for one that can be pulled
	GoodAt      string   `json:"good_at,omitempty"`
	Pull        string   `json:"pull,omitempty"`   // how to get one that is not here
	Pinned      int      `json:"pinned,omitempty"` // files whose hash clipdb knows beforehand
	Error       string   `json:"error,omitempty"`  // of a damaged one
}

func describe(m *model.Manifest, where string) modelLine {
	e := m.Model()
	l := modelLine{Name: e.Name, Family: e.Family, Dim: e.Dim, Licence: e.Licence, Languages: e.Languages,
		Fingerprint: e.Fingerprint, ImageSize: e.ImageSize, LogitScale: e.LogitScale, Where: where, GoodAt: m.Card().GoodAt}
	for _, f := range m.Files() {
		l.Bytes += f.Size
	}
	return l
}

// modelListCmd lists the models.
type modelListCmd struct {
	Installed bool `name:"installed" help:"Only models that are on this machine."`
}

// Run lists the models.
func (c *modelListCmd) Run(a *app) error {
	m, err := builtin.Manifest()
	if err != nil {
		return err
	}
	lines := []modelLine{describe(m, builtIn)}
	s, err := store.Open("")
	if err != nil {
		return err
	}
	installed, err := s.List()
	if err != nil {
		return fmt.Errorf("%s: %w", s.Dir(), plainPathError(err))
	}
	here := map[string]bool{}
	for _, e := range installed {
		here[e.Name] = true
		if e.Err != nil {
			lines = append(lines, modelLine{Name: e.Name, Where: e.Dir, Error: e.Err.Error()})
			continue
		}
		lines = append(lines, describe(e.Manifest, e.Dir))
	}
	for _, k := range store.Registry() {
		if !here[k.Name] && !c.Installed {
			lines = append(lines, modelLine{Name: k.Name, Family: k.Family, Dim: k.Dim, Licence: k.Licence, Languages: k.Languages,
				ImageSize: k.ImageSize, Bytes: k.Bytes, GoodAt: k.GoodAt, Pull: howToGet(k), Pinned: len(k.Files)})
		}
	}
	for _, l := range lines {
		if a.json {
			if err := a.emit(l); err != nil {
				return err
			}
			continue
		}
		if err := a.printModel(l); err != nil {
			return err
		}
	}
	return nil
}

// printModel writes a line about a model.
func (a *app) printModel(l modelLine) error {
	if l.Error != "" {
		return a.printf("%s  %s: %s\n", a.paint(bold, l.Name), a.paint(red, "damaged"), printable(l.Error))
	}
	where, size := "installed", byteCount(l.Bytes)
	switch l.Where {
	case "":
		where = "not installed"
	case builtIn:
		where = builtIn
	}
	if l.Bytes == 0 {
		size = "size not known"
	}
	facts := fmt.Sprintf("%s, %s, %s, pictures of %d pixels, vectors of %d numbers, family %s",
		languageText(l.Languages), licenceText(l.Licence), size, l.ImageSize, l.Dim, l.Family)
	lines := []string{a.paint(bold, l.Name) + "  " + where}
	for _, text := range []string{l.GoodAt, facts, l.Pull} {
		if text != "" {
			lines = append(lines, "    "+printable(text))
		}
	}
	return a.printf("%s\n", strings.Join(lines, "\n"))
}

// howToGet says how a known model that is not here comes here.
func howToGet(k store.Known) string {
	if k.Manual != "" {
		return "not to be fetched by name: " + k.Manual
	}
	return howToInstall(k.Name)
}

// modelShowCmd shows one model.
type modelShowCmd struct {
	Name   string `arg:"" optional:"" name:"name|dir" help:"Name, also of a model that is not installed, or folder; without it the built-in model."`
	Verify bool   `name:"verify" help:"Compare the files of a folder with the sizes and hashes in its manifest."`
}

type modelShown struct {
	modelLine
	Image        model.Image  `json:"image"`
	Text         model.Text   `json:"text"`
	TrainingData []model.Data `json:"training_data"`
	Source       string       `json:"source"`
	Verified     bool         `json:"verified"`
	Score        string       `json:"score"`
	LogitBias    float32      `json:"logit_bias,omitempty"`
	ScoreAssumed bool         `json:"score_assumed,omitempty"`
	Templates    []string     `json:"templates"` // captions of a label that clipdb classify averages
	Temperature  float32      `json:"temperature,omitempty"`
	TrainingNote string       `json:"training_note,omitempty"`
	Files        []fileLine   `json:"files"`
	Card         encoder.Card `json:"card"`
}

// fileLine is a file of a model.
type fileLine struct {
	Name   string `json:"name"`
	Bytes  int64  `json:"bytes,omitempty"`
	SHA256 string `json:"sha256"`
	Hash   string `json:"hash"` // how it is known: "manifest", or "pinned", "published", "recorded" of a pulled one
}

// Run shows the manifest.
func (c *modelShowCmd) Run(a *app) error {
	name := c.Name
	if name == "" {
		name = a.Model
	}
	if k, ok := store.Lookup(name); ok && !a.isInstalled(name) {
		return a.showKnown(k)
	}
	m, where, err := a.findModel(name)
	if err != nil {
		return err
	}
	if c.Verify && where != builtIn {
		if err := m.Verify(a.ctx, os.DirFS(where)); err != nil {
			return fmt.Errorf("%s: %w; fetch the model again", where, err)
		}
	}
	s := modelShown{modelLine: describe(m, where), Image: m.Image, Text: m.Text,
		TrainingData: m.TrainingData, Source: m.Source, Verified: c.Verify || where == builtIn,
		Score: m.Score, LogitBias: m.LogitBias, ScoreAssumed: m.ScoreAssumed, TrainingNote: m.TrainingNote, Card: m.Card(),
		Templates: m.Model().Templates, Temperature: m.Temperature}
	if s.Score == "" {
		s.Score = model.Softmax
	}
	origin := originOf(m.Name, where)
	for _, f := range m.Files() {
		l := fileLine{Name: f.Name, Bytes: f.Size, SHA256: f.SHA256, Hash: "manifest"}
		if origin != nil && origin.Files[f.Name] != "" {
			l.Hash = origin.Files[f.Name]
		}
		s.Files = append(s.Files, l)
	}
	if a.json {
		return a.emit(s)
	}
	facts := []string{
		"name", s.Name, "family", s.Family, "where", s.Where, "licence", s.Licence,
		"languages", strings.Join(s.Languages, " "),
		"dimension", fmt.Sprint(s.Dim), "score", scoreText(s),
		"image tower", fmt.Sprintf("%s, %s, %d pixels, %s, crop %s", s.Image.File, byteCount(s.Image.Size), s.Image.ImageSize, s.Image.Resize, s.Image.Crop),
		"text tower", fmt.Sprintf("%s, %s, %s, %d tokens", s.Text.File, byteCount(s.Text.Size), s.Text.Tokenizer, s.Text.ContextLength),
		"fingerprint", s.Fingerprint, "source", s.Source,
	}
	for i, t := range s.Templates {
		name := ""
		if i == 0 {
			name = "captions of a label"
		}
		facts = append(facts, name, t)
	}
	for i, d := range s.TrainingData {
		name := ""
		if i == 0 {
			name = "training data"
		}
		facts = append(facts, name, d.Name+" ("+d.Licence+")")
	}
	for i, f := range s.Files {
		name := ""
		if i == 0 {
			name = "files"
		}
		facts = append(facts, name, fmt.Sprintf("%s  sha256 %s (%s)", f.Name, f.SHA256, f.Hash))
	}
	facts = append(facts, cardFacts(s.Card, false)...)
	for i := range facts {
		facts[i] = printable(facts[i])
	}
	return a.facts(facts...)
}

// builtIn is where the built-in model is.
const builtIn = "built in"

// scoreText says how scores become probabilities.
func scoreText(s modelShown) string {
	text := fmt.Sprintf("softmax, scale %.4g", s.LogitScale)
	if s.Score == model.Sigmoid {
		text = fmt.Sprintf("sigmoid, scale %.4g, bias %.4g", s.LogitScale, s.LogitBias)
	}
	if s.Temperature > 0 {
		text += fmt.Sprintf(", temperature %.3g", s.Temperature)
	}
	if s.ScoreAssumed {
		text += " (the family's usual ones: the files do not tell)"
	}
	return text
}

// originOf returns where an installed model was pulled from, nil for others.
func originOf(name, where string) *store.Origin {
	s, err := store.Open("")
	if err != nil || where == builtIn || s.Path(name) != where {
		return nil
	}
	e, err := s.Find(name)
	if err != nil {
		return nil
	}
	return e.Origin
}

// findModel reads the manifest of a model named on the command line, and says
// where it is; "" is the built-in one. Installed models come before folders of
// the same name.
func (a *app) findModel(name string) (*model.Manifest, string, error) {
	m, err := builtin.Manifest()
	if err != nil {
		return nil, "", err
	}
	if name == "" || name == m.Name {
		return m, builtIn, nil
	}
	if s, err := store.Open(""); err == nil && s.Path(name) != "" {
		e, err := s.Find(name)
		if err == nil && e.Err != nil {
			return nil, "", fmt.Errorf("model %s: %w; remove it and install it again", name, e.Err)
		}
		if err == nil {
			return e.Manifest, e.Dir, nil
		}
		if !errors.Is(err, store.ErrUnknown) {
			return nil, "", fmt.Errorf("model %s: %w", name, plainPathError(err))
		}
	}
	info, err := os.Stat(name)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		if _, ok := store.Lookup(name); ok {
			return nil, "", fmt.Errorf("the model %s is not installed; %s", name, howToInstall(name))
		}
		return nil, "", fmt.Errorf("no model is called %q and there is no such folder; 'clipdb model list' shows the names", name)
	case err != nil:
		return nil, "", fmt.Errorf("model %s: %w", name, plainPathError(err))
	case !info.IsDir():
		return nil, "", fmt.Errorf("model %s: not a folder; name the folder that holds the model, or 'clipdb model import' the archive", name)
	}
	m, err = model.Load(a.ctx, name)
	if err != nil {
		return nil, "", fmt.Errorf("model %s: %w", name, err)
	}
	return m, name, nil
}

// howToInstall says how a known model comes to this machine.
func howToInstall(name string) string { return "run: clipdb model pull " + name }
