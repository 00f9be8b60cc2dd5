// Command cut measures what SearchOptions.Cut leaves of answers: to words that
// pictures of a collection are labelled with, and to words for things that are
// not in it.
//
//	go run ./bench/cut --dir FOLDER --words FILE
//
// FOLDER holds captions.jsonl, one {"file", "captions", "labels"} a line, or
// folders that do; then they are one collection. FILE holds synsets of WordNet
// by id, {"names", "hypernyms"}: the words that are asked for. A word is there
// when at least three pictures have it, and at most a tenth; it is not there
// when no caption or label has it, another name of it, or what it is a kind of.
package main

import (
	"context"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"path/filepath"

	"github.com/clipdb/clipdb"
)

func main() {
	dir := flag.String("dir", "", "folder with the pictures")
	words := flag.String("words", "", "file with synsets of WordNet")
	flag.Parse()
	if *dir == "" || *words == "" || flag.NArg() > 0 {
		flag.Usage()
		os.Exit(2)
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	if err := run(ctx, *dir, *words); err != nil {
		fmt.Fprintln(os.Stderr, "cut:", err)
		os.Exit(1)
	}
}

// depth is how many answers are asked for.
const depth = 50

func run(ctx context.Context, dir, words string) error {
	classes, err := readClasses(words)
	if err != nil {
		return err
	}
	list, err := readCollections(dir)
	if err != nil {
		return err
	}
	c := &list[0]
	c.ask(classes)
	tmp, err := os.MkdirTemp("", "cut")
	if err != nil {
		return err
	}
	defer os.RemoveAll(tmp)
	db, err := clipdb.Open(filepath.Join(tmp, "pictures.clipdb"), &clipdb.Options{Images: clipdb.KeepNone})
	if err != nil {
		return err
	}
	defer db.Close()
	report, err := db.InsertAll(ctx, func(yield func(clipdb.Item) bool) {
		for _, it := range c.items {
			if !yield(clipdb.Item{ID: it.id, Image: clipdb.File(it.file)}) {
				return
			}
		}
	}, nil)
	if err != nil {
		return err
	}
	fmt.Printf("%s: %d pictures (%d could not be read), %d words that are there, %d that are not, %d answers asked for\n\n",
		c.name, report.Added, report.Failed, len(c.present), len(c.absent), depth)
	fmt.Println("| cut | there: precision | recall of what 50 answers have | no answer | answers | not there: no answer | answers |")
	fmt.Println("|---|---|---|---|---|---|---|")
	for _, cut := range []float64{0, 10, 1, 0.1, 0.01, 0.001} {
		there, err := answers(ctx, db, c.present, cut)
		if err != nil {
			return err
		}
		not, err := answers(ctx, db, c.absent, cut)
		if err != nil {
			return err
		}
		fmt.Printf("| %g | %.2f | %.2f | %.2f | %.1f | %.2f | %.1f |\n", cut, there.precision, there.recall, there.empty, there.mean, not.empty, not.mean)
	}
	return nil
}

// outcome is the mean over questions. Precision is over those that have an
// answer, recall over those whose uncut answer has something relevant.
type outcome struct{ precision, recall, empty, mean float64 }

func answers(ctx context.Context, db *clipdb.DB, questions []question, cut float64) (o outcome, err error) {
	var answered, findable float64
	for _, q := range questions {
		got, err := db.SearchByText(ctx, q.text, &clipdb.SearchOptions{K: depth, Exact: true, Cut: cut})
		if err != nil {
			return o, err
		}
		all, err := db.SearchByText(ctx, q.text, &clipdb.SearchOptions{K: depth, Exact: true})
		if err != nil {
			return o, err
		}
		good, best := q.count(got), q.count(all)
		o.mean += float64(len(got))
		if len(got) == 0 {
			o.empty++
		} else {
			o.precision += good / float64(len(got))
			answered++
		}
		if best > 0 {
			o.recall += good / best
			findable++
		}
	}
	n := float64(len(questions))
	o.mean, o.empty = o.mean/n, o.empty/n
	o.precision, o.recall = o.precision/max(answered, 1), o.recall/max(findable, 1)
	return o, nil
}

func (q *question) count(matches []clipdb.Match) (n float64) {
	for _, m := range matches {
		if q.relevant[m.ID] {
			n++
		}
	}
	return n
}
