// Command study measures what docs/recall.md says of the index beside its speed:
//
//	go run ./bench/study [flags] filters | churn | threads | targets | sides | efficiency | open
//
//	filters     filtered searches beside plain ones and exact scans of what passes
//	churn       recall after deleting and inserting again, round after round
//	threads     building with one goroutine and two, searching with one and all
//	targets     recall that was asked for beside recall that was found
//	sides       which way serves texts best, by the size of the collection
//	efficiency  how much of a search's time the memory alone would take
//	open        from opening to the first answer: an index, and a database
//
// Vectors imitate CLIP's, see package cliplike. Each study prints a table in
// Markdown, below the machine it ran on. Indexes and databases are kept in
// --work, and are of no use after a change of the index: remove the folder then.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"strconv"
	"strings"

	"github.com/clipdb/clipdb/bench/machine"
	"github.com/clipdb/clipdb/index"
)

// options are the words of the command line.
type options struct {
	n, dim  int
	sizes   []int
	queries int
	rounds  int
	side    index.Side
	again   bool // churn brings new vectors, not those that went
	work    string
	child   string
}

var studies = map[string]func(context.Context, options) error{
	"filters": filters, "churn": churn, "threads": threads, "targets": targets,
	"sides": sides, "efficiency": efficiency, "open": open,
}

func main() {
	var o options
	var sizes, side string
	flag.IntVar(&o.n, "n", 100_000, "vectors")
	flag.IntVar(&o.dim, "dim", 512, "components")
	flag.StringVar(&sizes, "sizes", "20000,50000,100000,200000", "numbers of vectors for sides and open")
	flag.IntVar(&o.queries, "queries", 200, "queries of a side")
	flag.IntVar(&o.rounds, "rounds", 5, "rounds, of which the median counts")
	flag.StringVar(&side, "side", "image", "queries of filters: image or text")
	flag.BoolVar(&o.again, "new", false, "churn: insert new vectors in the place of those that went")
	flag.StringVar(&o.work, "work", "build/study", "folder for indexes and databases")
	flag.StringVar(&o.child, "child", "", "open a database and tell how long it took (open starts itself so)")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	if err := run(ctx, o, sizes, side, flag.Args()); err != nil {
		fmt.Fprintln(os.Stderr, "study:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, o options, sizes, side string, names []string) error {
	if o.child != "" {
		return openDatabase(ctx, o.child)
	}
	for s := range strings.SplitSeq(sizes, ",") {
		n, err := strconv.Atoi(s)
		if err != nil || n < 1000 {
			return fmt.Errorf("size %q, want 1000 or more", s)
		}
		o.sizes = append(o.sizes, n)
	}
	if side == "text" {
		o.side = index.SideText
	}
	if len(names) == 0 || o.n < 1000 || o.dim < 8 || o.queries < 10 || o.rounds < 1 {
		flag.Usage()
		return errors.New("name a study")
	}
	f := machine.Read()
	fmt.Printf("%s, %d cores, %s, %s, load %s\n", f.CPU, f.Cores, f.Features, f.Go, f.Load)
	for _, name := range names {
		study := studies[name]
		if study == nil {
			return fmt.Errorf("there is no study %q", name)
		}
		fmt.Printf("\n## %s\n\n", name)
		if err := study(ctx, o); err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
	}
	return nil
}

// row prints a line of a table.
func row(cells ...any) {
	for _, c := range cells {
		fmt.Printf("| %v ", c)
	}
	fmt.Println("|")
}

// head prints the first lines of a table.
func head(names ...any) {
	row(names...)
	fmt.Println(strings.Repeat("|---", len(names)) + "|")
}
