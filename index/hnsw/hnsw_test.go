package hnsw_test

import (
	"testing"

	"github.com/clipdb/clipdb/index"
	"github.com/clipdb/clipdb/index/hnsw"
	"github.com/clipdb/clipdb/index/indextest"
)

func TestConformance(t *testing.T) {
	indextest.Run(t, func(p index.Params) (index.Index, error) { return hnsw.New(p) }, indextest.Options{Recall: 0.97})
}

// Small sets are scanned as a rule; here the graph has to answer.
func TestConformanceOfGraph(t *testing.T) {
	indextest.Run(t, func(p index.Params) (index.Index, error) {
		g, err := hnsw.New(p)
		if err == nil {
			g.NeverScan()
		}
		return g, err
	}, indextest.Options{Recall: 0.97})
}

func TestConformanceWithoutReranking(t *testing.T) {
	indextest.Run(t, func(p index.Params) (index.Index, error) {
		p.Quant = index.QuantInt8Only
		return hnsw.New(p)
	}, indextest.Options{Recall: 0.9, Estimates: true, Scale: 2})
}

func TestConformanceOfFloats(t *testing.T) {
	indextest.Run(t, openFloats, indextest.Options{Recall: 0.97, Scale: 2})
}

func openFloats(p index.Params) (index.Index, error) {
	p.Quant = index.QuantFloat32
	g, err := hnsw.New(p)
	if err == nil {
		g.NeverScan()
	}
	return g, err
}

func FuzzRestoreFloats(f *testing.F) { indextest.FuzzRestore(f, openFloats) }

func FuzzRestore(f *testing.F) {
	indextest.FuzzRestore(f, func(p index.Params) (index.Index, error) {
		g, err := hnsw.New(p)
		if err == nil {
			g.NeverScan()
		}
		return g, err
	})
}
