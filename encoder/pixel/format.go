package pixel

import (
	"bytes"
	"context"
	"fmt"
	"image"
	"image/gif"
	"image/png"
	"io"

	"golang.org/x/image/bmp"
	"golang.org/x/image/tiff"
)

// size is what the header of a picture says.
type size struct {
	w, h  int
	least int64 // bytes below which no complete picture of that size can be
}

// format is one encoding of pictures.
type format struct {
	name   string
	size   func(data []byte) (size, error)
	decode func(ctx context.Context, data []byte, s size) (*RGB, error)
	frames func(data []byte) int // nil: always one
}

// formats by their name. The decoders are called by name, not through
// image.Decode, so that formats which the program registers elsewhere cannot
// slip past the limits.
var (
	formatJPEG = format{name: "jpeg", size: sizeJPEG, decode: decodeJPEG}
	formatPNG  = format{name: "png", size: sizePNG, decode: with(png.Decode), frames: framesPNG}
	formatGIF  = format{name: "gif", size: sizeBy(gif.DecodeConfig), decode: decodeGIF, frames: framesGIF}
	formatWebP = format{name: "webp", size: sizeWebP, decode: decodeWebP, frames: framesWebP}
	formatTIFF = format{name: "tiff", size: sizeBy(tiff.DecodeConfig), decode: decodeTIFF, frames: framesTIFF}
	formatBMP  = format{name: "bmp", size: sizeBMP, decode: with(bmp.Decode)}
)

// sniff tells the format by the first bytes, never by a name.
func sniff(data []byte) (*format, error) {
	starts := func(magic string) bool { return bytes.HasPrefix(data, []byte(magic)) }
	at := func(i int, magic string) bool {
		return len(data) >= i+len(magic) && string(data[i:i+len(magic)]) == magic
	}
	switch {
	case len(data) == 0:
		return nil, ErrEmpty
	case starts("\xff\xd8"):
		return &formatJPEG, nil
	case starts("\x89PNG\r\n\x1a\n"):
		return &formatPNG, nil
	case starts("GIF87a"), starts("GIF89a"):
		return &formatGIF, nil
	case starts("RIFF") && at(8, "WEBP"):
		return &formatWebP, nil
	case starts("II*\x00"), starts("MM\x00*"):
		return &formatTIFF, nil
	case starts("BM"):
		return &formatBMP, nil
	}
	for _, other := range []struct {
		name string
		is   bool
	}{
		{"HEIC", at(4, "ftyphei") || at(4, "ftyphev") || at(4, "ftypmif1") || at(4, "ftypmsf1")},
		{"AVIF", at(4, "ftypavi")},
		{"JPEG XL", starts("\xff\x0a") || starts("\x00\x00\x00\x0cJXL ")},
		{"JPEG 2000", starts("\x00\x00\x00\x0cjP  ") || starts("\xff\x4f\xff\x51")},
		{"PDF", starts("%PDF")},
		{"SVG", starts("<svg") || starts("<?xml")},
		{"Photoshop", starts("8BPS")},
		{"icon", starts("\x00\x00\x01\x00")},
	} {
		if other.is {
			return nil, fmt.Errorf("%w: %s files are not supported; convert it to JPEG or PNG", ErrFormat, other.name)
		}
	}
	return nil, fmt.Errorf("%w: none of JPEG, PNG, GIF, WebP, TIFF and BMP", ErrFormat)
}

// sizeBy reads the size with a decoder's DecodeConfig.
func sizeBy(config func(io.Reader) (image.Config, error)) func([]byte) (size, error) {
	return func(data []byte) (size, error) {
		c, err := config(bytes.NewReader(data))
		return size{w: c.Width, h: c.Height}, err
	}
}

// with decodes by a decoder that gives one of the image types that
// [FromImage] knows.
func with(decode func(io.Reader) (image.Image, error)) func(context.Context, []byte, size) (*RGB, error) {
	return func(ctx context.Context, data []byte, s size) (*RGB, error) {
		img, err := decode(&boundReader{ctx: ctx, r: bytes.NewReader(data)})
		if err != nil {
			return nil, err
		}
		if b := img.Bounds(); b.Dx() != s.w || b.Dy() != s.h {
			return nil, fmt.Errorf("%w: the picture is %dx%d pixels, its header said %dx%d", ErrFormat, b.Dx(), b.Dy(), s.w, s.h)
		}
		return convert(img), nil
	}
}

// sizePNG adds to the size the least number of bytes: deflate makes at most
// 1032 bytes of one, and every row has a filter byte.
func sizePNG(data []byte) (size, error) {
	s, err := sizeBy(png.DecodeConfig)(data)
	if err != nil || len(data) < 26 {
		return s, err
	}
	bits := int64(data[24]) // a sample, IHDR
	switch data[25] {       // colour type
	case 2:
		bits *= 3
	case 4:
		bits *= 2
	case 6:
		bits *= 4
	}
	raw := int64(s.h) * ((int64(s.w)*bits+7)/8 + 1)
	s.least = raw / 1032
	return s, nil
}

// sizeBMP adds the bytes of the rows, which package bmp reads uncompressed
// only, each filled up to four bytes.
func sizeBMP(data []byte) (size, error) {
	s, err := sizeBy(bmp.DecodeConfig)(data)
	if err != nil || len(data) < 30 {
		return s, err
	}
	bits := int64(data[28])
	s.least = int64(s.h) * ((int64(s.w)*bits + 31) / 32 * 4)
	return s, nil
}

// decodeGIF lays the first frame on its screen, which is white where the
// frame does not reach.
func decodeGIF(ctx context.Context, data []byte, s size) (*RGB, error) {
	img, err := gif.Decode(&boundReader{ctx: ctx, r: bytes.NewReader(data)})
	if err != nil {
		return nil, err
	}
	return onCanvas(convert(img), img.Bounds().Min, s.w, s.h), nil
}

// onCanvas places m with its corner at p on a white canvas, cut to it.
func onCanvas(m *RGB, p image.Point, w, h int) *RGB {
	if p == (image.Point{}) && m.W == w && m.H == h {
		return m
	}
	out := NewRGB(w, h)
	for i := range out.Pix {
		out.Pix[i] = 0xff
	}
	area := m.Bounds().Add(p).Intersect(out.Bounds())
	for y := area.Min.Y; y < area.Max.Y; y++ {
		from := m.Pix[3*((y-p.Y)*m.W+area.Min.X-p.X):]
		copy(out.Pix[3*(y*w+area.Min.X):3*(y*w+area.Max.X)], from)
	}
	return out
}
