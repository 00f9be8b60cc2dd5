//go:build !windows

package local

import (
	"github.com/clipdb/clipdb/index"
	"github.com/clipdb/clipdb/index/coder"
)

func newCoder(p index.Params) (index.Index, error) { return coder.New(p) }
