package pixel

import (
	"fmt"
	"sync"
)

// scratch is the working memory of one resize, kept between calls.
type scratch struct {
	horizontal, vertical weights
	rows                 []byte  // between the passes
	out                  []byte  // of Tensor
	tail                 []byte  // the last row, with room behind it
	sums                 []int32 // of one row
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
		s.horizontally(row, src, rows, stride)
		src, stride = row, 3*win.w
	case win.w != m.W:
		src = src[3*win.x:]
	}
	switch {
	case h != m.H:
		s.vertically(dst, src, 3*win.w, stride, top)
	case w == m.W:
		for y := range win.h {
			copy(dst[y*3*win.w:(y+1)*3*win.w], src[y*stride:])
		}
	}
}

// horizontally resizes each of the first n rows of src, stride bytes apart, to
// a row of dst.
func (s *scratch) horizontally(dst, src []byte, n, stride int) {
	w := &s.horizontal
	width := 3 * len(w.starts)
	if useAVX2 {
		w.split()
	}
	for y := range n {
		from, to := src[y*stride:], dst[y*width:(y+1)*width]
		if !useAVX2 {
			w.row(to, from[:stride])
			continue
		}
		if len(from) < stride+rowOverrun {
			s.tail = grow(s.tail, stride+rowOverrun)
			copy(s.tail, from[:stride])
			from = s.tail
		}
		rowAVX2(&to[0], &from[0], &w.starts[0], &w.counts[0], &w.low[0], &w.high[0], w.padded, len(w.starts))
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

// vertically resizes along y: width bytes of each row of dst are weighted
// sums of rows of src, the first of which is number top of the picture.
func (s *scratch) vertically(dst, src []byte, width, stride, top int) {
	w := &s.vertical
	for i, start := range w.starts {
		n := int(w.counts[i])
		ks := w.fixed[i*w.size : i*w.size+n]
		from, to := src[(int(start)-top)*stride:], dst[i*width:(i+1)*width]
		done := 0
		if fast := width &^ 7; useAVX2 && fast > 0 {
			_ = from[(n-1)*stride+fast-1]
			columnsAVX2(&to[0], &from[0], &ks[0], n, stride, fast)
			done = fast
		}
		if done < width {
			s.column(to[done:], from[done:], ks, stride)
		}
	}
}

// column writes the sums of rows of src, stride bytes apart, under ks.
func (s *scratch) column(dst, src []byte, ks []int32, stride int) {
	s.sums = grow(s.sums, len(dst))
	sums := s.sums
	for x := range sums {
		sums[x] = 1 << (precisionBits - 1)
	}
	for j, k := range ks {
		line := src[j*stride:]
		line = line[:len(sums)]
		for x, v := range line {
			sums[x] += int32(v) * k
		}
	}
	for x, v := range sums {
		dst[x] = clip8(v)
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
