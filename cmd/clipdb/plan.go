package main

import (
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"path/filepath"
	"unicode/utf8"

	"github.com/clipdb/clipdb/db"
	"github.com/clipdb/clipdb/db/engine"
)

// Attributes that add gives an item of a file.
const (
	filePrefix = "file."
	filePath   = filePrefix + "path"  // absolute, as the system writes it
	fileSize   = filePrefix + "size"  // bytes
	fileMtime  = filePrefix + "mtime" // time of the last change
)

// work is what is to be done about a file.
type work uint8

const (
	nothing work = iota // reported already
	embed               // store it, the model being asked
	refresh             // same picture, new attributes or caption
)

// planner decides what is to be done about each file.
type planner struct {
	db       *db.DB
	captions *captions
	keep     int // captions of a file
	attrs    db.Attrs
	replace  bool
	report   *reporter
	claimed  map[string]string // id to absolute path of this run; nil when ids cannot meet
	err      error             // what ended the sequence
}

// plan looks at a file and, where needed, at what the database has under its
// id. What needs no storing it reports. An error ends the run.
func (p *planner) plan(ctx context.Context, f found) (db.Item, work, error) {
	if err := engine.CheckID(f.id); err != nil {
		p.report.failed(f, fmt.Errorf("%w; rename the file", err))
		return db.Item{}, nothing, nil
	}
	// Failures go through the database, which remembers them.
	fail := func(err error) (db.Item, work, error) {
		return db.Item{ID: f.id, Image: failing{err}, Source: f.path}, embed, nil
	}
	switch {
	case f.err != nil && f.named: // a slip of the user's, not worth remembering
		p.report.failed(f, f.err)
		return db.Item{}, nothing, nil
	case f.err != nil:
		return fail(f.err)
	}
	abs, err := filepath.Abs(f.path)
	if err != nil {
		return fail(err)
	}
	info, err := os.Stat(f.path)
	if err != nil {
		return fail(plainPathError(err))
	}
	if p.claimed != nil {
		if other, taken := p.claimed[f.id]; taken {
			return db.Item{}, nothing, p.meet(f, abs, other)
		}
		p.claimed[f.id] = abs
	}
	item := db.Item{ID: f.id, Image: db.File(f.path), Source: f.path, Attrs: maps.Clone(p.attrs)}
	item.Attrs[fileSize] = engine.Int(info.Size())
	item.Attrs[fileMtime] = engine.Time(info.ModTime())
	if utf8.ValidString(abs) {
		item.Attrs[filePath] = engine.String(abs)
	}
	caption, captioned := p.captions.of(f, abs, p.keep)
	item.Caption = caption

	stored, err := p.db.Get(ctx, f.id)
	switch {
	case errors.Is(err, db.ErrNotFound), err == nil && p.replace:
		return item, embed, nil
	case err != nil:
		return db.Item{}, nothing, err
	}
	return p.again(ctx, f, item, stored, captioned)
}

// again plans for a file whose id the database has.
func (p *planner) again(ctx context.Context, f found, item db.Item, stored *db.Record, captioned bool) (db.Item, work, error) {
	if !captioned {
		item.Caption = stored.Caption
	}
	same := stored.Caption == item.Caption
	for name, v := range p.attrs {
		same = same && stored.Attrs[name] == v
	}
	fileSame := true
	for _, name := range []string{filePath, fileSize, fileMtime} {
		fileSame = fileSame && stored.Attrs[name] == item.Attrs[name]
	}
	if same && fileSame {
		p.report.skipped(f)
		return db.Item{}, nothing, nil
	}
	// What was said of the picture before stays, unless it is said anew.
	attrs := stored.Attrs.Clone()
	if attrs == nil {
		attrs = db.Attrs{}
	}
	delete(attrs, filePath)
	maps.Copy(attrs, item.Attrs)
	item.Attrs = attrs

	data, err := readPicture(f.path)
	if err != nil {
		item.Image = failing{err}
		return item, embed, nil
	}
	item.Image = bytes.NewReader(data)
	if stored.Image != nil && sha256.Sum256(data) == stored.Image.SHA256 {
		full, err := p.db.GetWith(ctx, f.id, db.Fetch{Vector: true})
		if err != nil {
			return db.Item{}, nothing, err
		}
		item.Vector = full.Vector
		return item, refresh, nil
	}
	// A rating was of the picture that is replaced.
	delete(item.Attrs, db.AttrSensitive)
	delete(item.Attrs, db.AttrSensitiveScore)
	old, fromFile := stored.Attrs[filePath].AsString()
	switch {
	case !fromFile:
		item.Image = failing{errors.New("the id is taken by another item, which was not added from a file; use --prefix to keep both, or --replace")}
	case stored.Attrs[filePath] != item.Attrs[filePath] && exists(old):
		item.Image = failing{fmt.Errorf("the id is taken by another picture, %s; use --prefix to keep both, or --replace", old)}
	}
	return item, embed, nil
}

// meet reports a file whose id another file of this run has.
func (p *planner) meet(f found, abs, other string) error {
	if abs != other && !sameContent(abs, other) {
		p.report.failed(f, fmt.Errorf("the id is taken by %s; add the folders one by one, with --prefix", other))
	} else {
		p.report.skipped(f)
	}
	return nil
}

func exists(path string) bool {
	_, err := os.Lstat(path)
	return err == nil
}

// sameContent reports whether two files hold the same bytes.
func sameContent(a, b string) bool {
	ha, errA := hashOf(a)
	hb, errB := hashOf(b)
	return errA == nil && errB == nil && ha == hb
}

func hashOf(name string) (sum [sha256.Size]byte, err error) {
	f, err := os.Open(name)
	if err != nil {
		return sum, err
	}
	defer f.Close()
	h := sha256.New()
	if _, err := io.Copy(h, f); err != nil {
		return sum, err
	}
	h.Sum(sum[:0])
	return sum, nil
}

// failing is a picture that cannot be read, so that its failure is remembered
// like any other.
type failing struct{ err error }

func (f failing) Read([]byte) (int, error) { return 0, unreadable{f.err} }

// unreadable is what was wrong with a file before anybody read it.
type unreadable struct{ error }

func (u unreadable) Unwrap() error { return u.error }
