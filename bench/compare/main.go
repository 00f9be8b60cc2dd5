// Command compare measures clipdb's indexes beside other vector libraries: the
// same vectors, the same true neighbours, every library in a process of its
// own, one thread, rounds in turn. It is run by make bench-peers, which makes
// the Python environment and the Go peers first.
//
//	compare --data cliplike:100000:512 --out DIR [--peers hnswlib,clipdb,...]
//
// It writes compare-NAME.json and .csv with a row for each setting,
// summary-NAME.csv with the throughput at recall 0.95 and 0.99, and a picture
// for image and text queries each.
//
// # Caveats
//
// Each index is built once. An index of a Python library, and how long it took
// to build, is kept below --work; remove that folder after a change of the
// machine. A library that fails is named and left out.
package main

import (
	"context"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"path/filepath"
	"strconv"
	"strings"

	"github.com/clipdb/clipdb/bench/dataset"
	"github.com/clipdb/clipdb/bench/peer"
	"github.com/clipdb/clipdb/index"
)

// options are the words of the command line.
type options struct {
	data, out, work    string
	peers              []string
	python, scripts    string // interpreter, and the folder with peers.py
	goPeers            string // program that serves libraries in Go
	rounds, k, threads int
	m, efc             int
	clipdb             []string // configurations of clipdb
}

func main() {
	var o options
	var peers, configs string
	serve := flag.String("serve", "", "serve a configuration of clipdb as a peer (compare starts itself so)")
	flag.StringVar(&o.data, "data", "cliplike:100000:512", "cliplike:N:DIM[:SEED], fashion-mnist, or BASE,QUERIES[,TEXT QUERIES] files")
	flag.StringVar(&o.out, "out", "", "folder for the outcome")
	flag.StringVar(&o.work, "work", "build/bench-peers", "folder for vectors and indexes, kept between runs")
	flag.StringVar(&peers, "peers", "", "names of libraries, parted by commas; empty takes all")
	flag.StringVar(&configs, "clipdb", "hnsw:vectors=own", "configurations of clipdb, parted by spaces")
	flag.StringVar(&o.python, "python", "python3", "interpreter with the libraries from PyPI")
	flag.StringVar(&o.scripts, "scripts", "bench/peers", "folder of peers.py")
	flag.StringVar(&o.goPeers, "go-peers", "", "program that serves chromem-go and coder/hnsw; empty leaves them out")
	flag.IntVar(&o.rounds, "rounds", 5, "interleaved rounds")
	flag.IntVar(&o.k, "k", 10, "neighbours asked for")
	flag.IntVar(&o.threads, "threads", 1, "threads that build and search")
	flag.IntVar(&o.m, "m", 16, "links of a node, for every graph")
	flag.IntVar(&o.efc, "efc", 200, "effort of building, for every graph")
	flag.Parse()
	if *serve != "" {
		if err := serveClipdb(*serve); err != nil {
			fmt.Fprintln(os.Stderr, "compare:", err)
			os.Exit(1)
		}
		return
	}
	if o.out == "" || flag.NArg() > 0 {
		flag.Usage()
		os.Exit(2)
	}
	if peers != "" {
		o.peers = strings.Split(peers, ",")
	}
	o.clipdb = strings.Fields(configs)
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	if err := run(ctx, o); err != nil {
		fmt.Fprintln(os.Stderr, "compare:", err)
		os.Exit(1)
	}
}

func serveClipdb(config string) error {
	lib, err := newClipdbLibrary(config)
	if err != nil {
		return err
	}
	return peer.Serve(lib, os.Stdin, os.Stdout)
}

// loadSet reads or makes the vectors that --data names.
func loadSet(data string) (*dataset.Set, error) {
	switch rest, generated := strings.CutPrefix(data, "cliplike:"); {
	case generated:
		var n [3]int
		for i, word := range strings.Split(rest, ":") {
			v, err := strconv.Atoi(word)
			if err != nil || i > 2 || v < 0 {
				return nil, fmt.Errorf("--data %s: wanted cliplike:N:DIM[:SEED]", data)
			}
			n[i] = v
		}
		if n[0] < 100 || n[1] < 2 {
			return nil, fmt.Errorf("--data %s: wanted 100 vectors of 2 components or more", data)
		}
		return dataset.CLIPLike(n[0], n[1], 1000, 500, uint64(n[2])), nil
	case data == "fashion-mnist":
		return dataset.FashionMNIST(dataset.FashionMNISTDir, 1000)
	}
	files := strings.Split(data, ",")
	queries := ""
	if len(files) > 1 {
		queries = files[1]
	}
	set, err := dataset.Open(files[0], queries, index.SideImage, 0)
	if err != nil || len(files) < 3 {
		return set, err
	}
	text, err := dataset.ReadQueries(files[2])
	if err != nil {
		return nil, err
	}
	return dataset.New(set.Name, set.Base, append(set.Queries, dataset.Queries{Side: index.SideText, Matrix: text})...)
}

// writeSet lays the vectors out as files that every peer reads, and returns
// their names: that of the base and one for each entry of set.Queries.
func writeSet(set *dataset.Set, dir string) (base string, queries []string, err error) {
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return "", nil, err
	}
	base = filepath.Join(dir, "base.npy")
	if err := writeMatrix(base, set.Base); err != nil {
		return "", nil, err
	}
	for _, q := range set.Queries {
		name := filepath.Join(dir, dataset.SideName(q.Side)+".npy")
		if err := writeMatrix(name, q.Matrix); err != nil {
			return "", nil, err
		}
		queries = append(queries, name)
	}
	return base, queries, nil
}
