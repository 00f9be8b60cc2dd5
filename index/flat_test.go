package index_test

import (
	"testing"

	"github.com/clipdb/clipdb/index"
	"github.com/clipdb/clipdb/index/indextest"
)

func TestFlat(t *testing.T) {
	indextest.Run(t, func(p index.Params) (index.Index, error) { return index.NewFlat(p) }, indextest.Options{Recall: 1})
}
