package main

import (
	"errors"
	"fmt"

	"github.com/clipdb/clipdb/encoder/model"
	"github.com/clipdb/clipdb/encoder/model/store"
)

// modelImportCmd installs a model that was copied over.
type modelImportCmd struct {
	From     string   `arg:"" name:"dir|archive" help:"Folder, or .tar, .tar.gz or .zip archive, with the model."`
	Name     string   `name:"name" placeholder:"NAME" help:"Name to install it under; without it the folder's."`
	Variant  string   `name:"variant" placeholder:"V" help:"Which ONNX files to take where there are several: fp32, fp16, quantized, int8, uint8."`
	Licence  string   `name:"licence" placeholder:"SPDX" help:"Licence of a model whose folder does not tell."`
	Licences []string `name:"allow-licence" placeholder:"SPDX" help:"Refuse a model under any other licence. May be given several times."`
	Replace  bool     `name:"replace" help:"Replace an installed model of that name."`
}

// Help is shown by --help.
func (*modelImportCmd) Help() string {
	return `Takes a folder with a model.json, or one as Hugging Face's ONNX exports (config.json, preprocessor_config.json,
a tokenizer, onnx/vision_model.onnx and onnx/text_model.onnx) or open_clip's (open_clip_config.json) have it. The
files are copied and their hashes recorded; a file that later differs is refused by name.`
}

type installedLine struct {
	Name        string `json:"name"`
	Family      string `json:"family"`
	Dim         int    `json:"dim"`
	Licence     string `json:"licence"`
	Fingerprint string `json:"fingerprint"`
	Bytes       int64  `json:"bytes"`
	Dir         string `json:"dir"`
	Already     bool   `json:"already,omitempty"`
}

// Run imports.
func (c *modelImportCmd) Run(a *app) error {
	if c.Name != "" && model.PlainName(c.Name) != c.Name {
		return usagef("--name %q: want lower-case letters, digits, dots and dashes", c.Name)
	}
	if m, _, err := a.findModel(""); err == nil && c.Name == m.Name {
		return usagef("--name %s is the built-in model's", c.Name)
	}
	s, err := store.Open("")
	if err != nil {
		return err
	}
	var bar *progress
	e, err := s.Import(a.ctx, c.From, store.Options{
		Name: c.Name, Variant: c.Variant, Licence: c.Licence, Licences: c.Licences, Replace: c.Replace,
		Progress: func(done, total int64) {
			if bar == nil {
				bar = a.newByteProgress(total, "copy")
			}
			bar.set(done)
		},
	})
	bar.done()
	if errors.Is(err, store.ErrExists) {
		return fmt.Errorf("%w; add --replace, or another --name", err)
	}
	if err != nil {
		return fmt.Errorf("%s: %w", c.From, plainPathError(err))
	}
	return a.installed(e, false)
}

// installed reports a model that is in the store now.
func (a *app) installed(e store.Entry, already bool) error {
	m := e.Manifest
	l := installedLine{Name: m.Name, Family: m.Family, Dim: m.Dim, Licence: m.Licence, Fingerprint: m.Fingerprint(), Dir: e.Dir, Already: already}
	for _, f := range m.Files() {
		l.Bytes += f.Size
	}
	if a.json {
		return a.emit(l)
	}
	word := "installed"
	if already {
		word = "already installed:"
	}
	return a.printf("%s %s (%s, %d components, %s, licence %s); use it with --model %s\n", word, m.Name, m.Family, m.Dim,
		byteCount(l.Bytes), printable(m.Licence), m.Name)
}

// modelVerifyCmd compares the files of models with their hashes.
type modelVerifyCmd struct {
	Names []string `arg:"" optional:"" name:"name" help:"Installed models; without one, all of them."`
}

type verifiedLine struct {
	Name  string `json:"name"`
	OK    bool   `json:"ok"`
	Error string `json:"error,omitempty"`
}

// Run verifies.
func (c *modelVerifyCmd) Run(a *app) error {
	s, err := store.Open("")
	if err != nil {
		return err
	}
	names := c.Names
	if len(names) == 0 {
		all, err := s.List()
		if err != nil {
			return fmt.Errorf("%s: %w", s.Dir(), plainPathError(err))
		}
		for _, e := range all {
			names = append(names, e.Name)
		}
	}
	var first error
	for _, name := range names {
		_, err := s.Verify(a.ctx, name)
		if a.ctx.Err() != nil {
			return a.ctx.Err()
		}
		l := verifiedLine{Name: name, OK: err == nil}
		if err != nil {
			l.Error = err.Error()
			if first == nil {
				first = fmt.Errorf("model %s: %w; install it again", name, err)
			}
		}
		if a.json {
			err = a.emit(l)
		} else if l.OK {
			err = a.printf("%s  ok\n", name)
		} else {
			err = a.printf("%s  %s: %s\n", name, a.paint(red, "damaged"), printable(l.Error))
		}
		if err != nil {
			return err
		}
	}
	return first
}

// modelRemoveCmd deletes an installed model.
type modelRemoveCmd struct {
	Names []string `arg:"" name:"name" help:"Installed models."`
}

// Run removes.
func (c *modelRemoveCmd) Run(a *app) error {
	s, err := store.Open("")
	if err != nil {
		return err
	}
	for _, name := range c.Names {
		if err := s.Remove(name); err != nil {
			return fmt.Errorf("%w; 'clipdb model list --installed' shows what is", plainPathError(err))
		}
		if a.json {
			err = a.emit(struct {
				Removed string `json:"removed"`
			}{name})
		} else {
			err = a.printf("removed %s\n", name)
		}
		if err != nil {
			return err
		}
	}
	return nil
}
