package pixel

import (
	"bytes"
	"fmt"
	"image"
	"image/jpeg"
)

// thumbnailQuality is the JPEG quality of thumbnails: no visible blocks at a
// few hundred pixels, and well above what an image tower notices.
const thumbnailQuality = 85

// Thumbnail returns img as a JPEG whose longer side has at most side pixels,
// reduced with the same bicubic filter as [RGB.Resize]. A smaller picture
// keeps its size.
func Thumbnail(img image.Image, side int) ([]byte, error) {
	if side < 1 || side > maxSize {
		return nil, fmt.Errorf("%w: thumbnail of %d pixels (want 1 to %d)", ErrSpec, side, maxSize)
	}
	m, err := FromImage(img)
	if err != nil {
		return nil, err
	}
	if w, h := m.fit(side); w != m.W || h != m.H {
		if m, err = m.Resize(w, h); err != nil {
			return nil, err
		}
	}
	var out bytes.Buffer
	if err := jpeg.Encode(&out, m.RGBA(), &jpeg.Options{Quality: thumbnailQuality}); err != nil {
		return nil, fmt.Errorf("encoding thumbnail: %w", err)
	}
	return out.Bytes(), nil
}

// fit returns the size of m with its longer side at most side, at least one
// pixel, the shorter side rounded to the nearest.
func (m *RGB) fit(side int) (w, h int) {
	long := max(m.W, m.H)
	if long <= side {
		return m.W, m.H
	}
	scale := func(v int) int { return max(1, (2*v*side+long)/(2*long)) }
	return scale(m.W), scale(m.H)
}
