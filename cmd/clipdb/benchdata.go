package main

import (
	"fmt"
	"io"
	"os"
	"path/filepath"

	"github.com/clipdb/clipdb"
	"github.com/clipdb/clipdb/bench/dataset"
	"github.com/clipdb/clipdb/bench/npy"
	"github.com/clipdb/clipdb/bench/plot"
	"github.com/clipdb/clipdb/bench/report"
	"github.com/clipdb/clipdb/index"
)

// benchData says which vectors are searched.
type benchData struct {
	Base     string `name:"base" xor:"data" required:"" placeholder:"FILE" help:"Vectors to search in."`
	DB       string `name:"db" xor:"data" required:"" placeholder:"FILE" help:"Search in the vectors of a database."`
	CLIPLike int    `name:"cliplike" xor:"data" required:"" placeholder:"N" help:"Search in N generated vectors that behave as those of CLIP do."`
	Fashion  bool   `name:"fashion-mnist" xor:"data" required:"" help:"Search in Fashion-MNIST, from Debian's package dataset-fashion-mnist."`
	Queries  string `name:"queries" placeholder:"FILE" help:"Vectors to search for; without it some of the others are held out."`
	Dim      int    `name:"dim" default:"512" placeholder:"N" help:"Components of generated vectors (default ${default})."`
	Ask      int    `name:"ask" default:"1000" placeholder:"N" help:"Queries that are held out or generated (default ${default})."`
	Seed     uint64 `name:"seed" default:"0" placeholder:"N" help:"Of what is drawn (default ${default})."`
}

// load reads or makes the vectors.
func (c *benchData) load(a *app, side index.Side) (*dataset.Set, error) {
	if c.Ask < 1 || c.Ask > 1_000_000 {
		return nil, usagef("--ask is %d; it goes from 1 to 1,000,000", c.Ask)
	}
	if c.Queries != "" && (c.CLIPLike != 0 || c.Fashion) {
		return nil, usagef("--queries goes with --base or --db")
	}
	switch {
	case c.Base != "":
		return dataset.Open(c.Base, c.Queries, side, c.Seed)
	case c.Fashion:
		if side != index.SideImage {
			return nil, usagef("Fashion-MNIST has image queries only")
		}
		return dataset.FashionMNIST(dataset.FashionMNISTDir, c.Ask)
	case c.DB != "":
		return c.loadDatabase(a, side)
	}
	if c.CLIPLike < 2 || c.CLIPLike > 100_000_000 {
		return nil, usagef("--cliplike is %d; it goes from 2 to 100,000,000", c.CLIPLike)
	}
	if c.Dim < 2 || c.Dim > index.MaxDim {
		return nil, usagef("--dim is %d; it goes from 2 to %s", c.Dim, thousands(index.MaxDim))
	}
	images, texts := c.Ask, 1
	if side == index.SideText {
		images, texts = 1, c.Ask
	}
	return dataset.CLIPLike(c.CLIPLike, c.Dim, images, texts, c.Seed), nil
}

// loadDatabase takes all vectors of a database; without a file of queries some
// of them are held out.
func (c *benchData) loadDatabase(a *app, side index.Side) (*dataset.Set, error) {
	d, err := a.openStored(c.DB, true)
	if err != nil {
		return nil, err
	}
	defer d.Close()
	var m npy.Matrix
	for rec, err := range d.Scan(a.ctx, clipdb.ScanOptions{Fetch: clipdb.Fetch{Vector: true}}) {
		if err != nil {
			return nil, err
		}
		if len(rec.Vector) == 0 {
			continue
		}
		m.Rows, m.Cols = m.Rows+1, len(rec.Vector)
		m.Data = append(m.Data, rec.Vector...)
	}
	if m.Rows < 20 {
		return nil, fmt.Errorf("%s holds %s; a measurement wants 20 or more", c.DB, plural(m.Rows, "vector"))
	}
	var q npy.Matrix
	if c.Queries != "" {
		q, err = dataset.ReadQueries(c.Queries)
	} else if side == index.SideText {
		return nil, usagef("a database holds vectors of images; --side text needs --queries FILE")
	} else {
		m, q, err = dataset.HoldOut(m, min(c.Ask, m.Rows/10), c.Seed)
	}
	if err != nil {
		return nil, err
	}
	return dataset.New(filepath.Base(c.DB), m, dataset.Queries{Side: side, Matrix: q})
}

// saveBench writes what was measured into a folder.
func saveBench(dir string, doc *report.Document) error {
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return err
	}
	title := ""
	if len(doc.Rows) > 0 {
		r := doc.Rows[0]
		title = fmt.Sprintf("%s, %s queries", r.Set, r.Side)
	}
	name := func(r report.Row) string {
		if r.Threads > 1 {
			return fmt.Sprintf("%s, %d threads", r.Name(), r.Threads)
		}
		return r.Name()
	}
	for file, write := range map[string]func(io.Writer) error{
		"bench.json": doc.WriteJSON,
		"bench.csv":  doc.WriteCSV,
		"bench.svg":  func(w io.Writer) error { return plot.Curves(w, "svg", title, doc.Rows, name) },
		"bench.png":  func(w io.Writer) error { return plot.Curves(w, "png", title, doc.Rows, name) },
	} {
		if err := writeFile(filepath.Join(dir, file), true, write); err != nil {
			return err
		}
	}
	return nil
}
