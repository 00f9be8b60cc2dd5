package main

import (
	"fmt"
	"io"
	"math"
	"strings"
	"time"

	"github.com/clipdb/clipdb/db"
)

// duplicatesCmd finds the same and nearly the same pictures.
type duplicatesCmd struct {
	DB         string   `arg:"" name:"db" help:"Database file."`
	Of         []string `arg:"" name:"id" optional:"" help:"Only the duplicates of these items."`
	Exact      bool     `name:"exact" help:"Items whose files have the same bytes."`
	Perceptual *int     `name:"perceptual" placeholder:"N" help:"Items that look alike: whose perceptual hashes differ in at most N of 64 bits."`
	Cosine     *float32 `name:"cosine" placeholder:"X" help:"Items whose vectors have a cosine of at least X. What is near depends on the model."`
	IDs        bool     `name:"ids" help:"Print only the ids of all but the best item of each group, a line each."`
	Filter     string   `name:"filter" short:"f" placeholder:"EXPR" help:"Only among items whose attributes pass."`
	Limit      int      `name:"limit" placeholder:"N" help:"Stop after N groups."`
	HTML       string   `name:"html" placeholder:"FILE" help:"Write the groups with their pictures as one page to look at."`
}

// Help is shown by --help.
func (*duplicatesCmd) Help() string {
	return fmt.Sprintf(`Without --exact, --perceptual and --cosine it is --exact --perceptual %d, which finds pictures that were
saved again, scaled, made grey or a little darker, and many of which an edge was cut. With one or more of
them these alone count. Mirrored pictures have other hashes; --cosine %v finds most, and with them
pictures that are only of the same kind. Every item of a group is a duplicate of the first, which is the
one of most pixels, then of most bytes, then the oldest, or the one asked for.

Look at the groups before you delete (--html), then:

  clipdb duplicates DB --ids | tr '\n' '\0' | xargs -0 -r clipdb delete DB

With --json a line is a group: {"keep":{...},"duplicates":[{"id","caption","bytes","width","height",
"format","added","kinds","distance","score"}]}; what is not known or not compared is left out.`,
		db.DefaultDuplicateDistance, db.DefaultDuplicateScore)
}

// groupLine is a group as --json prints it.
type groupLine struct {
	Keep       duplicateLine   `json:"keep"`
	Duplicates []duplicateLine `json:"duplicates"`
}

type duplicateLine struct {
	ID       string    `json:"id"`
	Caption  string    `json:"caption"`
	Bytes    int64     `json:"bytes,omitempty"`
	Width    int       `json:"width,omitempty"`
	Height   int       `json:"height,omitempty"`
	Format   string    `json:"format,omitempty"`
	Added    time.Time `json:"added"`
	Kinds    []string  `json:"kinds,omitempty"`
	Distance *int      `json:"distance,omitempty"`
	Score    *float32  `json:"score,omitempty"`
}

func newDuplicateLine(m db.Duplicate) duplicateLine {
	l := duplicateLine{ID: m.ID, Caption: m.Caption, Added: m.Created}
	if im := m.Image; im != nil {
		l.Bytes, l.Width, l.Height, l.Format = im.Size, im.Width, im.Height, im.Format
	}
	if m.Kinds != 0 {
		l.Kinds = strings.Split(m.Kinds.String(), ",")
	}
	if m.Kinds&db.DuplicatePerceptual != 0 {
		l.Distance = &m.Distance
	}
	if m.Kinds&db.DuplicateCosine != 0 {
		l.Score = &m.Score
	}
	return l
}

// options checks the flags and turns them into what db takes.
func (c *duplicatesCmd) options(a *app) (*db.DuplicateOptions, error) {
	o := &db.DuplicateOptions{IDs: c.Of, Limit: c.Limit, WithThumbnail: c.HTML != ""}
	var err error
	if o.Filter, err = filterFlag(c.Filter); err != nil {
		return nil, err
	}
	if c.Exact {
		o.Kinds |= db.DuplicateExact
	}
	if n := c.Perceptual; n != nil {
		if *n < 0 || *n > db.MaxDuplicateDistance {
			return nil, usagef("--perceptual is %d; it goes from 0 to %d", *n, db.MaxDuplicateDistance)
		}
		o.Kinds |= db.DuplicatePerceptual
		if o.Distance = *n; *n == 0 {
			o.Distance = -1
		}
	}
	if x := c.Cosine; x != nil {
		if s := float64(*x); math.IsNaN(s) || s <= 0 || s > 1 {
			return nil, usagef("--cosine is %v; it is above 0 and at most 1", s)
		}
		o.Kinds |= db.DuplicateCosine
		o.MinScore = *x
	}
	switch {
	case c.Limit < 0:
		return nil, usagef("--limit is %d; it cannot be below 0", c.Limit)
	case c.IDs && a.json:
		return nil, usagef("--ids and --json exclude each other; with --json the ids are those of \"duplicates\"")
	}
	return o, nil
}

// Run finds and prints the groups.
func (c *duplicatesCmd) Run(a *app) error {
	o, err := c.options(a)
	if err != nil {
		return err
	}
	d, err := a.openStored(c.DB, true)
	if err != nil {
		return err
	}
	defer d.Close()
	r := &duplicatesReport{a: a, ids: c.IDs}
	o.Progress = r.progress
	if c.HTML == "" {
		err = r.groups(d.Duplicates(a.ctx, o), func(int, db.DuplicateGroup) error { return nil })
	} else {
		err = c.page(a, d.DB, r, o)
	}
	r.bar.done()
	if err != nil {
		return err
	}
	// What reads the ids may want to delete them at once.
	if err := d.Close(); err != nil {
		return err
	}
	return r.end(o.Kinds)
}

// page finds and prints the groups, and writes the page of them meanwhile.
func (c *duplicatesCmd) page(a *app, d *db.DB, r *duplicatesReport, o *db.DuplicateOptions) error {
	var searching error
	err := writeFile(c.HTML, true, func(w io.Writer) error {
		page := &groupSheet{w: w, db: c.DB}
		if err := page.begin(a.ctx, d); err != nil {
			return err
		}
		if searching = r.groups(d.Duplicates(a.ctx, o), page.group); searching != nil {
			return searching
		}
		return page.end()
	})
	if searching == nil && err != nil {
		return fmt.Errorf("the page %s: %w", c.HTML, err)
	}
	return err
}
