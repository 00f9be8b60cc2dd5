package main

import (
	"context"
	"encoding/csv"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/clipdb/clipdb/bench/peer"
	"github.com/clipdb/clipdb/bench/report"
)

// compare starts itself to serve clipdb; the test binary does the same.
func TestMain(m *testing.M) {
	if len(os.Args) == 3 && os.Args[1] == "-serve" {
		if err := serveClipdb(os.Args[2]); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		return
	}
	os.Exit(m.Run())
}

// Two configurations of clipdb, and a library that is not to be had, are
// compared for real.
func TestCompare(t *testing.T) {
	out := t.TempDir()
	o := options{
		data: "cliplike:1200:32:5", out: out, work: t.TempDir(), python: filepath.Join(out, "no-python"), scripts: "../peers",
		peers: []string{"clipdb", "clipdb-2", "hnswlib"}, clipdb: []string{"hnsw:vectors=own", "flat"},
		rounds: 2, k: 10, threads: 1, m: 12, efc: 100,
	}
	if err := run(context.Background(), o); err != nil {
		t.Fatal(err)
	}
	data, err := os.ReadFile(filepath.Join(out, "compare-cliplike-1200-32.json"))
	if err != nil {
		t.Fatal(err)
	}
	var doc report.Document
	if err := json.Unmarshal(data, &doc); err != nil {
		t.Fatal(err)
	}
	seen := map[string]int{}
	for _, r := range doc.Rows {
		seen[r.Name()+" "+r.Side]++
		if r.QPS <= 0 || r.P50 <= 0 || r.P99 < r.P50 || r.Rounds != 2 || r.BuildS <= 0 || r.OpenS <= 0 || r.Vectors != 1200 {
			t.Errorf("%+v", r)
		}
		if r.Index == "clipdb flat" && r.Recall != 1 || r.Index == "clipdb hnsw" && (r.M != 12 || r.Ef >= 160 && r.Recall < 0.95) {
			t.Errorf("%+v", r)
		}
	}
	if seen["clipdb hnsw int8 image"] != 6 || seen["clipdb hnsw int8 text"] != 5 || seen["clipdb flat float32 text"] != 1 || seen["clipdb hnsw, recall asked int8 text"] != 9 || len(seen) != 6 {
		t.Errorf("%v", seen)
	}
	f, err := os.Open(filepath.Join(out, "summary-cliplike-1200-32.csv"))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	lines, err := csv.NewReader(f).ReadAll()
	if err != nil || len(lines) != 7 || !slices.Contains(lines[0], "qps@0.95") {
		t.Errorf("%v\n%v", err, lines)
	}
	for _, name := range []string{"compare-cliplike-1200-32.csv", "compare-cliplike-1200-32-image.svg", "compare-cliplike-1200-32-text.png"} {
		if info, err := os.Stat(filepath.Join(out, name)); err != nil || info.Size() < 500 {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestData(t *testing.T) {
	for _, bad := range []string{"cliplike:", "cliplike:10:4", "cliplike:1000:8:1:2", "cliplike:1000:x", "no-such-file.npy"} {
		if _, err := loadSet(bad); err == nil {
			t.Errorf("%q was taken", bad)
		}
	}
	o := options{peers: []string{"nobody"}}
	if _, _, err := o.contestants(); err == nil || !strings.Contains(err.Error(), "nobody") {
		t.Error(err)
	}
}

// A peer that ends in the middle, or refuses, is an error that names it.
func TestPeerFails(t *testing.T) {
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	p, err := peer.Start("ours", exec.Command(self, "-serve", "flat"))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := p.Ask(peer.Request{Op: peer.OpBuild, Base: filepath.Join(t.TempDir(), "none.npy")}); err == nil || !strings.Contains(err.Error(), "ours") {
		t.Errorf("no base: %v", err)
	}
	if _, err := p.Ask(peer.Request{Op: "dance"}); err == nil {
		t.Error("an unknown operation was answered")
	}
	if err := p.Close(); err != nil {
		t.Error(err)
	}
	if _, err := p.Ask(peer.Request{Op: peer.OpBuild}); err == nil {
		t.Error("a closed peer answered")
	}
}
