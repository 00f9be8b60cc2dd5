package report

import (
	"encoding/csv"
	"encoding/json"
	"fmt"
	"io"
	"reflect"
	"strconv"
	"strings"
	"text/tabwriter"

	"github.com/clipdb/clipdb/bench/machine"
)

// Document is rows and where they come from.
type Document struct {
	Machine machine.Facts `json:"machine"`
	Command string        `json:"command,omitempty"`
	LoadEnd string        `json:"load_end,omitempty"` // load when all was done
	Rows    []Row         `json:"rows"`
}

// WriteJSON writes one indented object.
func (d *Document) WriteJSON(w io.Writer) error {
	enc := json.NewEncoder(w)
	enc.SetEscapeHTML(false)
	enc.SetIndent("", "  ")
	return enc.Encode(d)
}

// WriteCSV writes a line of names and a line for each row (RFC 4180), with the
// facts of the machine in the last columns.
func (d *Document) WriteCSV(w io.Writer) error {
	facts := []string{"cpu", "cores", "features", "go", "commit"}
	values := []string{d.Machine.CPU, strconv.Itoa(d.Machine.Cores), d.Machine.Features, d.Machine.Go, d.Machine.Commit}
	c := csv.NewWriter(w)
	head := columns()
	if err := c.Write(append(head, facts...)); err != nil {
		return err
	}
	for _, r := range d.Rows {
		v := reflect.ValueOf(r)
		line := make([]string, 0, len(head)+len(values))
		for i := range v.NumField() {
			line = append(line, cell(v.Field(i)))
		}
		if err := c.Write(append(line, values...)); err != nil {
			return err
		}
	}
	c.Flush()
	return c.Error()
}

// columns are the names of Row's fields in JSON.
func columns() []string {
	t := reflect.TypeFor[Row]()
	var out []string
	for i := range t.NumField() {
		name, _, _ := strings.Cut(t.Field(i).Tag.Get("json"), ",")
		out = append(out, name)
	}
	return out
}

func cell(v reflect.Value) string {
	if v.Kind() == reflect.Float64 {
		return strconv.FormatFloat(v.Float(), 'g', 6, 64)
	}
	return fmt.Sprint(v.Interface())
}

// WriteTable writes rows for people to read.
func WriteTable(w io.Writer, rows []Row) error {
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprintln(t, "index\tside\tthreads\tef\trecall\tqps\tp50 µs\tp99 µs\tp999 µs\tbuild s\tbytes/vector\topen s\t")
	for _, r := range rows {
		ef := "-"
		if r.Asked > 0 {
			ef = "recall " + strconv.FormatFloat(r.Asked, 'g', 4, 64)
		} else if r.Ef > 0 {
			ef = strconv.Itoa(r.Ef)
		}
		fmt.Fprintf(t, "%s\t%s\t%d\t%s\t%.4f\t%.0f\t%.1f\t%.1f\t%.1f\t%s\t%.0f\t%s\t\n",
			r.Name(), r.Side, r.Threads, ef, r.Recall, r.QPS, r.P50, r.P99, r.P999, seconds(r.BuildS), r.BytesPerVector, seconds(r.OpenS))
	}
	return t.Flush()
}

// seconds keeps three digits, as people read them.
func seconds(s float64) string {
	switch {
	case s >= 100:
		return fmt.Sprintf("%.0f", s)
	case s >= 1:
		return fmt.Sprintf("%.1f", s)
	}
	return fmt.Sprintf("%.4f", s)
}
