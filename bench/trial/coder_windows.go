package trial

import (
	"fmt"

	"github.com/clipdb/clipdb/index"
)

// Kinds are the indexes that can be tried. github.com/coder/hnsw does not build
// on Windows.
var Kinds = []string{"hnsw", "flat", "scan"}

func newCoder(index.Params) (index.Index, error) {
	return nil, fmt.Errorf("%w: coder does not run on Windows", ErrConfig)
}
