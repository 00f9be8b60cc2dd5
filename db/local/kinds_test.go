package local_test

import (
	"path/filepath"
	"testing"

	"github.com/clipdb/clipdb/db/engine"
	"github.com/clipdb/clipdb/db/local"
)

// The codes of the graph are part of the file: options that name others make
// another index, options that name none take what is there.
func TestQuantOfTheFile(t *testing.T) {
	const dim, items = 8, 60
	path := filepath.Join(t.TempDir(), "q.clipdb")
	e := mustOpen(t, path, &local.Options{Index: local.IndexOptions{Kind: local.HNSW}})
	fill(t, e, dim, 0, items)
	mustClose(t, e)
	for _, c := range []struct {
		name     string
		opts     local.IndexOptions
		kind     string
		rebuilds int
	}{
		{"int8 by name", local.IndexOptions{Kind: local.HNSW, Quant: local.QuantInt8}, "hnsw", 0},
		{"float32", local.IndexOptions{Quant: local.QuantFloat32}, "hnsw", 1},
		{"what is there", local.IndexOptions{}, "hnsw", 0},
		{"float32 again", local.IndexOptions{Kind: local.HNSW, Quant: local.QuantFloat32}, "hnsw", 0},
		{"int8-only", local.IndexOptions{Kind: local.HNSW, Quant: local.QuantInt8Only}, "hnsw", 1},
		{"scan", local.IndexOptions{Kind: local.Scan}, "scan", 1},
		{"the scan that is there", local.IndexOptions{}, "scan", 0},
		{"codes name the graph", local.IndexOptions{Quant: local.QuantFloat32}, "hnsw", 1},
		{"back to int8", local.IndexOptions{Quant: local.QuantInt8}, "hnsw", 1},
		{"int8 is there", local.IndexOptions{}, "hnsw", 0},
	} {
		t.Run(c.name, func(t *testing.T) {
			var h heard
			e := mustOpen(t, path, &local.Options{Index: c.opts, Listener: h.listen})
			defer mustClose(t, e)
			if n, _ := h.finished(engine.EventRebuild); n != c.rebuilds {
				t.Errorf("%d rebuilds, want %d", n, c.rebuilds)
			}
			st, err := e.Stats(t.Context())
			if err != nil || st.Index.Kind != c.kind || st.Index.Live != items {
				t.Errorf("%+v, %v", st.Index, err)
			}
			findsItself(t, e, dim, 0, items-1)
			verified(t, e)
		})
	}
}

func TestQuantRefuses(t *testing.T) {
	for _, o := range []local.IndexOptions{
		{Quant: "int4"}, {Quant: "binary"}, {Kind: local.HNSW, Quant: "binary"},
		{Kind: local.Scan, Quant: local.QuantFloat32}, {Kind: local.Flat, Quant: local.QuantInt8},
	} {
		path := filepath.Join(t.TempDir(), "q.clipdb")
		if e, err := local.Open(path, &local.Options{Index: o}); err == nil {
			mustClose(t, e)
			t.Errorf("%+v was taken", o)
		}
	}
}
