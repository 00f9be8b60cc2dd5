package pixel

import (
	"bytes"

	"github.com/bep/imagemeta"
)

// orientation returns the EXIF orientation of the picture, 1 to 8. Metadata
// that is missing, damaged or says anything else gives 1: a picture is never
// refused for it.
func orientation(format string, data []byte) (value int) {
	kind, ok := map[string]imagemeta.ImageFormat{
		"jpeg": imagemeta.JPEG, "png": imagemeta.PNG, "webp": imagemeta.WebP, "tiff": imagemeta.TIFF,
	}[format]
	if !ok {
		return 1
	}
	value = 1
	defer func() {
		if recover() != nil {
			value = 1
		}
	}()
	found := 0
	_, _ = imagemeta.Decode(imagemeta.Options{
		R:           bytes.NewReader(data),
		ImageFormat: kind,
		Sources:     imagemeta.EXIF,
		// IFD0 is the picture, IFD1 its embedded thumbnail.
		ShouldHandleTag: func(tag imagemeta.TagInfo) bool {
			return tag.Tag == "Orientation" && tag.Namespace == "IFD0"
		},
		HandleTag: func(tag imagemeta.TagInfo) error {
			switch v := tag.Value.(type) {
			case uint16:
				found = int(v)
			case uint32:
				found = int(min(v, 9))
			case uint8:
				found = int(v)
			}
			return imagemeta.ErrStopWalking
		},
	})
	if found >= 1 && found <= 8 {
		value = found
	}
	return value
}

// upright returns m turned and mirrored as its EXIF orientation asks:
// 2 mirrored left to right, 3 upside down, 4 mirrored top to bottom,
// 5 mirrored along the main diagonal, 6 to be turned a quarter clockwise,
// 7 mirrored along the other diagonal, 8 to be turned a quarter back.
func (m *RGB) upright(orientation int) *RGB {
	if orientation < 2 || orientation > 8 {
		return m
	}
	// The source pixel of (x, y) is at from + x*dx + y*dy.
	last := m.W*m.H - 1
	w, h := m.W, m.H
	var from, dx, dy int
	switch orientation {
	case 2:
		from, dx, dy = m.W-1, -1, m.W
	case 3:
		from, dx, dy = last, -1, -m.W
	case 4:
		from, dx, dy = last-m.W+1, 1, -m.W
	case 5:
		from, dx, dy = 0, m.W, 1
	case 6:
		from, dx, dy = last-m.W+1, -m.W, 1
	case 7:
		from, dx, dy = last, -m.W, -1
	case 8:
		from, dx, dy = m.W-1, m.W, -1
	}
	if orientation >= 5 {
		w, h = h, w
	}
	out := NewRGB(w, h)
	for y := range h {
		row := out.Pix[3*y*w : 3*(y+1)*w]
		at := 3 * (from + y*dy)
		for len(row) > 0 {
			p := m.Pix[at : at+3 : at+3]
			row[0], row[1], row[2] = p[0], p[1], p[2]
			row = row[3:]
			at += 3 * dx
		}
	}
	return out
}
