package pixel

import (
	"image"
	"image/color"
)

// RGB is a picture of packed 8-bit pixels: three bytes a pixel, red first,
// rows from the top without padding, so that the pixel at (x, y) starts at
// Pix[3*(y*W+x)]. It is opaque and its bounds start at (0, 0).
type RGB struct {
	Pix  []byte // 3*W*H bytes
	W, H int    // width and height in pixels
}

// NewRGB returns a black picture of w by h pixels.
func NewRGB(w, h int) *RGB {
	return &RGB{Pix: make([]byte, 3*w*h), W: w, H: h}
}

// ColorModel implements [image.Image].
func (m *RGB) ColorModel() color.Model { return color.RGBAModel }

// Bounds implements [image.Image].
func (m *RGB) Bounds() image.Rectangle { return image.Rect(0, 0, m.W, m.H) }

// At implements [image.Image]. Pixels outside the bounds are transparent.
func (m *RGB) At(x, y int) color.Color { return m.RGBAAt(x, y) }

// RGBAAt returns the pixel at (x, y) without boxing it into an interface.
func (m *RGB) RGBAAt(x, y int) color.RGBA {
	if uint(x) >= uint(m.W) || uint(y) >= uint(m.H) {
		return color.RGBA{}
	}
	p := m.Pix[3*(y*m.W+x):]
	return color.RGBA{R: p[0], G: p[1], B: p[2], A: 0xff}
}

// Opaque reports that every pixel is opaque; encoders of package image ask.
func (m *RGB) Opaque() bool { return true }

// RGBA returns a copy with four bytes a pixel, the layout that the encoders
// of the standard library write fastest.
func (m *RGB) RGBA() *image.RGBA {
	out := image.NewRGBA(m.Bounds())
	for s, d := 0, 0; s+2 < len(m.Pix); s, d = s+3, d+4 {
		q := out.Pix[d : d+4 : d+4]
		q[0], q[1], q[2], q[3] = m.Pix[s], m.Pix[s+1], m.Pix[s+2], 0xff
	}
	return out
}
