package main

import (
	"bufio"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strconv"

	"github.com/clipdb/clipdb/bench/plot"
	"github.com/clipdb/clipdb/bench/report"
)

// save writes the outcome of a set into dir: all rows, the summary, a picture
// a side.
func save(dir, name string, doc *report.Document) error {
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return err
	}
	files := map[string]func(io.Writer) error{
		"compare-" + name + ".json": doc.WriteJSON,
		"compare-" + name + ".csv":  doc.WriteCSV,
		"summary-" + name + ".csv":  func(w io.Writer) error { return writeSummary(w, doc.Rows) },
	}
	for _, side := range sides(doc.Rows) {
		rows := slices.DeleteFunc(slices.Clone(doc.Rows), func(r report.Row) bool { return r.Side != side })
		title := fmt.Sprintf("%s, %s queries, %d thread(s)", name, side, rows[0].Threads)
		for _, format := range []string{"svg", "png"} {
			files["compare-"+name+"-"+side+"."+format] = func(w io.Writer) error {
				return plot.Curves(w, format, title, rows, report.Row.Name)
			}
		}
	}
	for file, write := range files {
		f, err := os.Create(filepath.Join(dir, file))
		if err != nil {
			return err
		}
		w := bufio.NewWriter(f)
		if err := errors.Join(write(w), w.Flush(), f.Close()); err != nil {
			return err
		}
	}
	return nil
}

func sides(rows []report.Row) []string {
	var out []string
	for _, r := range rows {
		if !slices.Contains(out, r.Side) {
			out = append(out, r.Side)
		}
	}
	return out
}

// summaryLevels are the recalls at which throughput is compared.
var summaryLevels = []float64{0.90, 0.95, 0.99}

// writeSummary writes a line for each library and side: throughput and p99 at
// each recall, between the measured settings, and what does not depend on them.
// A recall that is never reached leaves its cells empty.
func writeSummary(w io.Writer, rows []report.Row) error {
	c := csv.NewWriter(w)
	head := []string{"side", "index"}
	for _, l := range summaryLevels {
		at := strconv.FormatFloat(l, 'f', 2, 64)
		head = append(head, "qps@"+at, "qps_cpu@"+at, "p99_us@"+at)
	}
	if err := c.Write(append(head, "best_recall", "build_s", "build_cpu_s", "bytes_per_vector", "peak_bytes_per_vector", "open_s", "open_cold_s")); err != nil {
		return err
	}
	for _, side := range sides(rows) {
		var names []string
		for _, r := range rows {
			if r.Side != side || slices.Contains(names, r.Name()) {
				continue
			}
			names = append(names, r.Name())
			curve := report.Curve(rows, func(o report.Row) bool { return o.Side == side && o.Name() == r.Name() })
			line := []string{side, r.Name()}
			for _, l := range summaryLevels {
				for _, value := range []func(report.Row) float64{
					func(r report.Row) float64 { return r.QPS },
					func(r report.Row) float64 { return r.QPSCPU },
					// The best latency is the smallest.
					func(r report.Row) float64 { return 1 / r.P99 },
				} {
					line = append(line, cell(report.At(curve, l, value)))
				}
				if last := &line[len(line)-1]; *last != "" {
					v, _ := report.At(curve, l, func(r report.Row) float64 { return 1 / r.P99 })
					*last = strconv.FormatFloat(1/v, 'f', 1, 64)
				}
			}
			line = append(line, strconv.FormatFloat(curve[len(curve)-1].Recall, 'f', 4, 64),
				strconv.FormatFloat(r.BuildS, 'f', 1, 64), strconv.FormatFloat(r.BuildCPUS, 'f', 1, 64), strconv.FormatFloat(r.BytesPerVector, 'f', 0, 64),
				strconv.FormatFloat(r.PeakBytes, 'f', 0, 64), opening(r.OpenS), opening(r.OpenColdS))
			if err := c.Write(line); err != nil {
				return err
			}
		}
	}
	c.Flush()
	return c.Error()
}

func cell(v float64, ok bool) string {
	if !ok {
		return ""
	}
	return strconv.FormatFloat(v, 'f', 0, 64)
}

// opening is empty for a library that keeps nothing on disk.
func opening(s float64) string {
	if s == 0 {
		return ""
	}
	return strconv.FormatFloat(s, 'f', 4, 64)
}
