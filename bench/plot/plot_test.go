package plot

import (
	"bytes"
	"encoding/xml"
	"fmt"
	"image/png"
	"io"
	"strings"
	"testing"

	"github.com/clipdb/clipdb/bench/report"
)

func TestCurves(t *testing.T) {
	var rows []report.Row
	for i := range 11 {
		for ef := 10; ef <= 320; ef *= 2 {
			rows = append(rows, report.Row{Index: fmt.Sprintf("index<%d>", i), Quant: "f32", Recall: 1 - 0.8/float64(ef) - 0.01*float64(i), QPS: 3e5 / float64(ef) / float64(i+1), K: 10})
		}
	}
	rows = append(rows, report.Row{Index: "single", Recall: 1, QPS: 8}, report.Row{Index: "unmeasured"}, report.Row{Index: "poor", Recall: 0.25, QPS: 99})
	var svg, pic bytes.Buffer
	if err := Curves(&svg, "svg", "title & more", rows, report.Row.Name); err != nil {
		t.Fatal(err)
	}
	for dec := xml.NewDecoder(bytes.NewReader(svg.Bytes())); ; {
		if _, err := dec.Token(); err == io.EOF {
			break
		} else if err != nil {
			t.Fatal(err)
		}
	}
	for _, want := range []string{"recall@10", "queries per second", "index&lt;10&gt; f32", "single", "poor: recall 0.25 at most"} {
		if !strings.Contains(svg.String(), want) {
			t.Errorf("no %q in the picture", want)
		}
	}
	if strings.Contains(svg.String(), "unmeasured") {
		t.Error("what was not measured is drawn")
	}
	if err := Curves(&pic, "png", "title", rows, report.Row.Name); err != nil {
		t.Fatal(err)
	}
	img, err := png.Decode(&pic)
	if err != nil || img.Bounds().Dx() < 600 || img.Bounds().Dy() < 400 {
		t.Errorf("%v", err)
	}
	if err := Curves(io.Discard, "svg", "title", nil, report.Row.Name); err == nil {
		t.Error("an empty picture")
	}
	if err := Curves(io.Discard, "gif87", "title", rows, report.Row.Name); err == nil {
		t.Error("a format that is not to be had")
	}
}
