package main

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"github.com/clipdb/clipdb/bench/peer"
	"github.com/clipdb/clipdb/bench/trial"
)

// engine is a process with one index.
type engine struct {
	name    string // also the name of its folder
	command []string
	process *peer.Process
	built   peer.Reply
}

// contestant is a way of searching the index of an engine.
type contestant struct {
	library, quant, variant string
	engine                  *engine
	efs                     []int
	graph                   bool
}

var (
	imageBeams = []int{10, 20, 40, 80, 160, 320}
	textBeams  = []int{40, 80, 160, 320, 640, 1280}
	probes     = []int{1, 2, 4, 8, 16, 32, 64, 128, 256}
	noBeam     = []int{0}
	// In thousandths.
	askedRecalls = []int{800, 850, 900, 930, 950, 970, 980, 990, 995}
)

// variantRecall asks for recall, in thousandths, in place of a beam.
const variantRecall = "recall"

// beams are what a contestant is asked with on one side.
func (c *contestant) beams(side string) []int {
	switch {
	case c.efs != nil:
		return c.efs
	case side == "text":
		return textBeams
	}
	return imageBeams
}

// contestants are all that can be compared here.
func (o options) contestants() (engines []*engine, all []*contestant, err error) {
	graph := []string{"--m", strconv.Itoa(o.m), "--efc", strconv.Itoa(o.efc)}
	self, err := os.Executable()
	if err != nil {
		return nil, nil, err
	}
	add := func(name string, command []string, cs ...*contestant) {
		if len(o.peers) > 0 && !slices.Contains(o.peers, name) {
			return
		}
		e := &engine{name: name, command: command}
		engines = append(engines, e)
		for _, c := range cs {
			c.engine = e
			all = append(all, c)
		}
	}
	for i, config := range o.clipdb {
		c, err := trial.ParseConfig(config)
		if err != nil {
			return nil, nil, err
		}
		k := &contestant{library: "clipdb " + c.Kind, quant: c.QuantName(), graph: c.Kind != "flat"}
		if c.Kind == "flat" {
			k.efs = noBeam
		} else {
			if c.M == 0 {
				c.M = o.m
			}
			if c.EfConstruction == 0 {
				c.EfConstruction = o.efc
			}
			k.efs = c.Ef
			c.Ef = nil
		}
		name := "clipdb"
		if i > 0 {
			name = fmt.Sprintf("clipdb-%d", i+1)
		}
		ways := []*contestant{k}
		if c.Kind == "hnsw" {
			ways = append(ways, &contestant{library: "clipdb hnsw, recall asked", quant: k.quant, variant: variantRecall, efs: askedRecalls, graph: true})
		}
		add(name, []string{self, "-serve", c.String()}, ways...)
	}
	python := func(name string, cs ...*contestant) {
		add(name, append([]string{o.python, filepath.Join(o.scripts, "peers.py"), name}, graph...), cs...)
	}
	python("hnswlib", &contestant{library: "hnswlib", quant: "f32", graph: true})
	for _, q := range []string{"f32", "bf16", "i8"} {
		python("usearch-"+q, &contestant{library: "usearch", quant: q, graph: true})
	}
	python("faiss-hnsw", &contestant{library: "faiss HNSW", quant: "f32", graph: true})
	python("faiss-sq8",
		&contestant{library: "faiss HNSW", quant: "SQ8", graph: true},
		&contestant{library: "faiss HNSW", quant: "SQ8+refine", variant: "refine", graph: true})
	python("faiss-ivf", &contestant{library: "faiss IVF", quant: "f32", efs: probes})
	if o.goPeers != "" {
		add("chromem", []string{o.goPeers, "chromem"}, &contestant{library: "chromem-go", quant: "f32", efs: noBeam})
		add("coder", append([]string{o.goPeers}, append(graph, "coder")...), &contestant{library: "coder/hnsw", quant: "f32", graph: true, efs: []int{40, 160, 640}})
	}
	for _, p := range o.peers {
		if !slices.ContainsFunc(engines, func(e *engine) bool { return e.name == p }) {
			return nil, nil, fmt.Errorf("--peers: %q is not to be had here", p)
		}
	}
	return engines, all, nil
}

// start runs the engine's process and has the index built. Threads of the
// libraries are one unless more are asked for.
func (e *engine) start(o options, base, work string) (err error) {
	cmd := exec.Command(e.command[0], e.command[1:]...)
	cmd.Stderr = os.Stderr
	n := strconv.Itoa(o.threads)
	cmd.Env = append(os.Environ(), "OMP_NUM_THREADS="+n, "OPENBLAS_NUM_THREADS=1", "GOMAXPROCS="+n)
	if e.process, err = peer.Start(e.name, cmd); err != nil {
		return err
	}
	dir := filepath.Join(work, strings.Join([]string{e.name, "m" + strconv.Itoa(o.m), "efc" + strconv.Itoa(o.efc)}, "-"))
	e.built, err = e.process.Ask(peer.Request{Op: peer.OpBuild, Base: base, Dir: dir, Threads: o.threads})
	return err
}
