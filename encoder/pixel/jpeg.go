package pixel

import (
	"context"
	"errors"
	"fmt"

	"github.com/clipdb/clipdb/encoder/pixel/internal/jpeg"
)

// sizeJPEG adds to the size the least number of bytes: every block of 8 by 8
// samples takes at least one bit for its mean.
func sizeJPEG(data []byte) (size, error) {
	h, err := jpeg.ReadHeader(data)
	return size{w: h.W, h: h.H, least: h.Blocks / 8}, err
}

// decodeJPEG decodes to RGB as libjpeg-turbo does with its default settings.
func decodeJPEG(ctx context.Context, data []byte, s size) (*RGB, error) {
	img, err := jpeg.Decode(data, ctx.Err)
	if err != nil {
		var unsupported jpeg.UnsupportedError
		if errors.As(err, &unsupported) {
			return nil, fmt.Errorf("%w; convert it to a baseline JPEG", err)
		}
		return nil, err
	}
	planes := make([]plane, len(img.Planes))
	for i, p := range img.Planes {
		planes[i] = plane{pix: p.Pix, stride: p.Stride, w: p.W, h: p.H, dx: p.DX, dy: p.DY}
	}
	m := NewRGB(s.w, s.h)
	m.fromPlanes(planes, img.Colour)
	return m, nil
}

// fromPlanes fills m row by row: each plane brought to full size, then the
// colours converted.
func (m *RGB) fromPlanes(planes []plane, colour jpeg.Colour) {
	var up [4]upsampler
	var line [4][]byte
	for y := range m.H {
		for i := range planes {
			line[i] = up[i].row(&planes[i], m.W, y)
		}
		dst := m.Pix[3*y*m.W : 3*(y+1)*m.W]
		switch colour {
		case jpeg.Grey:
			greyRow(dst, line[0])
		case jpeg.RGB:
			g, b := line[1][:m.W], line[2][:m.W]
			for x, r := range line[0] {
				d := dst[3*x : 3*x+3 : 3*x+3]
				d[0], d[1], d[2] = r, g[x], b[x]
			}
		case jpeg.YCbCr:
			yccRow(dst, line[0], line[1], line[2])
		case jpeg.CMYK:
			// As Pillow does, every file of four components is taken for one
			// of Adobe's, who store inks inverted: 255 is no ink.
			for x := range m.W {
				fromCMYK(dst[3*x:3*x+3:3*x+3], 255-line[0][x], 255-line[1][x], 255-line[2][x], 255-line[3][x])
			}
		case jpeg.YCCK:
			// libjpeg makes inks of the colours, 255 less red and so on; the
			// inversion takes that back.
			yccRow(dst, line[0], line[1], line[2])
			for x, k := range line[3] {
				d := dst[3*x : 3*x+3 : 3*x+3]
				fromCMYK(d, d[0], d[1], d[2], 255-k)
			}
		}
	}
}
