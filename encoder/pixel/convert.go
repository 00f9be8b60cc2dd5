package pixel

import (
	"fmt"
	"image"
	"image/color"
)

// FromImage returns img as packed RGB with bounds at (0, 0). An [*RGB] is
// returned as it is, not copied. Transparent pixels are laid on white, 16-bit
// samples lose their low byte, an image.YCbCr is converted as JPEG's, see
// [Decode]. It returns ErrFormat for an image without pixels and ErrTooLarge
// for one beyond [DefaultMaxPixels].
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
		return nil, fmt.Errorf("%w: %dx%d pixels, limit %d pixels", ErrTooLarge, b.Dx(), b.Dy(), DefaultMaxPixels)
	}
	return convert(img), nil
}

// convert is FromImage for an image that is known to be of sane size.
func convert(img image.Image) *RGB {
	b := img.Bounds()
	m := NewRGB(b.Dx(), b.Dy())
	switch img := img.(type) {
	case *image.YCbCr:
		fromYCbCr(m, img)
	case *image.Gray:
		for y := range m.H {
			at := img.PixOffset(b.Min.X, b.Min.Y+y)
			greyRow(m.Pix[3*y*m.W:3*(y+1)*m.W], img.Pix[at:at+m.W])
		}
	case *image.Gray16:
		m.rows(img.Pix[img.PixOffset(b.Min.X, b.Min.Y):], img.Stride, 2, func(d, s []byte) {
			d[0], d[1], d[2] = s[0], s[0], s[0]
		})
	case *image.NRGBA:
		for y := range m.H {
			at := img.PixOffset(b.Min.X, b.Min.Y+y)
			overWhiteRow(m.Pix[3*y*m.W:3*(y+1)*m.W], img.Pix[at:at+4*m.W])
		}
	case *image.NRGBA64:
		m.rows(img.Pix[img.PixOffset(b.Min.X, b.Min.Y):], img.Stride, 8, func(d, s []byte) {
			overWhite(d, s[0], s[2], s[4], s[6])
		})
	case *image.RGBA:
		for y := range m.H {
			at := img.PixOffset(b.Min.X, b.Min.Y+y)
			premultipliedRow(m.Pix[3*y*m.W:3*(y+1)*m.W], img.Pix[at:at+4*m.W])
		}
	case *image.RGBA64:
		m.rows(img.Pix[img.PixOffset(b.Min.X, b.Min.Y):], img.Stride, 8, func(d, s []byte) {
			premultipliedOverWhite(d, s[0], s[2], s[4], s[6])
		})
	case *image.CMYK:
		m.rows(img.Pix[img.PixOffset(b.Min.X, b.Min.Y):], img.Stride, 4, func(d, s []byte) {
			fromCMYK(d, s[0], s[1], s[2], s[3])
		})
	case *image.Paletted:
		var table [256][3]byte // indices beyond the palette are black
		for i, c := range img.Palette[:min(len(img.Palette), 256)] {
			fromColor(table[i][:], c)
		}
		m.rows(img.Pix[img.PixOffset(b.Min.X, b.Min.Y):], img.Stride, 1, func(d, s []byte) {
			t := &table[s[0]]
			d[0], d[1], d[2] = t[0], t[1], t[2]
		})
	default:
		d := m.Pix
		for y := b.Min.Y; y < b.Max.Y; y++ {
			for x := b.Min.X; x < b.Max.X; x++ {
				fromColor(d, img.At(x, y))
				d = d[3:]
			}
		}
	}
	return m
}

// rows converts pixel by pixel from rows of a flat array, whose first wanted
// byte is src[0], with n bytes a pixel.
func (m *RGB) rows(src []byte, stride, n int, pixel func(d, s []byte)) {
	for y := range m.H {
		d := m.Pix[3*y*m.W : 3*(y+1)*m.W]
		s := src[y*stride : y*stride+n*m.W]
		for len(d) >= 3 && len(s) >= n {
			pixel(d[:3:3], s[:n:n])
			d, s = d[3:], s[n:]
		}
	}
}

// greyRow, overWhiteRow and premultipliedRow convert whole rows of the types
// that decoders give most.
func greyRow(dst, src []byte) {
	for x, v := range src {
		d := dst[3*x : 3*x+3 : 3*x+3]
		d[0], d[1], d[2] = v, v, v
	}
}

func overWhiteRow(dst, src []byte) {
	for ; len(dst) >= 3 && len(src) >= 4; dst, src = dst[3:], src[4:] {
		if src[3] == 0xff {
			dst[0], dst[1], dst[2] = src[0], src[1], src[2]
		} else {
			overWhite(dst, src[0], src[1], src[2], src[3])
		}
	}
}

func premultipliedRow(dst, src []byte) {
	for ; len(dst) >= 3 && len(src) >= 4; dst, src = dst[3:], src[4:] {
		if src[3] == 0xff {
			dst[0], dst[1], dst[2] = src[0], src[1], src[2]
		} else {
			premultipliedOverWhite(dst, src[0], src[1], src[2], src[3])
		}
	}
}

// overWhite lays a pixel on white, rounding as Pillow's Image.paste does with
// the alpha channel for a mask.
func overWhite(d []byte, r, g, b, a byte) {
	switch a {
	case 0xff:
		d[0], d[1], d[2] = r, g, b
	case 0:
		d[0], d[1], d[2] = 0xff, 0xff, 0xff
	default:
		d[0], d[1], d[2] = blend(r, a), blend(g, a), blend(b, a)
	}
}

// blend returns v of opacity a on white.
func blend(v, a byte) byte {
	t := uint32(v)*uint32(a) + 255*(255-uint32(a)) + 128
	return byte((t + t>>8) >> 8)
}

// premultipliedOverWhite lays a pixel that is scaled by its alpha on white.
func premultipliedOverWhite(d []byte, r, g, b, a byte) {
	white := 255 - uint32(a)
	d[0] = byte(min(uint32(r)+white, 255))
	d[1] = byte(min(uint32(g)+white, 255))
	d[2] = byte(min(uint32(b)+white, 255))
}

// fromCMYK converts inks, 255 for full ink, without a profile and with the
// rounding of Pillow's convert("RGB").
func fromCMYK(d []byte, c, m, y, k byte) {
	white := 255 - uint32(k)
	for i, ink := range [3]byte{c, m, y} {
		t := uint32(ink)*white + 128
		d[i] = byte(white - (t+t>>8)>>8)
	}
}

// fromColor converts any colour.
func fromColor(d []byte, c color.Color) {
	switch c := c.(type) {
	case color.NRGBA:
		overWhite(d, c.R, c.G, c.B, c.A)
	case color.NRGBA64:
		overWhite(d, byte(c.R>>8), byte(c.G>>8), byte(c.B>>8), byte(c.A>>8))
	default:
		r, g, b, a := c.RGBA()
		premultipliedOverWhite(d, byte(r>>8), byte(g>>8), byte(b>>8), byte(a>>8))
	}
}
