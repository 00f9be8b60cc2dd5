package jpeg

import (
	"fmt"
	"io"
)

// FormatError reports a damaged file.
type FormatError string

func (e FormatError) Error() string { return "damaged JPEG: " + string(e) }

// UnsupportedError reports a file that is in order but beyond this package.
type UnsupportedError string

func (e UnsupportedError) Error() string { return "unsupported JPEG: " + string(e) }

// Plane is one component of a picture.
type Plane struct {
	Pix    []byte // rows of Stride bytes; at least H rows
	Stride int
	W, H   int // samples of the picture itself, without the filling of the last blocks
	// DX and DY are the pixels, across and down, that one sample stands for.
	DX, DY int
}

// Colour is the colour space of the planes.
type Colour int

// The colour spaces, told as libjpeg tells them: by the JFIF and Adobe
// segments, else by the names of the components.
const (
	Grey Colour = iota
	YCbCr
	RGB
	CMYK // inks as stored; Adobe's programs store them inverted
	YCCK
)

// Header is what a file says before its first scan.
type Header struct {
	W, H        int
	Components  int
	Progressive bool
	Colour      Colour
	// Blocks is the number of blocks of the component with most of them; each
	// takes at least one bit of a complete file.
	Blocks int64
}

// Image is a decoded file.
type Image struct {
	Header
	Planes []Plane // as many as Components
}

// component is one component while it is being decoded.
type component struct {
	id   byte
	h, v int // sampling factors
	tq   byte

	w, h2  int // samples of the picture: ceil(W*h/maxH), ceil(H*v/maxV)
	bw, bh int // blocks of the picture
	stride int // blocks in a row of the interleaved scan, filling included
	rows   int // rows of blocks, filling included
	pix    []byte
	coef   [][64]int16 // of progressive files, in natural order
	quant  *[64]int32  // latched at the component's first scan
	td, ta byte
	pred   int32
	seen   bool // a scan brought its mean values
}

type decoder struct {
	bits
	check func() error

	header         bool // stop before the first scan
	w, h           int
	progressive    bool
	sof            bool
	comp           []component
	maxH, maxV     int
	mcusX, mcusY   int
	restart        int
	quant          [4]*[64]int32
	dc, ac         [4]*huffman
	jfif, adobe    bool
	adobeTransform byte
	eobRun         int
	scans          int
}

// ReadHeader reads a file up to its first scan.
func ReadHeader(data []byte) (Header, error) {
	d := decoder{bits: bits{data: data}, header: true}
	if err := d.segments(); err != nil {
		return Header{}, err
	}
	return d.head(), nil
}

// Decode reads a file. It calls check now and then, and stops with its error
// if it returns one; nil is never to stop. The caller has seen to it, by
// [ReadHeader], that the picture is of a size to allocate.
func Decode(data []byte, check func() error) (*Image, error) {
	d := decoder{bits: bits{data: data}, check: check}
	if err := d.segments(); err != nil {
		return nil, err
	}
	img := &Image{Header: d.head()}
	for i := range d.comp {
		c := &d.comp[i]
		if !c.seen {
			return nil, fmt.Errorf("a component without its scan: %w", io.ErrUnexpectedEOF)
		}
		if d.progressive {
			if err := d.reconstruct(c); err != nil {
				return nil, err
			}
		}
		img.Planes = append(img.Planes, Plane{
			Pix: c.pix, Stride: 8 * c.stride, W: c.w, H: c.h2,
			DX: d.maxH / c.h, DY: d.maxV / c.v,
		})
	}
	return img, nil
}

// head collects the header once the frame is read.
func (d *decoder) head() Header {
	h := Header{W: d.w, H: d.h, Components: len(d.comp), Progressive: d.progressive}
	for _, c := range d.comp {
		h.Blocks = max(h.Blocks, int64(c.bw)*int64(c.bh))
	}
	switch len(d.comp) {
	case 3:
		names := [3]byte{d.comp[0].id, d.comp[1].id, d.comp[2].id}
		h.Colour = YCbCr
		if !d.jfif && (d.adobe && d.adobeTransform == 0 || !d.adobe && names == [3]byte{'R', 'G', 'B'}) {
			h.Colour = RGB
		}
	case 4:
		h.Colour = CMYK
		if d.adobe && d.adobeTransform != 0 {
			h.Colour = YCCK
		}
	}
	return h
}

// Markers, table B.1.
const (
	markerSOF0 = 0xc0
	markerSOF1 = 0xc1
	markerSOF2 = 0xc2
	markerDHT  = 0xc4
	markerJPG  = 0xc8
	markerDAC  = 0xcc
	markerRST0 = 0xd0
	markerRST7 = 0xd7
	markerSOI  = 0xd8
	markerEOI  = 0xd9
	markerSOS  = 0xda
	markerDQT  = 0xdb
	markerDRI  = 0xdd
	markerAPP0 = 0xe0
	markerAPPE = 0xee
	markerTEM  = 0x01
)

