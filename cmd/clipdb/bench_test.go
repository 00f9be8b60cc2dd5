package main

import (
	"bytes"
	"encoding/csv"
	"encoding/json"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/clipdb/clipdb/bench/dataset"
	"github.com/clipdb/clipdb/bench/npy"
	"github.com/clipdb/clipdb/bench/report"
	"github.com/clipdb/clipdb/index"
)

// vectorFiles writes generated vectors, image and text queries as .npy files.
func vectorFiles(t *testing.T, h *home, n, dim int) (base, images, texts string) {
	t.Helper()
	s := dataset.CLIPLike(n, dim, 40, 20, 9)
	write := func(name string, m npy.Matrix) string {
		var b bytes.Buffer
		if err := npy.Write(&b, m); err != nil {
			t.Fatal(err)
		}
		path := filepath.Join(h.dir, name)
		if err := os.WriteFile(path, b.Bytes(), 0o644); err != nil {
			t.Fatal(err)
		}
		return path
	}
	image, _ := s.Of(index.SideImage)
	text, _ := s.Of(index.SideText)
	return write("base.npy", s.Base), write("images.npy", image.Matrix), write("texts.npy", text.Matrix)
}

func TestBenchJSON(t *testing.T) {
	h := newHome(t)
	base, images, texts := vectorFiles(t, h, 1500, 32)
	r := h.run(t, "bench", "--base", base, "--queries", images, "--k", "5", "--m", "12", "--efc", "100", "--ef", "20,200", "--rounds", "2", "--json").ok()
	shape := strings.Fields(names(t, strings.SplitN(r.out, "\n", 2)[0]))
	for _, want := range []string{"index", "quant", "ef", "recall", "qps", "p50_us", "p99_us", "build_s", "bytes_per_vector", "open_s"} {
		if !slices.Contains(shape, want) {
			t.Errorf("%s is missing in %v", want, shape)
		}
	}
	rows := lines[report.Row](r)
	if len(rows) != 2 || rows[0].Ef != 20 || rows[1].Ef != 200 {
		t.Fatalf("%+v", rows)
	}
	for _, x := range rows {
		if x.Index != "hnsw" || x.Quant != "int8" || x.Side != "image" || x.K != 5 || x.M != 12 || x.EfConstruction != 100 || x.Rounds != 2 ||
			x.Threads != 1 || x.Vectors != 1500 || x.Dim != 32 || x.Queries != 40 {
			t.Errorf("%+v", x)
		}
		if x.Recall < 0.7 || x.Recall > 1 || x.QPS <= 0 || x.P50 <= 0 || x.P99 < x.P50 || x.BuildS <= 0 || x.BytesPerVector < 32 || x.OpenS <= 0 {
			t.Errorf("%+v", x)
		}
	}
	if rows[1].Recall < rows[0].Recall || rows[1].Recall < 0.99 {
		t.Errorf("recall %v at ef 20, %v at ef 200", rows[0].Recall, rows[1].Recall)
	}
	// All indexes, texts, several threads: a line for each setting.
	rows = lines[report.Row](h.run(t, "bench", "--base", base, "--queries", texts, "--side", "text", "--index", "flat,hnsw,coder",
		"--ef", "50", "--threads", "1,2", "--rounds", "1", "--json").ok())
	var got []string
	for _, x := range rows {
		got = append(got, x.Index+string(rune('0'+x.Threads)))
		if x.Side != "text" || x.Index == "flat" && (x.Recall != 1 || x.Ef != 0) {
			t.Errorf("%+v", x)
		}
	}
	if want := []string{"flat1", "flat2", "hnsw1", "hnsw2", "coder1", "coder2"}; !slices.Equal(got, want) {
		t.Errorf("%v, want %v", got, want)
	}
	// Truth is kept for the next time.
	if kept, _ := filepath.Glob(filepath.Join(h.dir, "*", "clipdb", "bench", "truth-*.bin")); len(kept) != 2 {
		t.Errorf("kept %v", kept)
	}
}

