package main

import (
	"fmt"
	"strings"
	"time"

	"github.com/clipdb/clipdb/db"
	"github.com/clipdb/clipdb/db/engine"
	"github.com/clipdb/clipdb/encoder"
	"github.com/clipdb/clipdb/encoder/model"
)

// infoCmd shows what is in a database.
type infoCmd struct {
	DB       string `arg:"" name:"db" help:"Database file."`
	Failures bool   `name:"failures" help:"List the files that could not be added, with the reasons."`
}

// Help is shown by --help.
func (*infoCmd) Help() string {
	return `With --json: {"items","dim","model":{"name","fingerprint","licence","card"},"bytes":{...},"index":{"kind",...},
"failures"}; with --failures a line for each is {"id","reason","time"}.`
}

type infoLine struct {
	Path     string            `json:"path"`
	Format   int               `json:"format"`
	Items    int               `json:"items"`
	Dim      int               `json:"dim"`
	Model    infoModel         `json:"model"`
	Bytes    engine.Bytes      `json:"bytes"`
	Index    engine.IndexStats `json:"index"`
	Failures int               `json:"failures"`
}

type infoModel struct {
	Name        string        `json:"name"`
	Fingerprint string        `json:"fingerprint"`
	Licence     string        `json:"licence"`
	Card        *encoder.Card `json:"card,omitempty"`
}

type failureLine struct {
	ID     string    `json:"id"`
	Reason string    `json:"reason"`
	Time   time.Time `json:"time"`
}

// Run shows what is in the database.
func (c *infoCmd) Run(a *app) error {
	d, err := a.openStored(c.DB, true)
	if err != nil {
		return err
	}
	defer d.Close()
	if c.Failures {
		return a.printFailures(d.DB)
	}
	st, err := d.Stats(a.ctx)
	if err != nil {
		return err
	}
	l := infoLine{Path: c.DB, Format: st.Format, Items: st.Records, Dim: st.Spec.Dim, Bytes: st.Bytes, Index: st.Index,
		Model: a.modelOf(d.DB, st.Spec)}
	for _, err := range d.Failures(a.ctx) {
		if err != nil {
			return err
		}
		l.Failures++
	}
	if a.json {
		return a.emit(l)
	}
	return a.printInfo(l)
}

// modelOf says what is known of the model: by the database itself, or, where
// its file is of an older version, by a model of this machine.
func (a *app) modelOf(d *db.DB, s engine.Spec) infoModel {
	m := infoModel{Name: s.Model, Fingerprint: s.Fingerprint}
	if s.Own() {
		return m
	}
	card, licence, ok := d.Card()
	if !ok {
		if found, ok := a.sameModel(s.Fingerprint); ok {
			card, licence = found.Card(), found.Licence
		}
	}
	m.Licence = licence
	if !card.IsZero() {
		m.Card = &card
	}
	return m
}

// sameModel finds a model of this machine by its fingerprint.
func (a *app) sameModel(fingerprint string) (*model.Manifest, bool) {
	for _, name := range []string{"", a.Model} {
		if m, _, err := a.findModel(name); err == nil && m.Fingerprint() == fingerprint {
			return m, true
		}
	}
	e, ok := installedAs(fingerprint)
	return e.Manifest, ok
}

func (a *app) printInfo(l infoLine) error {
	name := l.Model.Name
	switch {
	case l.Dim == 0:
		name = "none yet"
	case l.Model.Fingerprint == "":
		name = "none, vectors of your own"
	case l.Model.Licence == encoder.UnknownLicence:
		name += ", licence not told"
	case l.Model.Licence != "":
		name += ", " + l.Model.Licence
	}
	var card []string
	if l.Model.Card != nil {
		card = append(cardFacts(*l.Model.Card, true), "", "clipdb model show "+printable(l.Model.Name)+" has the rest, where it is installed")
	}
	var parts []string
	for _, p := range []struct {
		name string
		n    int64
	}{
		{"originals", l.Bytes.Images}, {"thumbnails", l.Bytes.Thumbnails}, {"vectors", l.Bytes.Vectors},
		{"records", l.Bytes.Records}, {"index", l.Bytes.Index}, {"unused", l.Bytes.Free},
	} {
		if p.n > 0 {
			parts = append(parts, p.name+" "+byteCount(p.n))
		}
	}
	index := l.Index.Kind
	if l.Index.Live > 0 {
		index += fmt.Sprintf(", %s, %s in memory", plural(l.Index.Live, "vector"), byteCount(l.Index.BytesResident))
	}
	if l.Index.Tombstones > 0 {
		index += fmt.Sprintf(", %s", plural(l.Index.Tombstones, "deleted vector"))
	}
	failures := ""
	if l.Failures > 0 {
		failures = a.paint(red, plural(l.Failures, "file")) + " could not be added; clipdb info " + l.Path + " --failures lists them"
	}
	fingerprint := l.Model.Fingerprint
	if len(fingerprint) > 16 {
		fingerprint = fingerprint[:16] + "…"
	}
	dimension := ""
	if l.Dim > 0 {
		dimension = fmt.Sprint(l.Dim)
	}
	return a.facts(append([]string{
		"database", a.paint(bold, l.Path),
		"items", thousands(l.Items),
		"model", printable(name),
		"fingerprint", fingerprint,
		"dimension", dimension,
		"size", byteCount(l.Bytes.File),
		"holding", strings.Join(parts, ", "),
		"index", index,
		"failed", failures,
	}, card...)...)
}

func (a *app) printFailures(d *db.DB) error {
	none := true
	for f, err := range d.Failures(a.ctx) {
		if err != nil {
			return err
		}
		none = false
		if a.json {
			err = a.emit(failureLine(f))
		} else {
			err = a.printf("%s  %s\n", a.paint(bold, printable(f.ID)), printable(f.Reason))
		}
		if err != nil {
			return err
		}
	}
	if none {
		a.remark("nothing failed")
	}
	return nil
}
