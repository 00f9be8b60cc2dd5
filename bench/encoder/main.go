// Command encoder measures how fast models turn pictures and texts into
// vectors on this machine: the built-in one, and those in the folders below a
// folder, in any layout that clipdb model import takes.
//
//	go run ./bench/encoder [--models DIR] [--out FILE.md]
//
// Every setting (model, threads, batch, spinning) has a process of its own. Those
// of a model are measured in turn, a round after the other, while the others
// wait; figures are medians of rounds. The tables go to standard output, and with --out to
// FILE.md with everything measured beside it in FILE.json; without --out the
// JSON follows the tables. make bench-encoder exports full-size models first.
//
// # Caveats
//
// The processes of a model live side by side: those of a model of 800 MB take
// some 10 GB together.
//
// Models exported by export.py have random weights. They are as fast as real
// ones, but what half precision or 8 bits cost in accuracy depends on the
// weights: measure a real model before you trust the cosines.
package main

import (
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/clipdb/clipdb/bench/machine"
)

// options are the words of the command line.
type options struct {
	models, photos, out string
	seconds             float64
	rounds              int
	limit               time.Duration
	only                string // part of the names of models
	batches             []int
}

func main() {
	if len(os.Args) == 2 && os.Args[1] == childFlag {
		if err := serve(context.Background(), os.Stdin, os.Stdout); err != nil {
			fmt.Fprintln(os.Stderr, "encoder:", err)
			os.Exit(1)
		}
		return
	}
	o := options{batches: []int{1, 2, 4, 8, 16, 32}}
	flag.StringVar(&o.models, "models", "", "folder with a folder for each model; empty measures the built-in one alone")
	flag.StringVar(&o.photos, "photos", "examples/data/photos", "folder with pictures to decode")
	flag.StringVar(&o.out, "out", "", "file for the tables; the JSON goes beside it")
	flag.Float64Var(&o.seconds, "seconds", 0.5, "time for each figure in a round; at least one run is made")
	flag.IntVar(&o.rounds, "rounds", 3, "rounds, as many as the limit allows but at least one")
	flag.DurationVar(&o.limit, "limit", 11*time.Minute, "time for all")
	flag.StringVar(&o.only, "only", "", "measure only models with this in their name")
	flag.Parse()
	if flag.NArg() > 0 {
		flag.Usage()
		os.Exit(2)
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	if err := run(ctx, o, os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, "encoder:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, o options, stdout io.Writer) error {
	models, err := findModels(ctx, o.models)
	if err != nil {
		return err
	}
	models = slices.DeleteFunc(models, func(m subject) bool { return !strings.Contains(m.Name, o.only) })
	if len(models) == 0 {
		return fmt.Errorf("no model has %q in its name", o.only)
	}
	photos, err := listPhotos(o.photos)
	if err != nil {
		return err
	}
	doc := document{Machine: machine.Read(), Photos: len(photos), Models: models}
	began := time.Now()
	computed := map[string]vectors{}
	groups := plan(models, photos, o)
	for i, g := range groups {
		// What a group leaves of its share is for those that come after.
		share := (o.limit - time.Since(began)) / time.Duration(len(groups)-i)
		rows, v, err := g.measure(ctx, o.rounds, share)
		if err != nil {
			return err
		}
		doc.Rows = append(doc.Rows, rows...)
		if g[0].Task == taskTexts {
			computed[g[0].Model] = v
		}
	}
	doc.Agreements = agreements(models, computed)
	doc.Seconds, doc.LoadAfter = time.Since(began).Seconds(), machine.Load()
	content, err := json.Marshal(doc)
	if err != nil {
		return err
	}
	tables := doc.markdown()
	if _, err := fmt.Fprint(stdout, tables); err != nil {
		return err
	}
	if o.out == "" {
		_, err = fmt.Fprintf(stdout, "\n%s\n", content)
		return err
	}
	if err := os.WriteFile(o.out, []byte(tables), 0o644); err != nil {
		return err
	}
	return os.WriteFile(strings.TrimSuffix(o.out, filepath.Ext(o.out))+".json", append(content, '\n'), 0o644)
}

// measure runs the settings of a group in rounds, and has the vectors of the
// sample computed by a group for texts.
func (g group) measure(ctx context.Context, rounds int, share time.Duration) ([]row, vectors, error) {
	began := time.Now()
	var v vectors
	var children []*process
	defer func() {
		for _, p := range children {
			p.stop()
		}
	}()
	for _, s := range g {
		p, err := start(ctx, s)
		if err != nil {
			return nil, v, err
		}
		children = append(children, p)
	}
	results := make([][]round, len(g))
	for done := 0; done < max(1, rounds); done++ {
		start := time.Now()
		for i, p := range children {
			var m round
			if err := p.ask(orderRound, &m); err != nil {
				return nil, v, err
			}
			results[i] = append(results[i], m)
		}
		if took := time.Since(start); time.Since(began)+took > share {
			break
		}
	}
	if g[0].Task == taskTexts {
		if err := children[0].ask(orderVectors, &v); err != nil {
			return nil, v, err
		}
	}
	var rows []row
	for i, s := range g {
		f := sum(results[i])
		rows = append(rows, row{s.Model, s.Task, s.Threads, s.Batch, s.Spin, f})
		fmt.Fprintf(os.Stderr, "%s, %d rounds: %s\n", s, f.Rounds, f)
	}
	return rows, v, nil
}
