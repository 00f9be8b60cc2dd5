package main

import (
	"errors"
	"fmt"
	"strings"

	"github.com/clipdb/clipdb/encoder/model"
	"github.com/clipdb/clipdb/encoder/model/pull"
	"github.com/clipdb/clipdb/encoder/model/store"
)

// modelPullCmd fetches a model.
type modelPullCmd struct {
	From     string   `arg:"" name:"name|owner/repo" help:"Name that 'clipdb model list' shows, or a repository with ONNX towers."`
	Name     string   `name:"name" placeholder:"NAME" help:"Name to install it under."`
	Variant  string   `name:"variant" placeholder:"V" help:"Which ONNX files to fetch where there are several: fp32, fp16, quantized, int8, uint8."`
	Revision string   `name:"revision" placeholder:"R" help:"Branch, tag or commit; without it main."`
	Licences []string `name:"allow-licence" placeholder:"SPDX" help:"Refuse a model under any other licence. May be given several times."`
	Replace  bool     `name:"replace" help:"Fetch and install again what is there."`
	Accept   bool     `name:"accept-changed" help:"Accept files that differ from those of an earlier pull."`
	Parallel int      `name:"parallel" default:"3" help:"Files at a time."`
}

// Help is shown by --help.
func (*modelPullCmd) Help() string {
	return `Fetches configuration, tokenizer and towers from huggingface.co, or the server that HF_ENDPOINT names; HF_TOKEN is
sent to that server where it is set. A broken download goes on where it ended. Files are compared with the hashes that
clipdb knows, that the server publishes, or that came the first time: 'clipdb model show' says which.`
}

// Run pulls.
func (c *modelPullCmd) Run(a *app) error {
	known, ok := store.Lookup(c.From)
	switch {
	case ok:
	case strings.Count(c.From, "/") == 1:
		known = store.Known{Repo: c.From, Name: model.PlainName(c.From[strings.Index(c.From, "/")+1:])}
	default:
		return fmt.Errorf("no model is called %q; 'clipdb model list' shows the names, or give a repository as OWNER/NAME", c.From)
	}
	for _, o := range []struct {
		value string
		into  *string
	}{{c.Name, &known.Name}, {c.Variant, &known.Variant}, {c.Revision, &known.Revision}} {
		if o.value != "" {
			*o.into = o.value
		}
	}
	if model.PlainName(known.Name) != known.Name || known.Name == "" {
		return usagef("--name %q: want lower-case letters, digits, dots and dashes", known.Name)
	}
	if m, _, err := a.findModel(""); err == nil && known.Name == m.Name {
		return usagef("--name %s is the built-in model's", known.Name)
	}
	s, err := store.Open("")
	if err != nil {
		return err
	}
	var bar *progress
	e, already, err := pull.Pull(a.ctx, s, pull.Options{
		Model: known, Licences: c.Licences, Replace: c.Replace, Forget: c.Accept, Parallel: c.Parallel,
		Progress: func(done, total int64) {
			if bar == nil {
				bar = a.newByteProgress(total, known.Name)
			}
			bar.set(done)
		},
	})
	bar.done()
	switch {
	case errors.Is(err, pull.ErrHash):
		return fmt.Errorf("%w; add --accept-changed if the change is meant", err)
	case errors.Is(err, model.ErrFile):
		return fmt.Errorf("model %s: %w; add --replace to fetch it again", known.Name, err)
	case err != nil:
		return plainPathError(err)
	}
	return a.installed(e, already)
}
