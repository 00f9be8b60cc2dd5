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
