// Command zeroshot measures how well the built-in model, or one from a folder,
// classifies through clipdb itself, by what captions are made of the labels.
//
//	go run ./bench/zeroshot --dir FOLDER [--model DIR] [--template TEXT]... [--temperature T]
//	go run ./bench/zeroshot --dir FOLDER --heldout FILE [--fit]
//
// FOLDER holds classes.tsv with the columns name and file, a line for each
// picture. With --heldout it holds a folder for each line of FILE ("set", tab,
// "label|label|..." or * for all of its labels), with captions.jsonl of {"file",
// "labels"}; pictures whose first label is among those of the line take part.
// --fit finds the temperature of the probabilities there, over all sets
// together; do it on pictures that you do not measure with. --temperature
// measures the expected calibration error (ECE) at one; else it is the model's.
package main

import (
	"cmp"
	"context"
	"flag"
	"fmt"
	"math"
	"os"
	"os/signal"
	"path/filepath"
	"slices"
	"strings"

	"github.com/clipdb/clipdb"
	"github.com/clipdb/clipdb/encoder/builtin"
	clip "github.com/clipdb/clipdb/encoder/model"
	"github.com/clipdb/clipdb/encoder/onnx"
)

// texts is a flag that may be given several times.
type texts []string

func (t *texts) String() string     { return strings.Join(*t, ", ") }
func (t *texts) Set(s string) error { *t = append(*t, s); return nil }

func main() {
	var own texts
	dir := flag.String("dir", "", "folder with the pictures")
	heldout := flag.String("heldout", "", "file with sets and their labels")
	model := flag.String("model", "", "folder of a model; empty is the built-in one")
	fit := flag.Bool("fit", false, "find the temperature")
	temperature := flag.Float64("temperature", 0, "temperature of the last column; 0 is the model's")
	flag.Var(&own, "template", "caption of a label with {} in its place; several are one ensemble of their own")
	flag.Parse()
	if *dir == "" || flag.NArg() > 0 || !(*temperature >= 0) || math.IsInf(*temperature, 0) {
		flag.Usage()
		os.Exit(2)
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	if err := run(ctx, *dir, *heldout, *model, own, *temperature, *fit); err != nil {
		fmt.Fprintln(os.Stderr, "zeroshot:", err)
		os.Exit(1)
	}
}

// ensemble is a way of making captions.
type ensemble struct {
	name      string
	templates []string
}

func run(ctx context.Context, dir, heldout, model string, own []string, temperature float64, fit bool) error {
	sets, err := read(dir, heldout)
	if err != nil {
		return err
	}
	var enc clipdb.Encoder
	if model == "" {
		enc, err = builtin.New(nil)
	} else {
		enc, err = onnx.Open(model, nil)
	}
	if err != nil {
		return err
	}
	defer enc.Close()
	m := enc.Model()
	ensembles := []ensemble{
		{"the label alone", []string{"{}"}},
		{"\"a photo of a {}.\"", []string{"a photo of a {}."}},
		{"OpenAI's ensemble of 7", clip.Templates("clip")},
	}
	if t := m.Templates; !slices.ContainsFunc(ensembles, func(e ensemble) bool { return slices.Equal(e.templates, t) }) {
		ensembles = append(ensembles, ensemble{fmt.Sprintf("the model's own, %d", len(t)), t})
	}
	if len(own) > 0 {
		ensembles = append(ensembles, ensemble{fmt.Sprintf("own, %d", len(own)), own})
	}
	for i := range sets {
		if err := sets[i].encode(ctx, enc); err != nil {
			return fmt.Errorf("%s: %w", sets[i].name, err)
		}
	}
	temperature = cmp.Or(temperature, float64(m.Temperature), 1)
	fmt.Printf("%s\n\n| set | pictures | labels | captions | top-1 | top-5 | ECE | ECE at temperature %.3g |\n|---|---|---|---|---|---|---|---|\n", m.Name, temperature)
	var fits []string
	for _, e := range ensembles {
		var all outcomes
		for i := range sets {
			got, err := sets[i].classify(ctx, enc, e.templates)
			if err != nil {
				return fmt.Errorf("%s: %w", sets[i].name, err)
			}
			fmt.Printf("| %s | %d | %d | %s | %.1f | %.1f | %.3f | %.3f |\n", sets[i].name, len(sets[i].files), len(sets[i].labels),
				e.name, 100*got.top(1), 100*got.top(5), got.calibrationError(m, 1), got.calibrationError(m, temperature))
			all = append(all, got...)
		}
		if fit {
			t := all.fit(m)
			fits = append(fits, fmt.Sprintf("%s: temperature %.3f, ECE %.3f -> %.3f, loss %.3f -> %.3f", e.name, t,
				all.calibrationError(m, 1), all.calibrationError(m, t), all.loss(m, 1), all.loss(m, t)))
		}
	}
	for _, f := range fits { // behind the table, which they would break
		fmt.Printf("\n%s\n", f)
	}
	return nil
}

// encode stores the pictures in a database and reads their vectors back.
func (s *set) encode(ctx context.Context, enc clipdb.Encoder) error {
	tmp, err := os.MkdirTemp("", "zeroshot")
	if err != nil {
		return err
	}
	defer os.RemoveAll(tmp)
	db, err := clipdb.Open(filepath.Join(tmp, "photos.clipdb"), &clipdb.Options{Encoder: enc, Images: clipdb.KeepNone})
	if err != nil {
		return err
	}
	defer db.Close()
	report, err := db.InsertAll(ctx, func(yield func(clipdb.Item) bool) {
		for i, f := range s.files {
			if !yield(clipdb.Item{ID: name(i), Image: clipdb.File(f)}) {
				return
			}
		}
	}, nil)
	if err != nil {
		return err
	}
	if report.Failed > 0 {
		return fmt.Errorf("%d pictures failed, the first: %w", report.Failed, report.Failures[0].Err)
	}
	for i := range s.files {
		r, err := db.GetWith(ctx, name(i), clipdb.Fetch{Vector: true})
		if err != nil {
			return err
		}
		s.vectors = append(s.vectors, r.Vector)
	}
	return nil
}

func name(i int) string { return fmt.Sprintf("%06d", i) }

func (s *set) classify(ctx context.Context, enc clipdb.Encoder, templates []string) (outcomes, error) {
	c, err := clipdb.NewClassifier(enc, s.labels, &clipdb.ClassifyOptions{Templates: templates})
	if err != nil {
		return nil, err
	}
	var all outcomes
	for i, v := range s.vectors {
		scores, err := c.ClassifyVector(ctx, v)
		if err != nil {
			return nil, err
		}
		all = append(all, outcome{scores, s.labels[s.truth[i]]})
	}
	return all, nil
}
