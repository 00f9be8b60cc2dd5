package main

import (
	"fmt"
	"slices"

	"github.com/clipdb/clipdb/bench/timing"
)

// round is what a child measured at one asking. Rates come from the median
// time of its runs.
type round struct {
	Images     float64   `json:"images,omitempty"`      // a second, the tower alone
	WithDecode float64   `json:"with_decode,omitempty"` // a second, when the same threads decode and resize the batch first
	Texts      float64   `json:"texts,omitempty"`       // a second, in batches
	CPU        float64   `json:"cpu"`                   // ms of CPU time for each image, or for each text of the batch
	Calls      []float64 `json:"calls,omitempty"`       // ms for each single text
	Runs       int       `json:"runs"`                  // of whole batches

	PeakBytes int64   `json:"peak_bytes"` // most resident memory of the process so far
	Load      float64 `json:"load_s"`     // from nothing to what the task needs, check of the files included
	Provider  string  `json:"provider"`   // that computed
}

// figures sum rounds up: medians, but for the peak.
type figures struct {
	Images     float64 `json:"images_per_s,omitempty"`
	WithDecode float64 `json:"images_per_s_with_decode,omitempty"`
	Texts      float64 `json:"texts_per_s,omitempty"`
	CPU        float64 `json:"cpu_ms"` // for each image, or each text of the batch: a busy machine spoils it less
	TextP50    float64 `json:"text_p50_ms,omitempty"`
	TextP99    float64 `json:"text_p99_ms,omitempty"`
	TextCalls  int     `json:"text_calls,omitempty"` // behind the percentiles
	Rounds     int     `json:"rounds"`
	Runs       int     `json:"runs"`
	Load       float64 `json:"load_s"`
	PeakBytes  int64   `json:"peak_bytes"`
	Provider   string  `json:"provider"`
}

func sum(rounds []round) figures {
	of := func(field func(round) float64) float64 {
		var all []float64
		for _, r := range rounds {
			all = append(all, field(r))
		}
		return timing.Median(all)
	}
	f := figures{
		Images:     of(func(r round) float64 { return r.Images }),
		WithDecode: of(func(r round) float64 { return r.WithDecode }),
		Texts:      of(func(r round) float64 { return r.Texts }),
		CPU:        of(func(r round) float64 { return r.CPU }),
		Load:       of(func(r round) float64 { return r.Load }),
		Rounds:     len(rounds),
	}
	var calls []float64
	for _, r := range rounds {
		calls = append(calls, r.Calls...)
		f.Runs += r.Runs
		f.PeakBytes, f.Provider = max(f.PeakBytes, r.PeakBytes), r.Provider
	}
	slices.Sort(calls)
	f.TextP50, f.TextP99, f.TextCalls = timing.Percentile(calls, 0.5), timing.Percentile(calls, 0.99), len(calls)
	return f
}

func (f figures) String() string {
	if f.Images > 0 {
		return fmt.Sprintf("%s images/s, %s with decoding", digits(f.Images), digits(f.WithDecode))
	}
	return fmt.Sprintf("a text in %s ms, %s texts/s", digits(f.TextP50), digits(f.Texts))
}
