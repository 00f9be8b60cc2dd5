package pixel

import "image"

// Tables of libjpeg's conversion from YCbCr to RGB (jdcolor.c; the equations
// of JFIF 1.02): 16 bits of fraction, rounded to nearest, the two halves of
// green added before the fraction goes.
var (
	crRed, cbBlue    [256]int32
	crGreen, cbGreen [256]int32
)

func init() {
	const half = 1 << 15
	for i := range int32(256) {
		x := i - 128
		crRed[i] = (91881*x + half) >> 16   // 1.40200
		cbBlue[i] = (116130*x + half) >> 16 // 1.77200
		crGreen[i] = -46802 * x             // 0.71414
		cbGreen[i] = -22554*x + half        // 0.34414
	}
}

// ycc converts one pixel.
func ycc(y, cb, cr byte) (r, g, b byte) {
	v := int32(y)
	return clamp(v + crRed[cr]), clamp(v + (cbGreen[cb]+crGreen[cr])>>16), clamp(v + cbBlue[cb])
}

func clamp(v int32) byte {
	if uint32(v) > 255 {
		if v < 0 {
			return 0
		}
		return 255
	}
	return byte(v)
}

// fromYCbCr converts a JPEG's planes as libjpeg-turbo does with its default
// settings, fancy upsampling included.
func fromYCbCr(m *RGB, img *image.YCbCr) {
	h, v := 1, 1 // luma samples to a chroma sample
	switch img.SubsampleRatio {
	case image.YCbCrSubsampleRatio422:
		h = 2
	case image.YCbCrSubsampleRatio420:
		h, v = 2, 2
	case image.YCbCrSubsampleRatio440:
		v = 2
	case image.YCbCrSubsampleRatio411:
		h = 4
	case image.YCbCrSubsampleRatio410:
		h, v = 4, 2
	}
	b := img.Rect
	if b.Min.X%h != 0 || b.Min.Y%v != 0 {
		// A cut from the middle of a chroma sample, which no decoder gives.
		for y := range m.H {
			for x := range m.W {
				c := img.YCbCrAt(b.Min.X+x, b.Min.Y+y)
				d := m.Pix[3*(y*m.W+x):]
				d[0], d[1], d[2] = ycc(c.Y, c.Cb, c.Cr)
			}
		}
		return
	}
	from := img.COffset(b.Min.X, b.Min.Y)
	cb := plane{pix: img.Cb[from:], stride: img.CStride, w: (m.W + h - 1) / h, h: (m.H + v - 1) / v}
	cr := cb
	cr.pix = img.Cr[from:]
	var up upsampler
	rowB, rowR := make([]byte, m.W), make([]byte, m.W)
	for y := range m.H {
		luma := img.Y[img.YOffset(b.Min.X, b.Min.Y+y):]
		lineB, lineR := rowB, rowR
		if h == 1 && v == 1 {
			lineB, lineR = cb.row(y), cr.row(y)
		} else {
			up.row(rowB, cb, h, v, y)
			up.row(rowR, cr, h, v, y)
		}
		yccRow(m.Pix[3*y*m.W:3*(y+1)*m.W], luma[:m.W], lineB[:m.W], lineR[:m.W])
	}
}

// yccRow converts a row of full planes.
func yccRow(dst, luma, cb, cr []byte) {
	cb, cr = cb[:len(luma)], cr[:len(luma)]
	for x, y := range luma {
		v, b, r := int32(y), cb[x], cr[x]
		d := dst[3*x : 3*x+3 : 3*x+3]
		d[0] = clamp(v + crRed[r])
		d[1] = clamp(v + (cbGreen[b]+crGreen[r])>>16)
		d[2] = clamp(v + cbBlue[b])
	}
}
