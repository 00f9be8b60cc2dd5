package main

import (
	"bytes"
	"image"
	"image/color"
	"image/draw"
	"image/jpeg"

	"golang.org/x/image/font"
	"golang.org/x/image/font/basicfont"
	"golang.org/x/image/math/fixed"

	"github.com/clipdb/clipdb/encoder/pixel"
)

// alteration makes a copy of a picture that is not quite the same.
type alteration struct {
	name    string
	quality int // of the JPEG file the copy is saved as
	change  func(*pixel.RGB) (*pixel.RGB, error)
}

// saved is the quality of copies that are altered in another way.
const saved = 90

var alterations = []alteration{
	{"JPEG, quality 60", 60, nil},
	{"JPEG, quality 30", 30, nil},
	{"half the size", saved, scaled(1, 2)},
	{"twice the size", saved, scaled(2, 1)},
	{"5 % cropped (2.5 % an edge)", saved, cropped(0.025, 0.025)},
	{"5 % cropped, of two edges", saved, cropped(0.05, 0)},
	{"10 % cropped (5 % an edge)", saved, cropped(0.05, 0.05)},
	{"brighter by a fifth", saved, levels(func(v float64) float64 { return 1.2 * v })},
	{"darker by a fifth", saved, levels(func(v float64) float64 { return 0.8 * v })},
	{"less contrast", saved, levels(func(v float64) float64 { return 128 + 0.7*(v-128) })},
	{"greyscale", saved, grey},
	{"writing in a corner", saved, marked},
	{"mirrored", saved, mirrored},
}

// file returns the altered copy as a JPEG file.
func (a alteration) file(m *pixel.RGB) ([]byte, error) {
	if a.change != nil {
		var err error
		if m, err = a.change(m); err != nil {
			return nil, err
		}
	}
	var out bytes.Buffer
	err := jpeg.Encode(&out, m.RGBA(), &jpeg.Options{Quality: a.quality})
	return out.Bytes(), err
}

func scaled(times, by int) func(*pixel.RGB) (*pixel.RGB, error) {
	return func(m *pixel.RGB) (*pixel.RGB, error) {
		return m.Resize(max(1, m.W*times/by), max(1, m.H*times/by))
	}
}

// cropped takes parts of width and height off: first of the left and upper
// edge, then of the right and lower.
func cropped(first, last float64) func(*pixel.RGB) (*pixel.RGB, error) {
	return func(m *pixel.RGB) (*pixel.RGB, error) {
		part := func(n int, f float64) int { return int(float64(n)*f + 0.5) }
		from := image.Pt(part(m.W, first), part(m.H, first))
		to := image.Pt(max(m.W-part(m.W, last), from.X+1), max(m.H-part(m.H, last), from.Y+1))
		return pixel.FromImage(m.RGBA().SubImage(image.Rectangle{Min: from, Max: to}))
	}
}

func levels(f func(float64) float64) func(*pixel.RGB) (*pixel.RGB, error) {
	return func(m *pixel.RGB) (*pixel.RGB, error) {
		out := pixel.NewRGB(m.W, m.H)
		for i, v := range m.Pix {
			out.Pix[i] = byte(max(0, min(255, f(float64(v))+0.5)))
		}
		return out, nil
	}
}

func grey(m *pixel.RGB) (*pixel.RGB, error) {
	out := image.NewGray(m.Bounds())
	draw.Draw(out, out.Bounds(), m, image.Point{}, draw.Src)
	return pixel.FromImage(out)
}

// marked writes a name into the lower left corner, white on a dark strip, as
// sites and agencies do.
func marked(m *pixel.RGB) (*pixel.RGB, error) {
	out := m.RGBA()
	const text, high = "(c) example.org", 16
	d := font.Drawer{Dst: out, Src: image.White, Face: basicfont.Face7x13, Dot: fixed.P(4, m.H-4)}
	strip := image.Rect(0, m.H-high, 8+d.MeasureString(text).Ceil(), m.H)
	draw.Draw(out, strip, image.NewUniform(color.RGBA{A: 160}), image.Point{}, draw.Over)
	d.DrawString(text)
	return pixel.FromImage(out)
}

func mirrored(m *pixel.RGB) (*pixel.RGB, error) {
	out := pixel.NewRGB(m.W, m.H)
	for y := range m.H {
		for x := range m.W {
			copy(out.Pix[3*(y*m.W+x):][:3], m.Pix[3*(y*m.W+m.W-1-x):][:3])
		}
	}
	return out, nil
}
