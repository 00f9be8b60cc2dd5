package pixel

import (
	"bytes"
	"context"
	"encoding/binary"
	"fmt"
	"image"

	"golang.org/x/image/webp"
)

// chunks calls visit for each chunk of a RIFF file's form, or of the chunks
// within another, until it returns false. It reports whether the chunks end
// where the data does.
func chunks(data []byte, visit func(id string, body []byte) bool) bool {
	for len(data) >= 8 {
		n := int64(binary.LittleEndian.Uint32(data[4:]))
		if n > int64(len(data)-8) {
			return false
		}
		if !visit(string(data[:4]), data[8:8+n]) {
			return true
		}
		data = data[min(8+n+n&1, int64(len(data))):]
	}
	return len(data) == 0
}

// still describes the first picture of a WebP file.
type still struct {
	data       []byte // a WebP file of its own
	at         image.Point
	w, h       int // size of the canvas
	isAnimated bool
}

// firstFrame returns the first picture of a WebP file: the file itself, or of
// an animation its first frame as a file of its own, since package webp reads
// no animations.
func firstFrame(data []byte) (s still, err error) {
	s.data = data
	if len(data) < 20 {
		return s, ErrTruncated
	}
	if int64(binary.LittleEndian.Uint32(data[4:]))+8 > int64(len(data))+1 {
		return s, fmt.Errorf("%w: webp says it has %d bytes", ErrTruncated, int64(binary.LittleEndian.Uint32(data[4:]))+8)
	}
	var first []byte
	alpha := byte(0)
	complete := chunks(data[12:], func(id string, body []byte) bool {
		switch {
		case id == "VP8X" && len(body) >= 10:
			s.w, s.h = 1+uint24(body[4:]), 1+uint24(body[7:])
			alpha = body[0] & (1 << 4)
			s.isAnimated = body[0]&(1<<1) != 0
			return s.isAnimated
		case id == "ANMF":
			first = body
		}
		return first == nil
	})
	if !s.isAnimated {
		return s, nil
	}
	if first == nil {
		if !complete {
			return s, fmt.Errorf("%w: webp animation without a whole frame", ErrTruncated)
		}
		return s, fmt.Errorf("%w: webp animation without frames", ErrFormat)
	}
	if len(first) < 16 {
		return s, fmt.Errorf("%w: webp frame of %d bytes", ErrFormat, len(first))
	}
	s.at = image.Pt(2*uint24(first), 2*uint24(first[3:]))
	w, h := 1+uint24(first[6:]), 1+uint24(first[9:])
	if int64(s.at.X)+int64(w) > int64(s.w) || int64(s.at.Y)+int64(h) > int64(s.h) {
		return s, fmt.Errorf("%w: webp frame beyond its canvas", ErrFormat)
	}

	// RIFF header, VP8X with the frame's size, and the frame's own chunks. A
	// lossless frame holds its alpha within.
	hasAlpha := byte(0)
	chunks(first[16:], func(id string, _ []byte) bool {
		if id == "ALPH" {
			hasAlpha = alpha
		}
		return true
	})
	file := append([]byte("RIFF\x00\x00\x00\x00WEBPVP8X\x0a\x00\x00\x00"), hasAlpha, 0, 0, 0)
	file = append24(append24(file, w-1), h-1)
	file = append(file, first[16:]...)
	binary.LittleEndian.PutUint32(file[4:], uint32(len(file)-8))
	s.data = file
	return s, nil
}

func uint24(b []byte) int { return int(b[0]) | int(b[1])<<8 | int(b[2])<<16 }

func append24(b []byte, v int) []byte { return append(b, byte(v), byte(v>>8), byte(v>>16)) }

// sizeWebP returns the size of the canvas.
func sizeWebP(data []byte) (size, error) {
	s, err := firstFrame(data)
	if err != nil {
		return size{}, err
	}
	if s.isAnimated {
		return size{w: s.w, h: s.h}, nil
	}
	return sizeBy(webp.DecodeConfig)(data)
}