// segments reads the file to its end marker.
func (d *decoder) segments() error {
	if len(d.data) < 2 {
		return io.ErrUnexpectedEOF
	}
	if d.data[0] != 0xff || d.data[1] != markerSOI {
		return FormatError("no start of image")
	}
	d.pos = 2
	for {
		marker, err := d.marker()
		if err != nil {
			return err
		}
		switch {
		case marker == markerEOI:
			if !d.sof {
				return FormatError("no frame")
			}
			return nil
		case marker == markerSOI, marker == markerTEM, markerRST0 <= marker && marker <= markerRST7:
			continue // stray, and without a body
		}
		body, err := d.segment()
		if err != nil {
			return err
		}
		switch {
		case marker == markerSOS:
			if !d.sof {
				return FormatError("a scan before the frame")
			}
			if d.header {
				return nil
			}
			err = d.scan(body)
		case markerSOF0 <= marker && marker <= 0xcf && marker != markerDHT && marker != markerJPG && marker != markerDAC:
			err = d.frame(marker, body)
		case marker == markerDHT && !d.header:
			err = d.huffmanTables(body)
		case marker == markerDQT && !d.header:
			err = d.quantTables(body)
		case marker == markerDRI:
			if len(body) < 2 {
				return FormatError("restart interval cut short")
			}
			d.restart = int(body[0])<<8 | int(body[1])
		case marker == markerAPP0:
			d.jfif = d.jfif || len(body) >= 12 && string(body[:5]) == "JFIF\x00"
		case marker == markerAPPE:
			if len(body) >= 12 && string(body[:5]) == "Adobe" {
				d.adobe, d.adobeTransform = true, body[11]
			}
		}
		if err != nil {
			return err
		}
	}
}

// marker skips to the next marker and returns it. Bytes before it are passed
// over, as every decoder does.
func (d *decoder) marker() (byte, error) {
	for ; d.pos+1 < len(d.data); d.pos++ {
		if d.data[d.pos] == 0xff && d.data[d.pos+1] != 0 && d.data[d.pos+1] != 0xff {
			d.pos += 2
			return d.data[d.pos-1], nil
		}
	}
	return 0, io.ErrUnexpectedEOF
}

// segment returns the body of the segment whose length comes next.
func (d *decoder) segment() ([]byte, error) {
	if d.pos+2 > len(d.data) {
		return nil, io.ErrUnexpectedEOF
	}
	n := int(d.data[d.pos])<<8 | int(d.data[d.pos+1])
	if n < 2 {
		return nil, FormatError("segment length below two")
	}
	if d.pos+n > len(d.data) {
		return nil, io.ErrUnexpectedEOF
	}
	body := d.data[d.pos+2 : d.pos+n]
	d.pos += n
	return body, nil
}

// frame reads the frame header, section B.2.2.
func (d *decoder) frame(marker byte, body []byte) error {
	if marker > markerSOF2 {
		return UnsupportedError(fmt.Sprintf("coding process %d", marker-markerSOF0))
	}
	if d.sof {
		return FormatError("a second frame")
	}
	if len(body) < 6 || len(body) < 6+3*int(body[5]) {
		return FormatError("frame cut short")
	}
	if body[0] != 8 {
		return UnsupportedError(fmt.Sprintf("samples of %d bits", body[0]))
	}
	d.progressive = marker == markerSOF2
	d.h, d.w = int(body[1])<<8|int(body[2]), int(body[3])<<8|int(body[4])
	n := int(body[5])
	if d.w == 0 {
		return FormatError("no width")
	}
	if d.h == 0 {
		return UnsupportedError("height told after the picture")
	}
	if n != 1 && n != 3 && n != 4 {
		return UnsupportedError(fmt.Sprintf("%d components", n))
	}
	d.comp = make([]component, n)
	d.maxH, d.maxV = 1, 1
	for i := range d.comp {
		c := &d.comp[i]
		b := body[6+3*i:]
		c.id, c.h, c.v, c.tq = b[0], int(b[1]>>4), int(b[1]&15), b[2]
		if c.h < 1 || c.h > 4 || c.v < 1 || c.v > 4 || c.tq > 3 {
			return FormatError("sampling factors or quantisation table out of range")
		}
		for _, other := range d.comp[:i] {
			if other.id == c.id {
				return FormatError("two components of one name")
			}
		}
		if n == 1 {
			c.h, c.v = 1, 1 // alone, its factors mean nothing, section A.2.2
		}
		d.maxH, d.maxV = max(d.maxH, c.h), max(d.maxV, c.v)
	}
	d.mcusX, d.mcusY = ceil(d.w, 8*d.maxH), ceil(d.h, 8*d.maxV)
	for i := range d.comp {
		c := &d.comp[i]
		if d.maxH%c.h != 0 || d.maxV%c.v != 0 {
			return UnsupportedError("sampling factors that do not divide")
		}
		c.w, c.h2 = ceil(d.w*c.h, d.maxH), ceil(d.h*c.v, d.maxV)
		c.bw, c.bh = ceil(c.w, 8), ceil(c.h2, 8)
		c.stride, c.rows = d.mcusX*c.h, d.mcusY*c.v
	}
	d.sof = true
	return nil
}

func ceil(a, b int) int { return (a + b - 1) / b }

// zigzag gives the place of the k-th coefficient of a block, figure A.6.
var zigzag = [64]byte{
	0, 1, 8, 16, 9, 2, 3, 10, 17, 24, 32, 25, 18, 11, 4, 5,
	12, 19, 26, 33, 40, 48, 41, 34, 27, 20, 13, 6, 7, 14, 21, 28,
	35, 42, 49, 56, 57, 50, 43, 36, 29, 22, 15, 23, 30, 37, 44, 51,
	58, 59, 52, 45, 38, 31, 39, 46, 53, 60, 61, 54, 47, 55, 62, 63,
}

// quantTables reads quantisation tables, section B.2.4.1, kept in the order
// of the coefficients.
func (d *decoder) quantTables(body []byte) error {
	for len(body) > 0 {
		wide, id := body[0]>>4, body[0]&15
		n := 64 << min(wide, 1)
		if wide > 1 || id > 3 || len(body) < 1+n {
			return FormatError("quantisation table")
		}
		t := new([64]int32)
		for k := range t {
			if wide == 0 {
				t[k] = int32(body[1+k])
			} else {
				t[k] = int32(body[1+2*k])<<8 | int32(body[2+2*k])
			}
		}
		d.quant[id] = t
		body = body[1+n:]
	}
	return nil
}
