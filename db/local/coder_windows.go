package local

import (
	"errors"

	"github.com/clipdb/clipdb/index"
)

// github.com/coder/hnsw writes its files with a package that does not build on
// Windows.
func newCoder(index.Params) (index.Index, error) {
	return nil, errors.New("the index coder is not to be had on Windows: choose flat or hnsw")
}