// decodeWebP decodes the first picture. The planes of a lossy one are brought
// to RGB by libwebp's rules, which are not JPEG's.
func decodeWebP(ctx context.Context, data []byte, s size) (*RGB, error) {
	frame, err := firstFrame(data)
	if err != nil {
		return nil, err
	}
	img, err := webp.Decode(&boundReader{ctx: ctx, r: bytes.NewReader(frame.data)})
	if err != nil {
		return nil, err
	}
	var m *RGB
	switch img := img.(type) {
	case *image.YCbCr:
		m = fromVP8(img, nil, 0)
	case *image.NYCbCrA:
		m = fromVP8(&img.YCbCr, img.A, img.AStride)
	default:
		m = convert(img)
	}
	if !frame.isAnimated && (m.W != s.w || m.H != s.h) {
		return nil, fmt.Errorf("%w: the picture is %dx%d pixels, its header said %dx%d", ErrFormat, m.W, m.H, s.w, s.h)
	}
	return onCanvas(m, frame.at, s.w, s.h), nil
}

// fromVP8 converts the planes of a VP8 picture, 4:2:0 in the studio range of
// ITU-R BT.601, as libwebp does with its default settings: the chroma is
// upsampled by the same triangle as in JPEG, rounded in two steps, and the
// conversion has 14 bits of fraction, 8 of which go early.
func fromVP8(img *image.YCbCr, alpha []byte, alphaStride int) *RGB {
	w, h := img.Rect.Dx(), img.Rect.Dy()
	m := NewRGB(w, h)
	u := plane{pix: img.Cb, stride: img.CStride, w: (w + 1) / 2, h: (h + 1) / 2}
	v := u
	v.pix = img.Cr
	rowU, rowV := make([]byte, w+1), make([]byte, w+1)
	for y := range h {
		far := y/2 - 1
		if y%2 == 1 {
			far = y/2 + 1
		}
		doubleVP8(rowU, u.row(y/2), u.row(far))
		doubleVP8(rowV, v.row(y/2), v.row(far))
		luma := img.Y[y*img.YStride : y*img.YStride+w]
		dst := m.Pix[3*y*w : 3*(y+1)*w]
		for x, l := range luma {
			d := dst[3*x : 3*x+3 : 3*x+3]
			d[0], d[1], d[2] = vp8RGB(int32(l), int32(rowU[x]), int32(rowV[x]))
		}
		if alpha != nil {
			for x, a := range alpha[y*alphaStride : y*alphaStride+w] {
				d := dst[3*x : 3*x+3 : 3*x+3]
				overWhite(d, d[0], d[1], d[2], a)
			}
		}
	}
	return m
}

// doubleVP8 doubles a row of chroma in width, mixed with the farther row.
func doubleVP8(dst, near, far []byte) {
	last := len(near) - 1
	edge := func(i int) byte { return byte((3*int32(near[i]) + int32(far[i]) + 2) >> 2) }
	dst[0] = edge(0)
	for i := 1; i <= last; i++ {
		nl, nr, fl, fr := int32(near[i-1]), int32(near[i]), int32(far[i-1]), int32(far[i])
		sum := nl + nr + fl + fr + 8
		falling := (sum + 2*(nr+fl)) >> 3
		rising := (sum + 2*(nl+fr)) >> 3
		dst[2*i-1] = byte((falling + nl) >> 1)
		dst[2*i] = byte((rising + nr) >> 1)
	}
	if 2*last+1 < len(dst) {
		dst[2*last+1] = edge(last)
	}
}

// vp8RGB converts one pixel.
func vp8RGB(y, u, v int32) (r, g, b byte) {
	l := y * 19077 >> 8
	return clip6(l + v*26149>>8 - 14234),
		clip6(l - u*6419>>8 - v*13320>>8 + 8708),
		clip6(l + u*33050>>8 - 17685)
}

// clip6 drops the last 6 bits of fraction and clamps to a byte.
func clip6(v int32) byte { return clamp(v >> 6) }
