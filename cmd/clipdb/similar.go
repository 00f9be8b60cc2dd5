package main

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"os"

	"github.com/clipdb/clipdb/db"
)

// similarCmd finds pictures like a picture or an item.
type similarCmd struct {
	DB   string `arg:"" name:"db" help:"Database file."`
	What string `arg:"" name:"image|id" help:"A picture file, - for standard input, or the id of an item."`
	ID   bool   `name:"id" help:"It is the id of an item, also when a file has the same name."`
	searchFlags
}

// Help is shown by --help.
func (*similarCmd) Help() string {
	return `A file of that name is taken as the picture; otherwise it is the id of an item, which is then
itself left out of the answers. Output, flags and filters are those of search.`
}

// Run searches.
func (c *similarCmd) Run(a *app) error {
	opts, err := c.options()
	if err != nil {
		return err
	}
	q := asked{text: "like " + c.What, db: c.DB}
	if !c.ID && c.What == "-" {
		data, err := a.readInput()
		if err != nil {
			return err
		}
		q.text, q.picture = "like the picture given", data
	} else if !c.ID {
		info, err := os.Stat(c.What)
		switch {
		case err == nil && !info.Mode().IsRegular():
			return fmt.Errorf("%s is %s, not a picture; name a file", c.What, kindOfFile(info.Mode()))
		case err == nil:
			if q.picture, err = readPicture(c.What); err != nil {
				return err
			}
		case !errors.Is(err, fs.ErrNotExist):
			return fmt.Errorf("%s: %w", c.What, plainPathError(err))
		}
	}
	if q.picture != nil {
		return c.byPicture(a, q, opts)
	}
	return c.byID(a, q, opts)
}

func (c *similarCmd) byPicture(a *app, q asked, opts *db.SearchOptions) error {
	d, err := a.openRead(c.DB)
	if err != nil {
		return err
	}
	defer d.Close()
	matches, err := d.SearchByImage(a.ctx, bytes.NewReader(q.picture), opts)
	if err != nil {
		return fmt.Errorf("%s: %w", c.What, err)
	}
	return a.answer(d.DB, &c.searchFlags, q, matches)
}

// byID needs no model: the item's vector is stored.
func (c *similarCmd) byID(a *app, q asked, opts *db.SearchOptions) error {
	d, err := a.openStored(c.DB, true)
	if err != nil {
		return err
	}
	defer d.Close()
	rec, err := d.GetWith(a.ctx, c.What, db.Fetch{Thumbnail: opts.WithThumbnail})
	if errors.Is(err, db.ErrNotFound) {
		return fmt.Errorf("there is neither a file nor an item called %q; ids are as clipdb search prints them", c.What)
	}
	if err != nil {
		return err
	}
	if rec.Image != nil {
		q.picture = rec.Image.Thumbnail
	}
	matches, err := d.Search(a.ctx, db.Like(c.What), opts)
	if err != nil {
		return err
	}
	return a.answer(d.DB, &c.searchFlags, q, matches)
}
