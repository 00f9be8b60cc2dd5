package pixel

import (
	"image"

	"github.com/clipdb/clipdb/encoder/pixel/internal/jpeg"
)

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

// yccRow converts a row of full planes.
func yccRow(dst, luma, cb, cr []byte) {
	cb, cr = cb[:len(luma)], cr[:len(luma)]
	if fast := len(luma) &^ 15; useAVX2 && fast > 0 {
		_ = dst[3*fast-1]
		yccAVX2(&dst[0], &luma[0], &cb[0], &cr[0], fast)
		dst, luma, cb, cr = dst[3*fast:], luma[fast:], cb[fast:], cr[fast:]
	}
	for x, y := range luma {
		v, b, r := int32(y), cb[x], cr[x]
		d := dst[3*x : 3*x+3 : 3*x+3]
		d[0] = clamp(v + crRed[r])
		d[1] = clamp(v + (cbGreen[b]+crGreen[r])>>16)
		d[2] = clamp(v + cbBlue[b])
	}
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

// fromYCbCr converts the planes of the standard library's JPEG decoder. An
// image that is cut from the middle of a chroma sample, which no decoder
// gives, has its chroma repeated instead of interpolated.
func fromYCbCr(m *RGB, img *image.YCbCr) {
	dx, dy := 1, 1 // luma samples to a chroma sample
	switch img.SubsampleRatio {
	case image.YCbCrSubsampleRatio422:
		dx = 2
	case image.YCbCrSubsampleRatio420:
		dx, dy = 2, 2
	case image.YCbCrSubsampleRatio440:
		dy = 2
	case image.YCbCrSubsampleRatio411:
		dx = 4
	case image.YCbCrSubsampleRatio410:
		dx, dy = 4, 2
	}
	b := img.Rect
	if b.Min.X%dx != 0 || b.Min.Y%dy != 0 {
		cb, cr := make([]byte, m.W), make([]byte, m.W)
		for y := range m.H {
			for x := range m.W {
				at := img.COffset(b.Min.X+x, b.Min.Y+y)
				cb[x], cr[x] = img.Cb[at], img.Cr[at]
			}
			luma := img.Y[img.YOffset(b.Min.X, b.Min.Y+y):]
			yccRow(m.Pix[3*y*m.W:3*(y+1)*m.W], luma[:m.W], cb, cr)
		}
		return
	}
	at := img.COffset(b.Min.X, b.Min.Y)
	cb := plane{pix: img.Cb[at:], stride: img.CStride, w: (m.W + dx - 1) / dx, h: (m.H + dy - 1) / dy, dx: dx, dy: dy}
	cr := cb
	cr.pix = img.Cr[at:]
	luma := plane{pix: img.Y[img.YOffset(b.Min.X, b.Min.Y):], stride: img.YStride, w: m.W, h: m.H, dx: 1, dy: 1}
	m.fromPlanes([]plane{luma, cb, cr}, jpeg.YCbCr)
}
