package main

import (
	"fmt"
	"strings"
	"time"

	"github.com/clipdb/clipdb/bench/dataset"
	"github.com/clipdb/clipdb/bench/machine"
	"github.com/clipdb/clipdb/bench/report"
	"github.com/clipdb/clipdb/bench/trial"
	"github.com/clipdb/clipdb/bench/truth"
	"github.com/clipdb/clipdb/index"
)

// benchCmd measures recall against latency.
type benchCmd struct {
	benchData
	Side    string    `name:"side" enum:"image,text" default:"image" placeholder:"image|text" help:"What the queries are: text vectors lie outside the cloud of images (default ${default})."`
	K       int       `name:"k" short:"k" default:"10" placeholder:"N" help:"Neighbours asked for (default ${default})."`
	Index   []string  `name:"index" default:"hnsw" placeholder:"KIND" help:"Indexes to try: hnsw, scan (1-bit codes), flat, or coder, which Windows has not (default ${default})."`
	Quant   []string  `name:"quant" placeholder:"CODES" help:"What hnsw computes distances on; the default, and others that this version has, are in the text above."`
	M       int       `name:"m" placeholder:"N" help:"Links of a node of a graph (default 16)."`
	Efc     int       `name:"efc" placeholder:"N" help:"Effort of building (default 200)."`
	Ef      []int     `name:"ef" placeholder:"N" help:"Efforts of searching, each a setting (default 10,20,40,80,160,320)."`
	Recall  []float64 `name:"recall" placeholder:"R" help:"Shares of the nearest to ask hnsw and scan for in place of --ef, each a setting, such as 0.95."`
	Config  []string  `name:"config" sep:"none" placeholder:"TEXT" help:"A named configuration in place of the flags for the index, such as hnsw:M=16,efc=200,ef=20/40; may be repeated."`
	Threads []int     `name:"threads" default:"1" placeholder:"N" help:"Goroutines that search, each a setting; the largest also builds (default ${default})."`
	Rounds  int       `name:"rounds" default:"5" placeholder:"N" help:"Interleaved rounds, of which the medians count (default ${default})."`
	Out     string    `name:"out" placeholder:"DIR" help:"Also write bench.json, bench.csv, bench.svg and bench.png, with the facts of this machine."`
}

// Help is shown by --help.
func (*benchCmd) Help() string {
	return `Measures recall against latency of the index, on files of vectors (.npy, .fvecs, .bvecs, HDF5 of
ann-benchmarks, idx), on the vectors of a database, or on generated ones. The true neighbours are
found by comparing with everything, once for the same vectors and queries. Everything is brought
to unit length: nearest is by cosine. Without --queries some of the vectors are held out and asked
for.

With --json a line for each setting: {"index","quant","ef","recall","qps","p50_us","p99_us",
"build_s","bytes_per_vector","open_s"} and what it was measured on. bytes_per_vector is what the
index keeps in memory; hnsw and scan read exact vectors for re-ranking from the file, as a database does.
open_s is from a file of the index's pages to the first answer.

hnsw computes on ` + quantWords() + `.`
}

// quantWords are the codes that the graph offers.
func quantWords() string {
	words := []string{}
	for i, q := range trial.Quants("hnsw") {
		w := q.String()
		if i == 0 {
			w += " (default)"
		}
		words = append(words, w)
	}
	return strings.Join(words, ", ")
}

// What a setting may take: a round of a slow one asks as many queries as fit,
// and none is asked again for longer than this.
const (
	benchMinTime = 250 * time.Millisecond
	benchMaxTime = 2 * time.Minute
	benchBudget  = 3 * time.Minute
)

