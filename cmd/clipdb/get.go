package main

import (
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/clipdb/clipdb/db"
)

// getCmd shows items.
type getCmd struct {
	DB     string   `arg:"" name:"db" help:"Database file."`
	IDs    []string `arg:"" name:"id" help:"Ids of items."`
	Image  string   `name:"image" short:"i" placeholder:"FILE" help:"Write the item's picture to a file, or to standard output as -."`
	Force  bool     `name:"force" help:"Replace a file that is there."`
	Vector bool     `name:"vector" help:"Show the vector too."`
}

// Help is shown by --help.
func (*getCmd) Help() string {
	return `With --json a line is {"id","caption","attrs","created","updated","model","image":{...}}. --image
writes the original, or the thumbnail where the database keeps no original.`
}

// recordLine is an item as --json prints it.
type recordLine struct {
	ID      string     `json:"id"`
	Caption string     `json:"caption"`
	Attrs   db.Attrs   `json:"attrs"`
	Created time.Time  `json:"created"`
	Updated time.Time  `json:"updated"`
	Model   string     `json:"model"` // fingerprint; "" for the caller's own vectors
	Image   *imageLine `json:"image"`
	Vector  []float32  `json:"vector,omitempty"`
}

type imageLine struct {
	SHA256    string `json:"sha256"`
	Format    string `json:"format"`
	Width     int    `json:"width"`
	Height    int    `json:"height"`
	Bytes     int64  `json:"bytes"`
	Frames    int    `json:"frames"`
	Original  bool   `json:"original"`  // stored
	Thumbnail bool   `json:"thumbnail"` // stored
}

func newRecordLine(r *db.Record) recordLine {
	l := recordLine{ID: r.ID, Caption: r.Caption, Attrs: orNone(r.Attrs), Created: r.Created, Updated: r.Updated,
		Model: r.Model, Vector: r.Vector}
	if im := r.Image; im != nil {
		l.Image = &imageLine{hex.EncodeToString(im.SHA256[:]), im.Format, im.Width, im.Height, im.Size, im.Frames,
			im.HasOriginal, im.HasThumbnail}
	}
	return l
}

// Run shows the items, and fails when one is missing.
func (c *getCmd) Run(a *app) error {
	switch {
	case c.Image != "" && len(c.IDs) != 1:
		return usagef("--image takes one id, %d were given", len(c.IDs))
	case c.Image == "-" && a.json:
		return usagef("--image - and --json both write to standard output; choose one")
	}
	d, err := a.openStored(c.DB, true)
	if err != nil {
		return err
	}
	defer d.Close()
	var missing []string
	for _, id := range c.IDs {
		rec, err := d.GetWith(a.ctx, id, db.Fetch{Vector: c.Vector, Original: c.Image != "", Thumbnail: c.Image != ""})
		if errors.Is(err, db.ErrNotFound) {
			missing = append(missing, id)
			continue
		}
		if err != nil {
			return err
		}
		if c.Image != "" {
			if err := c.write(a, rec); err != nil {
				return err
			}
			if c.Image == "-" {
				return nil
			}
		}
		if a.json {
			err = a.emit(newRecordLine(rec))
		} else {
			err = a.printRecord(rec)
		}
		if err != nil {
			return err
		}
	}
	return missingIDs(c.DB, missing)
}

// missingIDs is the error about ids that no item has.
func missingIDs(db string, ids []string) error {
	switch len(ids) {
	case 0:
		return nil
	case 1:
		return fmt.Errorf("%s has no item %q; ids are as clipdb search prints them", db, ids[0])
	}
	return fmt.Errorf("%s has none of %d ids, the first being %q; ids are as clipdb search prints them", db, len(ids), ids[0])
}

func (c *getCmd) write(a *app, rec *db.Record) error {
	if rec.Image == nil {
		return fmt.Errorf("the item %q has no picture, only a vector", rec.ID)
	}
	data := rec.Image.Original
	if data == nil {
		if data = rec.Image.Thumbnail; data != nil {
			a.remark("the database keeps no original of %q; this is its thumbnail", rec.ID)
		}
	}
	if data == nil {
		return fmt.Errorf("the database keeps no picture of %q; look at the file it was added from", rec.ID)
	}
	if c.Image == "-" {
		_, err := a.out.Write(data)
		return err
	}
	return writeFile(c.Image, c.Force, func(w io.Writer) error {
		_, err := w.Write(data)
		return err
	})
}

func (a *app) printRecord(r *db.Record) error {
	const when = "2006-01-02 15:04:05"
	facts := []string{"id", a.paint(bold, printable(r.ID)), "caption", printable(r.Caption)}
	if im := r.Image; im != nil {
		kept := "not stored"
		switch {
		case im.HasOriginal:
			kept = "original stored"
		case im.HasThumbnail:
			kept = "thumbnail stored"
		}
		facts = append(facts, "picture", fmt.Sprintf("%s, %d x %d, %s, %s", im.Format, im.Width, im.Height, byteCount(im.Size), kept),
			"sha256", hex.EncodeToString(im.SHA256[:]))
	}
	for _, name := range r.Attrs.Names() {
		facts = append(facts, printable(name), printable(r.Attrs[name].String()))
	}
	facts = append(facts, "added", r.Created.Local().Format(when))
	if !r.Updated.Equal(r.Created) {
		facts = append(facts, "changed", r.Updated.Local().Format(when))
	}
	if r.Vector != nil {
		facts = append(facts, "vector", fmt.Sprint(r.Vector))
	}
	return a.facts(facts...)
}
