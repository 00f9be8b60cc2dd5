package hnsw

import (
	"sync/atomic"

	"github.com/clipdb/clipdb/index"
)

// worked adds up what searches have cost.
type worked struct{ searches, codes, bits, exact atomic.Int64 }

func (w *worked) add(one *index.Work) {
	w.searches.Add(one.Searches)
	w.codes.Add(one.Codes)
	if one.Bits > 0 {
		w.bits.Add(one.Bits)
	}
	w.exact.Add(one.Exact)
}

func (w *worked) load() index.Work {
	return index.Work{Searches: w.searches.Load(), Codes: w.codes.Load(), Bits: w.bits.Load(), Exact: w.exact.Load()}
}
