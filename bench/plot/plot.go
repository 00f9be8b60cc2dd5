package plot

import (
	"fmt"
	"image/color"
	"io"
	"math"
	"slices"

	"gonum.org/v1/plot"
	"gonum.org/v1/plot/plotter"
	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"

	"github.com/clipdb/clipdb/bench/report"
)

// Size of a picture.
const (
	width  = 9 * vg.Inch
	height = 6 * vg.Inch
)

// palette holds colours that people with any colour vision tell apart (Okabe
// and Ito 2008), and dashes for when they are used up.
var palette = []color.RGBA{
	{0xD5, 0x5E, 0x00, 0xff}, {0x00, 0x72, 0xB2, 0xff}, {0x00, 0x9E, 0x73, 0xff}, {0xCC, 0x79, 0xA7, 0xff},
	{0xE6, 0x9F, 0x00, 0xff}, {0x56, 0xB4, 0xE9, 0xff}, {0x00, 0x00, 0x00, 0xff}, {0x99, 0x99, 0x33, 0xff},
}

// Curves draws rows of one set, side and number of threads in the format of
// gonum's plot: "svg" or "png". Curves are named by name and drawn in the
// order in which their first rows come.
func Curves(w io.Writer, format, title string, rows []report.Row, name func(report.Row) string) error {
	p := plot.New()
	p.Title.Text = title
	p.X.Label.Text = "recall@k"
	if len(rows) > 0 {
		p.X.Label.Text = fmt.Sprintf("recall@%d", rows[0].K)
	}
	p.Y.Label.Text = "queries per second"
	p.X.Tick.Marker = recalls{}
	p.Y.Scale = plot.LogScale{}
	p.Y.Tick.Marker = decades{}
	p.Legend.Top, p.Legend.Left = false, true
	p.Legend.TextStyle.Font.Size = vg.Points(9)
	p.Legend.ThumbnailWidth = vg.Points(24)
	grid := plotter.NewGrid()
	grid.Vertical.Color, grid.Horizontal.Color = color.Gray{0xdd}, color.Gray{0xdd}
	p.Add(grid)
	var names []string
	for _, r := range rows {
		if n := name(r); r.QPS > 0 && !slices.Contains(names, n) {
			names = append(names, n)
		}
	}
	if len(names) == 0 {
		return fmt.Errorf("plot %q: nothing was measured", title)
	}
	low := 1.0
	for i, n := range names {
		curve := report.Curve(rows, func(r report.Row) bool { return name(r) == n && r.QPS > 0 })
		best := curve[len(curve)-1].Recall
		curve = slices.DeleteFunc(curve, func(r report.Row) bool { return r.Recall < lowest })
		if len(curve) == 0 {
			p.Legend.Add(fmt.Sprintf("%s: recall %.2f at most", n, best))
			continue
		}
		xy := make(plotter.XYs, len(curve))
		for j, r := range curve {
			xy[j] = plotter.XY{X: nines(r.Recall), Y: r.QPS}
			low = min(low, r.Recall)
		}
		line, points, err := plotter.NewLinePoints(xy)
		if err != nil {
			return fmt.Errorf("plot %q: %s: %w", title, n, err)
		}
		line.Color, points.Color = palette[i%len(palette)], palette[i%len(palette)]
		line.Width = vg.Points(1.6)
		if i >= len(palette) {
			line.Dashes = []vg.Length{vg.Points(5), vg.Points(3)}
		}
		points.Shape, points.Radius = shapes[i%len(shapes)], vg.Points(2.6)
		p.Add(line, points)
		p.Legend.Add(n, line, points)
	}
	p.X.Min, p.X.Max = nines(math.Floor(min(low, 0.9)*10)/10), nines(1)
	to, err := p.WriterTo(width, height, format)
	if err != nil {
		return fmt.Errorf("plot %q: %w", title, err)
	}
	_, err = to.WriteTo(w)
	return err
}

var shapes = []draw.GlyphDrawer{draw.CircleGlyph{}, draw.SquareGlyph{}, draw.TriangleGlyph{}, draw.PyramidGlyph{}, draw.CrossGlyph{}}

const (
	lowest = 0.5   // recall below which nobody searches
	whole  = 0.001 // distance from 1 that is drawn as none
)

// nines spreads recalls so that the way from 0.9 to 0.99 is as long as that
// from 0.99 to 0.999, where the axis ends.
func nines(recall float64) float64 { return -math.Log10(max(1-recall, whole)) }

// recalls marks what people ask for.
type recalls struct{}

func (recalls) Ticks(low, high float64) []plot.Tick {
	var out []plot.Tick
	for _, r := range []float64{0.5, 0.6, 0.7, 0.8, 0.9, 0.95, 0.98, 0.99, 0.995, 1} {
		if v := nines(r); v >= low-1e-9 && v <= high+1e-9 {
			label := fmt.Sprint(r)
			if r == 1 {
				label = "≥0.999"
			}
			out = append(out, plot.Tick{Value: v, Label: label})
		}
	}
	return out
}

// decades marks 1, 2 and 5 times the powers of ten.
type decades struct{}

func (decades) Ticks(low, high float64) []plot.Tick {
	var out []plot.Tick
	for e := math.Floor(math.Log10(low)); e <= math.Ceil(math.Log10(high)); e++ {
		for _, m := range []float64{1, 2, 5} {
			if v := m * math.Pow(10, e); v >= low && v <= high {
				out = append(out, plot.Tick{Value: v, Label: fmt.Sprintf("%g", v)})
			}
		}
	}
	return out
}
