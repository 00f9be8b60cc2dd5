package scan_test

import (
	"testing"

	"github.com/clipdb/clipdb/index"
	"github.com/clipdb/clipdb/index/indextest"
	"github.com/clipdb/clipdb/index/scan"
)

func TestConformance(t *testing.T) {
	indextest.Run(t, func(p index.Params) (index.Index, error) { return scan.New(p) }, indextest.Options{Recall: 0.97, Scale: 3})
}

func openCodesOnly(p index.Params) (index.Index, error) {
	x, err := scan.New(p)
	if err == nil {
		x.CodesOnly()
	}
	return x, err
}

// Small sets are compared exactly as a rule; here the codes have to answer.
func TestConformanceOfCodes(t *testing.T) {
	indextest.Run(t, openCodesOnly, indextest.Options{Recall: 0.97})
}

func FuzzRestore(f *testing.F) { indextest.FuzzRestore(f, openCodesOnly) }
