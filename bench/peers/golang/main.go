// Command golang serves the vector libraries chromem-go and coder/hnsw to the
// comparison in bench/compare.
//
//	golang chromem | coder   [-m 16] [-efc 200]
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"runtime/debug"
	"strconv"
	"time"

	coder "github.com/coder/hnsw"
	chromem "github.com/philippgille/chromem-go"

	"github.com/clipdb/clipdb/bench/npy"
	"github.com/clipdb/clipdb/bench/peer"
)

func main() {
	m := flag.Int("m", 16, "links of a node")
	efc := flag.Int("efc", 200, "effort of building")
	flag.Parse()
	var lib peer.Library
	switch flag.Arg(0) {
	case "chromem":
		lib = &chromemLibrary{}
	case "coder":
		lib = &coderLibrary{m: *m, efc: *efc}
	default:
		flag.Usage()
		os.Exit(2)
	}
	if err := peer.Serve(lib, os.Stdin, os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

// version is that of a module in this program.
func version(name, path string) string {
	if info, ok := debug.ReadBuildInfo(); ok {
		for _, d := range info.Deps {
			if d.Path == path {
				return name + " " + d.Version
			}
		}
	}
	return name
}

// chromemLibrary compares with every vector.
type chromemLibrary struct{ c *chromem.Collection }

func (*chromemLibrary) Version() string {
	return version("chromem-go", "github.com/philippgille/chromem-go")
}

func (l *chromemLibrary) Build(base npy.Matrix, threads int) (err error) {
	if l.c, err = chromem.NewDB().CreateCollection("bench", nil, nil); err != nil {
		return err
	}
	docs := make([]chromem.Document, base.Rows)
	for i := range docs {
		docs[i] = chromem.Document{ID: strconv.Itoa(i), Embedding: base.Row(i), Content: "-"}
	}
	return l.c.AddDocuments(context.Background(), docs, threads)
}

func (l *chromemLibrary) Search(q peer.Query, dst []uint32) ([]uint32, error) {
	got, err := l.c.QueryEmbedding(context.Background(), q.Vector, q.K, nil, nil)
	for _, r := range got {
		id, _ := strconv.ParseUint(r.ID, 10, 32) // Build wrote it
		dst = append(dst, uint32(id))
	}
	return dst, err
}

func (*chromemLibrary) Open(string, peer.Query) (warm, cold time.Duration, err error) {
	return 0, 0, errors.ErrUnsupported
}

// coderLibrary is the graph of coder/hnsw as it is, unlike index/coder, which
// works around its faults.
type coderLibrary struct {
	m, efc int
	g      *coder.Graph[uint32]
}

func (*coderLibrary) Version() string { return version("coder/hnsw", "github.com/coder/hnsw") }

func (l *coderLibrary) Build(base npy.Matrix, _ int) error {
	l.g = coder.NewGraph[uint32]()
	l.g.M, l.g.EfSearch = l.m, l.efc // its only beam is also that of inserts
	for i := range base.Rows {
		l.g.Add(coder.MakeNode(uint32(i), base.Row(i)))
	}
	return nil
}

func (l *coderLibrary) Search(q peer.Query, dst []uint32) ([]uint32, error) {
	l.g.EfSearch = q.Ef
	for _, n := range l.g.Search(q.Vector, q.K) {
		dst = append(dst, n.Key)
	}
	return dst, nil
}

func (*coderLibrary) Open(string, peer.Query) (warm, cold time.Duration, err error) {
	return 0, 0, errors.ErrUnsupported
}
