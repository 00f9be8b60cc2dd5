package pixel

import (
	"fmt"
	"image"
	"image/color"
	"image/draw"
)

// FromImage returns img as packed RGB with bounds at (0, 0). An [*RGB] is
// returned as it is, not copied. Transparent pixels are laid on white, 16-bit
// samples lose their low byte. It returns ErrFormat for an image without
// pixels and ErrTooLarge beyond [DefaultMaxPixels].
func FromImage(img image.Image) (*RGB, error) {
	if img == nil {
		return nil, fmt.Errorf("%w: no image", ErrFormat)
	}
	if m, ok := img.(*RGB); ok {
		if m == nil || m.W <= 0 || m.H <= 0 || len(m.Pix) < 3*m.W*m.H {
			return nil, fmt.Errorf("%w: picture without pixels", ErrFormat)
		}
		return m, nil
	}
	b := img.Bounds()
	if b.Empty() {
		return nil, fmt.Errorf("%w: picture without pixels", ErrFormat)
	}
	if int64(b.Dx())*int64(b.Dy()) > DefaultMaxPixels {
		return nil, fmt.Errorf("%w: %dx%d pixels", ErrTooLarge, b.Dx(), b.Dy())
	}
	canvas := image.NewRGBA(image.Rect(0, 0, b.Dx(), b.Dy()))
	draw.Draw(canvas, canvas.Rect, image.NewUniform(color.White), image.Point{}, draw.Src)
	draw.Draw(canvas, canvas.Rect, img, b.Min, draw.Over)
	m := NewRGB(b.Dx(), b.Dy())
	for s, d := 0, 0; d < len(m.Pix); s, d = s+4, d+3 {
		copy(m.Pix[d:d+3], canvas.Pix[s:s+3])
	}
	return m, nil
}
