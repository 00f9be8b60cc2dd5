package report

import (
	"bytes"
	"encoding/csv"
	"encoding/json"
	"math"
	"slices"
	"strings"
	"testing"

	"github.com/clipdb/clipdb/bench/machine"
)

func document() *Document {
	return &Document{Machine: machine.Read(), Command: "x", Rows: []Row{
		{Index: "hnsw", Quant: "int8", Ef: 20, Recall: 0.9375, QPS: 20000, P50: 40.5, P99: 80, P999: 120, BuildS: 31.25, BytesPerVector: 664, OpenS: 0.05, Set: "a,b", Side: "image", Vectors: 1000, Dim: 512, Queries: 10, K: 10, Threads: 1, M: 16, EfConstruction: 200, Rounds: 5},
		{Index: "flat", Quant: "float32", Recall: 1, QPS: 75, Side: "image", K: 10, Threads: 2},
	}}
}

func TestWriters(t *testing.T) {
	d := document()
	var js, cs, table bytes.Buffer
	if err := d.WriteJSON(&js); err != nil {
		t.Fatal(err)
	}
	var back Document
	if err := json.Unmarshal(js.Bytes(), &back); err != nil || !slices.Equal(back.Rows, d.Rows) || back.Machine.CPU != d.Machine.CPU || back.Machine.Go == "" {
		t.Errorf("%v\n%s", err, &js)
	}
	if err := d.WriteCSV(&cs); err != nil {
		t.Fatal(err)
	}
	lines, err := csv.NewReader(&cs).ReadAll()
	if err != nil || len(lines) != 3 {
		t.Fatalf("%d lines, %v", len(lines), err)
	}
	for name, want := range map[string]string{"index": "hnsw", "ef": "20", "recall": "0.9375", "p99_us": "80", "set": "a,b", "efc": "200", "go": d.Machine.Go} {
		if at := slices.Index(lines[0], name); at < 0 || lines[1][at] != want {
			t.Errorf("column %s: %v\n%v", name, lines[0], lines[1])
		}
	}
	if err := WriteTable(&table, d.Rows); err != nil {
		t.Fatal(err)
	}
	rows := strings.Split(strings.TrimSuffix(table.String(), "\n"), "\n")
	if len(rows) != 3 || !strings.Contains(rows[1], "0.9375") || !strings.Contains(rows[2], "flat float32") {
		t.Errorf("\n%s", &table)
	}
}

func TestAt(t *testing.T) {
	rows := []Row{{Recall: 0.99, QPS: 1000}, {Recall: 0.9, QPS: 4000}, {Recall: 0.94, QPS: 2000}, {Recall: 0.96, QPS: 1500}}
	curve := Curve(rows, func(Row) bool { return true })
	for _, c := range []struct{ at, want float64 }{
		{0.5, 4000}, {0.9, 4000}, {0.94, 2000}, {0.96, 1500}, {0.99, 1000},
		{0.95, math.Sqrt(2000 * 1500)},
		{0.92, math.Sqrt(4000 * 2000)},
	} {
		if got, ok := QPSAt(curve, c.at); !ok || math.Abs(got-c.want) > 1e-6*c.want {
			t.Errorf("at %v: %v, %v; want %v", c.at, got, ok, c.want)
		}
	}
	if got, ok := QPSAt(curve, 0.995); ok {
		t.Errorf("a recall that nothing reaches has %v", got)
	}
	if _, ok := QPSAt(nil, 0.5); ok {
		t.Error("nothing measured has a throughput")
	}
	// More recall at more speed: nobody would take the slower setting.
	odd := Curve([]Row{{Recall: 0.95, QPS: 100}, {Recall: 0.97, QPS: 300}}, func(Row) bool { return true })
	if got, _ := QPSAt(odd, 0.95); got != 300 {
		t.Errorf("%v, want the faster one that is better, too", got)
	}
	// More effort never gives a higher throughput for a higher recall.
	last := math.Inf(1)
	for r := 0.85; r < 0.99; r += 0.001 {
		got, ok := QPSAt(curve, r)
		if !ok || got > last+1e-9 {
			t.Fatalf("at %v: %v after %v", r, got, last)
		}
		last = got
	}
}
