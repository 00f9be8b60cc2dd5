//go:build !windows

package trial

import (
	"github.com/clipdb/clipdb/index"
	"github.com/clipdb/clipdb/index/coder"
)

// Kinds are the indexes that can be tried.
var Kinds = []string{"hnsw", "flat", "scan", "coder"}

func newCoder(p index.Params) (index.Index, error) { return coder.New(p) }
