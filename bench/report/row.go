package report

import (
	"cmp"
	"math"
	"slices"
)

// Row is one setting of one index on one set of queries.
type Row struct {
	Index          string  `json:"index"`                  // kind of index, or the library
	Quant          string  `json:"quant"`                  // what distances are computed on
	Ef             int     `json:"ef"`                     // beam; 0 where there is none
	Asked          float64 `json:"recall_asked,omitempty"` // in place of a beam
	Recall         float64 `json:"recall"`
	QPS            float64 `json:"qps"` // queries a second of wall time
	P50            float64 `json:"p50_us"`
	P99            float64 `json:"p99_us"`
	BuildS         float64 `json:"build_s"`
	BytesPerVector float64 `json:"bytes_per_vector"` // in memory
	OpenS          float64 `json:"open_s"`           // from closed to the first answer, files in the cache

	OpenColdS      float64 `json:"open_cold_s,omitempty"` // the same with files on the disk alone
	P999           float64 `json:"p999_us"`
	BuildCPUS      float64 `json:"build_cpu_s,omitempty"`           // CPU time of building, which a busy machine spoils less
	PeakBytes      float64 `json:"peak_bytes_per_vector,omitempty"` // in memory while building
	QPSCPU         float64 `json:"qps_cpu,omitempty"`               // queries a second of CPU time
	Set            string  `json:"set"`
	Side           string  `json:"side"`
	Vectors        int     `json:"vectors"`
	Dim            int     `json:"dim"`
	Queries        int     `json:"queries"`
	K              int     `json:"k"`
	Threads        int     `json:"threads"`
	M              int     `json:"m,omitempty"`
	EfConstruction int     `json:"efc,omitempty"`
	Rounds         int     `json:"rounds"`
}

// Name tells rows of one curve from those of another.
func (r Row) Name() string {
	if r.Quant == "" {
		return r.Index
	}
	return r.Index + " " + r.Quant
}

// Curve is the rows of one index, set, side and number of threads in the order
// of their recall.
func Curve(rows []Row, keep func(Row) bool) []Row {
	var out []Row
	for _, r := range rows {
		if keep(r) {
			out = append(out, r)
		}
	}
	slices.SortStableFunc(out, func(a, b Row) int { return cmp.Compare(a.Recall, b.Recall) })
	return out
}

// At is the throughput of a curve at a recall: the best row that has it, or
// between two rows, on a straight line through the logarithms of their
// throughput. It is false when no row reaches the recall.
//
// A curve whose every row lies above the recall gives its fastest row: one
// can always take more recall than asked for.
func At(curve []Row, recall float64, value func(Row) float64) (float64, bool) {
	best, found := 0.0, false
	take := func(v float64) {
		if !found || v > best {
			best, found = v, true
		}
	}
	for _, a := range curve {
		if a.Recall >= recall {
			take(value(a))
		}
	}
	if !found {
		return 0, false
	}
	for _, a := range curve {
		for _, b := range curve {
			if a.Recall >= recall || b.Recall <= recall || value(a) <= 0 || value(b) <= 0 {
				continue
			}
			// Only neighbours on the curve: nothing measured lies between.
			if slices.ContainsFunc(curve, func(c Row) bool { return c.Recall > a.Recall && c.Recall < b.Recall }) {
				continue
			}
			f := (recall - a.Recall) / (b.Recall - a.Recall)
			take(math.Exp((1-f)*math.Log(value(a)) + f*math.Log(value(b))))
		}
	}
	return best, true
}

// QPSAt is At of the throughput.
func QPSAt(curve []Row, recall float64) (float64, bool) {
	return At(curve, recall, func(r Row) float64 { return r.QPS })
}
