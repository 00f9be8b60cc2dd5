package pixel

import (
	"bytes"
	"context"
	"fmt"
	"image"
	"image/jpeg"
	"io"
)

// frame is what the segments of a JPEG say before its first scan.
type frame struct {
	w, h       int
	components int
	h0, v0     int  // sampling factors of the first component
	adobe      int  // offset of the colour transform in Adobe's APP14, or 0
	transform  byte // that colour transform: 0 none, 1 YCbCr, 2 YCCK
}

// readFrame walks the segments up to the first scan. A file that it cannot
// follow is left to the decoder to judge: what was found so far is returned.
func readFrame(data []byte) (f frame) {
	for i := 2; i+4 <= len(data); {
		if data[i] != 0xff {
			i++ // stray bytes between segments are skipped, as decoders do
			continue
		}
		marker := data[i+1]
		if marker == 0xff {
			i++
			continue
		}
		i += 2
		if marker == 0 || marker == 0x01 || 0xd0 <= marker && marker <= 0xd8 {
			continue
		}
		if marker == 0xd9 || marker == 0xda || i+2 > len(data) {
			return f
		}
		n := int(data[i])<<8 | int(data[i+1])
		if n < 2 || i+n > len(data) {
			return f
		}
		body := data[i+2 : i+n]
		switch {
		case 0xc0 <= marker && marker <= 0xc2 && len(body) >= 9:
			f.h, f.w = int(body[1])<<8|int(body[2]), int(body[3])<<8|int(body[4])
			f.components = int(body[5])
			f.h0, f.v0 = int(body[7]>>4), int(body[7]&15)
		case marker == 0xee && len(body) >= 12 && string(body[:5]) == "Adobe":
			f.adobe, f.transform = i+2+11, body[11]
		}
		i += n
	}
	return f
}

// sizeJPEG adds to the size the least number of bytes: every block of 8 by 8
// samples takes at least one bit for its mean.
func sizeJPEG(data []byte) (size, error) {
	s, err := sizeBy(jpeg.DecodeConfig)(data)
	s.least = (int64(s.w) + 7) / 8 * ((int64(s.h) + 7) / 8) / 8
	return s, err
}

// decodeJPEG decodes by the standard library down to the planes of samples,
// and brings these to RGB by itself, as libjpeg does.
func decodeJPEG(ctx context.Context, data []byte, s size) (*RGB, error) {
	f := readFrame(data)
	var r io.Reader = bytes.NewReader(data)
	if f.components == 4 {
		r = f.plainCMYK(data)
	}
	img, err := jpeg.Decode(&boundReader{ctx: ctx, r: r})
	if err != nil {
		return nil, err
	}
	if b := img.Bounds(); b.Dx() != s.w || b.Dy() != s.h {
		return nil, fmt.Errorf("%w: the picture is %dx%d pixels, its header said %dx%d", ErrFormat, b.Dx(), b.Dy(), s.w, s.h)
	}
	if inks, ok := img.(*image.CMYK); ok {
		return f.fromInks(inks), nil
	}
	return convert(img), nil
}

// plainCMYK returns a file of four components as one that declares no colour
// transform. The standard library then hands the samples on as they are, only
// inverted; otherwise it would convert YCCK with another rounding and coarser
// chroma than libjpeg, and refuse a file without Adobe's segment.
func (f frame) plainCMYK(data []byte) io.Reader {
	if f.adobe > 0 {
		return io.MultiReader(bytes.NewReader(data[:f.adobe]), bytes.NewReader([]byte{0}), bytes.NewReader(data[f.adobe+1:]))
	}
	const segment = "\xff\xee\x00\x0eAdobe\x00\x64\x00\x00\x00\x00\x00"
	return io.MultiReader(bytes.NewReader(data[:2]), bytes.NewReader([]byte(segment)), bytes.NewReader(data[2:]))
}

// fromInks converts the inverted samples of a file of four components. As
// Pillow does, every such file is taken for Adobe's, who store inks inverted:
// 255 is no ink.
func (f frame) fromInks(img *image.CMYK) *RGB {
	w, h := img.Rect.Dx(), img.Rect.Dy()
	m := NewRGB(w, h)
	ycck := f.adobe > 0 && f.transform != 0
	halved := f.h0 == 2 && f.v0 == 2
	var c1, c2 []byte // second and third component of one row
	var up upsampler
	var planes [2]plane
	if halved {
		// The samples of these two components were doubled both ways; every
		// second one is as it was stored.
		for i := range planes {
			p := plane{w: (w + 1) / 2, h: (h + 1) / 2}
			p.stride = p.w
			p.pix = make([]byte, p.w*p.h)
			for y := range p.h {
				for x := range p.w {
					p.pix[y*p.w+x] = 255 - img.Pix[2*y*img.Stride+8*x+1+i]
				}
			}
			planes[i] = p
		}
	}
	c1, c2 = make([]byte, w), make([]byte, w)
	for y := range h {
		line := img.Pix[y*img.Stride : y*img.Stride+4*w]
		if halved {
			up.row(c1, planes[0], 2, 2, y)
			up.row(c2, planes[1], 2, 2, y)
		} else {
			for x := range w {
				c1[x], c2[x] = 255-line[4*x+1], 255-line[4*x+2]
			}
		}
		for x := range w {
			d := m.Pix[3*(y*w+x) : 3*(y*w+x)+3]
			cyan, magenta, yellow, black := line[4*x], 255-c1[x], 255-c2[x], line[4*x+3]
			if ycck {
				// libjpeg makes inks of it, 255 less red and so on, and the
				// inversion takes that back.
				cyan, magenta, yellow = ycc(255-cyan, c1[x], c2[x])
			}
			fromCMYK(d, cyan, magenta, yellow, black)
		}
	}
	return m
}
