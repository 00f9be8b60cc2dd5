package pixel

import (
	"fmt"
	"sync"
)

// scratch is the working memory of one resize, kept between calls.
type scratch struct {
	horizontal, vertical weights
	rows                 []byte
	out                  []byte
}

var scratches = sync.Pool{New: func() any { return new(scratch) }}

// window is the part of a resized picture that is wanted.
type window struct{ x, y, w, h int }

// Resize returns m at w by h pixels, byte for byte what Pillow's
// Image.resize((w, h), Image.BICUBIC) gives for an RGB image: bicubic with
// a = -0.5, antialiased when shrinking, 8-bit fixed-point weights, the
// horizontal pass first and rounded to bytes before the vertical one.
func (m *RGB) Resize(w, h int) (*RGB, error) {
	if w <= 0 || h <= 0 || m.W <= 0 || m.H <= 0 {
		return nil, fmt.Errorf("%w: resize of %dx%d to %dx%d pixels", ErrSpec, m.W, m.H, w, h)
	}
	if int64(w)*int64(h) > DefaultMaxPixels {
		return nil, fmt.Errorf("%w: resize to %dx%d pixels", ErrTooLarge, w, h)
	}
	s := scratches.Get().(*scratch)
	defer scratches.Put(s)
	out := NewRGB(w, h)
	s.resample(out.Pix, m, w, h, window{0, 0, w, h})
	return out, nil
}

// resample writes the window of m resized to w by h pixels to dst.
// Only the samples that the window reads are computed, which changes no byte:
// every output sample depends on its own inputs alone.
func (s *scratch) resample(dst []byte, m *RGB, w, h int, win window) {
	src, stride := m.Pix, 3*m.W
	top, rows := win.y, win.h
	if h != m.H {
		s.vertical.compute(m.H, h, win.y, win.y+win.h)
		first, last := s.vertical.span()
		top, rows = first, last-first
	}
	src = src[top*stride : (top+rows)*stride]

	switch {
	case w != m.W:
		s.horizontal.compute(m.W, w, win.x, win.x+win.w)
		row := dst
		if h != m.H {
			s.rows = grow(s.rows, 3*win.w*rows)
			row = s.rows
		}
		for y := range rows {
			s.horizontal.row(row[y*3*win.w:(y+1)*3*win.w], src[y*stride:(y+1)*stride])
		}
		src, stride = row, 3*win.w
	case win.w != m.W:
		src = src[3*win.x:]
	}
	switch {
	case h != m.H:
		s.vertical.columns(dst, src, 3*win.w, stride, top)
	case w == m.W:
		for y := range win.h {
			copy(dst[y*3*win.w:(y+1)*3*win.w], src[y*stride:])
		}
	}
}

// row resizes one row of packed RGB.
func (w *weights) row(dst, src []byte) {
	for i, start := range w.starts {
		n := int(w.counts[i])
		ks := w.fixed[i*w.size : i*w.size+n]
		px := src[3*int(start):]
		px = px[:3*len(ks)]
		r, g, b := int32(1<<(precisionBits-1)), int32(1<<(precisionBits-1)), int32(1<<(precisionBits-1))
		for _, k := range ks {
			r += int32(px[0]) * k
			g += int32(px[1]) * k
			b += int32(px[2]) * k
			px = px[3:]
		}
		d := dst[3*i : 3*i+3 : 3*i+3]
		d[0], d[1], d[2] = clip8(r), clip8(g), clip8(b)
	}
}

// columns resizes along y: width bytes of each output row are weighted sums
// of input rows, the first of which is number top of the picture.
func (w *weights) columns(dst, src []byte, width, stride, top int) {
	acc := make([]int32, width)
	for i, start := range w.starts {
		n := int(w.counts[i])
		ks := w.fixed[i*w.size : i*w.size+n]
		for x := range acc {
			acc[x] = 1 << (precisionBits - 1)
		}
		for j, k := range ks {
			line := src[(int(start)-top+j)*stride:]
			line = line[:len(acc)]
			for x, v := range line {
				acc[x] += int32(v) * k
			}
		}
		line := dst[i*width : (i+1)*width]
		for x, v := range acc {
			line[x] = clip8(v)
		}
	}
}

// clip8 drops the fraction and clamps to a byte.
func clip8(v int32) byte {
	v >>= precisionBits
	if uint32(v) > 255 {
		if v < 0 {
			return 0
		}
		return 255
	}
	return byte(v)
}
