package local_test

import (
	"os"
	"path/filepath"
	"runtime"
	"testing"

	"github.com/clipdb/clipdb/db/engine"
	"github.com/clipdb/clipdb/db/engine/enginetest"
	"github.com/clipdb/clipdb/db/local"
)

// setting is how an engine is opened, and what the suite may expect of it.
type setting struct {
	name       string
	opts       local.Options
	recall     float64
	any, quick bool
}

func TestConformance(t *testing.T) {
	for _, c := range []setting{
		{name: "auto", recall: 0.98, quick: true},
		{name: "flat", opts: local.Options{Index: local.IndexOptions{Kind: local.Flat}}, recall: 1},
		{name: "hnsw", opts: local.Options{Index: local.IndexOptions{Kind: local.HNSW}}, recall: 0.98},
		{name: "scan", opts: local.Options{Index: local.IndexOptions{Kind: local.Scan}}, recall: 0.98},
		{name: "hnsw float32", opts: local.Options{Index: local.IndexOptions{Kind: local.HNSW, Quant: local.QuantFloat32}}, recall: 0.98, quick: true},
		{name: "coder", opts: local.Options{Index: local.IndexOptions{Kind: local.Coder, M: 32}}, recall: 0.4, any: true, quick: true},
		{name: "hnsw without memory", opts: local.Options{Index: local.IndexOptions{Kind: local.HNSW}, VectorMemory: -1}, recall: 0.98, quick: true},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			if c.opts.Index.Kind == local.Coder && runtime.GOOS == "windows" {
				t.Skip("the library does not build on Windows")
			}
			c.conforms(t)
		})
	}
}

// Every graph that can be is previewed.
func TestConformanceWithPreviews(t *testing.T) {
	defer local.PreviewLeast(local.PreviewLeast(1))
	setting{opts: local.Options{Index: local.IndexOptions{Kind: local.HNSW}}, recall: 0.98, quick: true}.conforms(t)
}

func (c setting) conforms(t *testing.T) {
	open := func(t *testing.T, path string, readOnly bool) engine.Engine {
		t.Helper()
		o := c.opts
		o.ReadOnly = readOnly
		e, err := local.Open(path, &o)
		if err != nil {
			t.Fatalf("Open: %v", err)
		}
		return e
	}
	enginetest.Run(t, enginetest.Harness{
		Open: func(t *testing.T, dir string, readOnly bool) engine.Engine {
			if err := os.MkdirAll(dir, 0o755); err != nil {
				t.Fatal(err)
			}
			return open(t, filepath.Join(dir, "test.clipdb"), readOnly)
		},
		OpenBackup: func(t *testing.T, path string) engine.Engine { return open(t, path, false) },
		Recall:     c.recall,
		AnyRecall:  c.any,
		Quick:      c.quick,
	})
}