// Run measures.
func (c *benchCmd) Run(a *app) error {
	configs, err := c.configs()
	if err != nil {
		return err
	}
	side, err := dataset.ParseSide(c.Side)
	if err != nil {
		return &usageError{err: err}
	}
	if err := c.check(); err != nil {
		return err
	}
	set, err := c.load(a, side)
	if err != nil {
		return err
	}
	q, _ := set.Of(side)
	doc := report.Document{Machine: machine.Read(), Command: strings.Join(configNames(configs), " ")}
	a.remark("%s: %s of %d components, %d %s queries; load %s", set.Name, plural(set.Base.Rows, "vector"),
		set.Base.Cols, q.Rows, c.Side, doc.Machine.Load)

	cache, err := truth.UserCache()
	if err != nil {
		return err
	}
	t, kept, err := cache.Find(a.ctx, set.Base, q.Matrix, c.K)
	if err != nil {
		return err
	}
	if !kept {
		a.remark("found the true neighbours")
	}
	var built []*trial.Built
	defer func() {
		for _, b := range built {
			b.Close()
		}
	}()
	for _, conf := range configs {
		b, err := trial.Build(a.ctx, conf, set.Base)
		if err != nil {
			return err
		}
		built = append(built, b)
		a.remark("built %v in %.1f s", conf, b.Took.Seconds())
	}
	bar := a.newProgress(-1, "searching", "rounds")
	doc.Rows, err = trial.Measure(a.ctx, set, q, t, built, trial.Plan{
		K: t.K, Threads: c.Threads, Rounds: c.Rounds, MinTime: benchMinTime, MaxTime: benchMaxTime, Budget: benchBudget,
	}, func(done, total int) { bar.set(int64(done)) })
	bar.done()
	doc.LoadEnd = machine.Load()
	if err != nil {
		return err
	}
	if c.Out != "" {
		if err := saveBench(c.Out, &doc); err != nil {
			return fmt.Errorf("the folder %s: %w", c.Out, err)
		}
	}
	if !a.json {
		return report.WriteTable(a.out, doc.Rows)
	}
	for _, r := range doc.Rows {
		if err := a.emit(r); err != nil {
			return err
		}
	}
	return nil
}

// check refuses numbers that make no sense before anything is read.
func (c *benchCmd) check() error {
	if c.K < 1 || c.K > 10_000 {
		return usagef("-k is %d; it goes from 1 to 10,000", c.K)
	}
	if c.Rounds < 1 || c.Rounds > 1000 {
		return usagef("--rounds is %d; it goes from 1 to 1,000", c.Rounds)
	}
	for _, n := range c.Threads {
		if n < 1 || n > 1024 {
			return usagef("--threads is %d; it goes from 1 to 1,024", n)
		}
	}
	return nil
}

// configs are the configurations that the flags describe.
func (c *benchCmd) configs() ([]trial.Config, error) {
	var out []trial.Config
	workers := 1
	for _, n := range c.Threads {
		workers = max(workers, n)
	}
	add := func(conf trial.Config) error {
		if conf.Workers == 0 {
			conf.Workers = workers
		}
		if len(conf.Ef) == 0 && len(conf.Recall) == 0 {
			conf.Ef = []int{10, 20, 40, 80, 160, 320}
		}
		if err := conf.Check(); err != nil {
			return &usageError{err: err}
		}
		out = append(out, conf)
		return nil
	}
	for _, text := range c.Config {
		conf, err := trial.ParseConfig(text)
		if err != nil {
			return nil, &usageError{err: err}
		}
		if err := add(conf); err != nil {
			return nil, err
		}
	}
	if len(c.Config) > 0 {
		return out, nil
	}
	for _, kind := range c.Index {
		conf, err := trial.ParseConfig(strings.TrimSpace(kind))
		if err != nil {
			return nil, &usageError{err: err}
		}
		conf.M, conf.EfConstruction, conf.Ef = c.M, c.Efc, c.Ef
		for _, r := range c.Recall {
			if conf.Kind != "hnsw" && conf.Kind != "scan" {
				break
			}
			if r <= 0 || !index.ValidRecall(float32(r)) {
				return nil, usagef("--recall is %v; it goes from above 0 to below 1", r)
			}
			conf.Recall = append(conf.Recall, float32(r))
		}
		quants := []string{""}
		if conf.Kind == "hnsw" && len(c.Quant) > 0 {
			quants = c.Quant
		}
		for _, name := range quants {
			if name != "" {
				if conf.Quant, err = index.ParseQuant(name); err != nil {
					return nil, &usageError{err: fmt.Errorf("--quant: %w", err)}
				}
			}
			if err := add(conf); err != nil {
				return nil, err
			}
		}
	}
	return out, nil
}

func configNames(configs []trial.Config) []string {
	out := make([]string, len(configs))
	for i, c := range configs {
		out[i] = c.String()
	}
	return out
}