func TestBenchTable(t *testing.T) {
	h := newHome(t)
	dir := filepath.Join(h.dir, "out")
	r := h.run(t, "bench", "--cliplike", "800", "--dim", "16", "--ask", "20", "--rounds", "1", "--config", "hnsw:M=8,ef=20/40", "--config", "flat", "--out", dir)
	if r.code != exitOK || !strings.Contains(r.err, "800 vectors of 16 components") {
		t.Fatal(r)
	}
	rows := strings.Split(strings.TrimSpace(r.out), "\n")
	if len(rows) != 4 || !strings.Contains(rows[0], "recall") || !strings.Contains(rows[1], "hnsw int8") || !strings.Contains(rows[3], "flat float32") {
		t.Error(r)
	}
	if r := h.run(t, "bench", "--cliplike", "300", "--dim", "8", "--ask", "5", "--rounds", "1", "--ef", "10", "--quiet").ok(); !strings.Contains(r.out, "hnsw") {
		t.Error(r)
	}
	var doc report.Document
	data, err := os.ReadFile(filepath.Join(dir, "bench.json"))
	if err != nil || json.Unmarshal(data, &doc) != nil || len(doc.Rows) != 3 || doc.Machine.Go == "" || doc.Machine.Cores < 1 {
		t.Errorf("%v\n%s", err, data)
	}
	f, err := os.Open(filepath.Join(dir, "bench.csv"))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if table, err := csv.NewReader(f).ReadAll(); err != nil || len(table) != 4 {
		t.Errorf("%v, %v", table, err)
	}
	for name, magic := range map[string]string{"bench.svg": "<?xml", "bench.png": "\x89PNG"} {
		if data, err := os.ReadFile(filepath.Join(dir, name)); err != nil || !strings.HasPrefix(string(data), magic) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// The vectors of a database, of which some are held out and asked for.
func TestBenchDatabase(t *testing.T) {
	h := newHome(t)
	rows := lines[report.Row](h.run(t, "bench", "--db", ownVectors(t, 60), "--index", "flat", "--k", "3", "--rounds", "1", "--json").ok())
	if len(rows) != 1 || rows[0].Vectors != 54 || rows[0].Queries != 6 || rows[0].Recall != 1 || rows[0].Dim != 8 {
		t.Errorf("%+v", rows)
	}
	h.run(t, "bench", "--db", ownVectors(t, 5), "--json").fails(exitFailure, "5 vectors")
	h.run(t, "bench", "--db", filepath.Join(h.dir, "none.clipdb")).fails(exitFailure, "no database")
}

func TestBenchRefuses(t *testing.T) {
	h := newHome(t)
	base, images, _ := vectorFiles(t, h, 100, 8)
	other, _, _ := vectorFiles(t, newHome(t), 100, 9)
	junk := filepath.Join(h.dir, "junk.npy")
	if err := os.WriteFile(junk, []byte("not vectors at all"), 0o644); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		code int
		says string
		args []string
	}{
		{exitUsage, "--base", nil},
		{exitUsage, "--db", []string{"--base", base, "--db", "x"}},
		{exitUsage, "--side", []string{"--base", base, "--side", "sound"}},
		{exitUsage, "-k is 0", []string{"--base", base, "-k", "0"}},
		{exitUsage, "ivf", []string{"--base", base, "--index", "ivf"}},
		{exitUsage, "int3", []string{"--base", base, "--quant", "int3"}},
		{exitUsage, "ef is 0", []string{"--base", base, "--ef", "0"}},
		{exitUsage, "M 1 ", []string{"--base", base, "--m", "1"}},
		{exitUsage, "hnsw:M=x", []string{"--base", base, "--config", "hnsw:M=x"}},
		{exitUsage, "--threads", []string{"--base", base, "--threads", "0"}},
		{exitUsage, "--rounds", []string{"--base", base, "--rounds", "0"}},
		{exitUsage, "--ask", []string{"--base", base, "--ask", "0"}},
		{exitUsage, "--cliplike", []string{"--cliplike", "1"}},
		{exitUsage, "--queries", []string{"--cliplike", "100", "--queries", images}},
		{exitFailure, "no such file", []string{"--base", filepath.Join(h.dir, "none.npy")}},
		{exitFailure, "junk.npy", []string{"--base", junk}},
		{exitFailure, "9 components", []string{"--base", base, "--queries", other}},
	} {
		if r := h.run(t, append([]string{"bench"}, c.args...)...).fails(c.code, c.says); r.out != "" {
			t.Errorf("standard output is not empty:\n%s", r)
		}
	}
}
