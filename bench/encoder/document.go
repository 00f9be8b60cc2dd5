package main

import (
	"fmt"
	"slices"
	"strings"

	"github.com/clipdb/clipdb/bench/machine"
)

// row is a setting with what it gave.
type row struct {
	Model   string `json:"model"`
	Task    string `json:"task"`
	Threads int    `json:"threads"`
	Batch   int    `json:"batch"`
	Spin    bool   `json:"spin,omitempty"`
	figures
}

// document is all that a run measured.
type document struct {
	Machine    machine.Facts `json:"machine"`
	LoadAfter  string        `json:"load_after,omitempty"`
	Seconds    float64       `json:"seconds"` // the whole run took
	Photos     int           `json:"photos"`
	Models     []subject     `json:"models"`
	Rows       []row         `json:"rows"`
	Agreements []agreement   `json:"agreements,omitempty"`
}

// line tells apart the lines of the tables.
type line struct {
	model   string
	threads int
	spin    bool
}

// lines gathers the rows of each line.
func (d *document) lines() (order []line, rows map[line][]row) {
	rows = map[line][]row{}
	for _, r := range d.Rows {
		l := line{r.Model, r.Threads, r.Spin}
		if rows[l] == nil {
			order = append(order, l)
		}
		rows[l] = append(rows[l], r)
	}
	return order, rows
}

func (l line) cells() string {
	how := fmt.Sprint(l.threads)
	if l.spin {
		how += ", spin"
	}
	return fmt.Sprintf("| %s | %s ", l.model, how)
}

// markdown renders the tables.
func (d *document) markdown() string {
	var b strings.Builder
	m := d.Machine
	fmt.Fprintf(&b, "%s, %d cores, %s/%s, %s, %s; load %s before, %s after; %s; %.0f s in all.\n",
		m.CPU, m.Cores, m.OS, m.Arch, m.Features, m.Go, m.Load, d.LoadAfter, m.Time.Format("2006-01-02"), d.Seconds)
	d.imageTable(&b,
		fmt.Sprintf("Images a second by batch: the tower alone / with %d JPEG files in turn decoded and resized first, by as many threads.", d.Photos),
		func(f figures) string { return digits(f.Images) + " / " + digits(f.WithDecode) })
	d.imageTable(&b, "CPU time of the tower in ms an image by batch, which other work on the machine spoils less.",
		func(f figures) string { return digits(f.CPU) })
	d.textTable(&b)
	d.agreementTable(&b)
	return b.String()
}

// imageTable lays a figure of images out by model and batch.
func (d *document) imageTable(b *strings.Builder, title string, cell func(figures) string) {
	var batches []int
	for _, r := range d.Rows {
		if r.Task == taskImages && !slices.Contains(batches, r.Batch) {
			batches = append(batches, r.Batch)
		}
	}
	slices.Sort(batches)
	fmt.Fprintf(b, "\n%s\n\n| model | threads |", title)
	for _, n := range batches {
		fmt.Fprintf(b, " %d |", n)
	}
	b.WriteString("\n|---|---|" + strings.Repeat("---|", len(batches)) + "\n")
	order, rows := d.lines()
	for _, l := range order {
		b.WriteString(l.cells() + "|")
		for _, n := range batches {
			i := slices.IndexFunc(rows[l], func(r row) bool { return r.Task == taskImages && r.Batch == n })
			if i < 0 {
				b.WriteString(" |")
				continue
			}
			fmt.Fprintf(b, " %s |", cell(rows[l][i].figures))
		}
		b.WriteByte('\n')
	}
}

func (d *document) textTable(b *strings.Builder) {
	fmt.Fprintf(b, "\n| model | threads | one text, ms: median | p99 | texts/s, batch %d | load s | peak MB: texts | images, smallest batch | largest | file MB |\n|---|---|---|---|---|---|---|---|---|---|\n", textBatch)
	order, rows := d.lines()
	for _, l := range order {
		var least, most, texts string
		var f figures
		for _, r := range rows[l] {
			peak := fmt.Sprintf("%.0f", float64(r.PeakBytes)/1e6)
			switch {
			case r.Task == taskTexts:
				f, texts = r.figures, peak
			case least == "":
				least, most = peak, peak
			default:
				most = peak
			}
		}
		i := slices.IndexFunc(d.Models, func(s subject) bool { return s.Name == l.model })
		fmt.Fprintf(b, "%s| %s | %s | %s | %.2f | %s | %s | %s | %.0f |\n", l.cells(), digits(f.TextP50), digits(f.TextP99), digits(f.Texts),
			f.Load, texts, least, most, float64(d.Models[i].Bytes)/1e6)
	}
}

func (d *document) agreementTable(b *strings.Builder) {
	if len(d.Agreements) == 0 {
		return
	}
	b.WriteString("\nCosine with the vectors of fp32: mean, least, and mean once what all vectors share is taken off; beside it how alike two different ones are in fp32.\n\n" +
		"| model | images: mean | least | centred | different | texts: mean | least | centred | different |\n|---|---|---|---|---|---|---|---|---|\n")
	for _, a := range d.Agreements {
		fmt.Fprintf(b, "| %s | %.5f | %.5f | %.4f | %.3f | %.5f | %.5f | %.4f | %.3f |\n", a.Model, a.Images.Mean, a.Images.Least, a.Images.Centred,
			a.Apart, a.Texts.Mean, a.Texts.Least, a.Texts.Centred, a.ApartTexts)
	}
}

// digits renders a positive figure with three digits that count.
func digits(x float64) string {
	switch {
	case x >= 100:
		return fmt.Sprintf("%.0f", x)
	case x >= 10:
		return fmt.Sprintf("%.1f", x)
	}
	return fmt.Sprintf("%.2f", x)
}
