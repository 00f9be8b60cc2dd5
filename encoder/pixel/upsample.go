package pixel

// plane is one component of a picture: w by h samples in rows of stride
// bytes, each for dx by dy pixels.
type plane struct {
	pix          []byte
	stride, w, h int
	dx, dy       int
}

// row returns row y, the nearest one beyond the edges.
func (p *plane) row(y int) []byte {
	y = min(max(y, 0), p.h-1)
	return p.pix[y*p.stride : y*p.stride+p.w]
}

// upsampler brings the rows of a plane to full size as libjpeg-turbo's
// jdsample.c does: halved planes by a triangle filter, three quarters of the
// nearer sample and one quarter of the farther in each direction, with a
// rounding that alternates so that no shade drifts. Planes that are 2 samples
// wide or less, or subsampled otherwise, have their samples repeated.
type upsampler struct {
	out  []byte
	sums []int32
}

// row returns row y of the w pixels wide picture that plane p belongs to. It
// stays valid until the next call.
func (u *upsampler) row(p *plane, w, y int) []byte {
	if p.dx == 1 && p.dy == 1 {
		return p.row(y)
	}
	u.out = grow(u.out, 2*p.w+w)
	switch {
	case p.dx == 2 && p.dy == 1 && p.w > 2:
		doubleRow(u.out, p.row(y))
	case p.dx == 1 && p.dy == 2:
		near, far, bias := p.row(y/2), p.row(y/2-1), int32(1)
		if y%2 == 1 {
			far, bias = p.row(y/2+1), 2
		}
		for x, v := range near {
			u.out[x] = byte((3*int32(v) + int32(far[x]) + bias) >> 2)
		}
	case p.dx == 2 && p.dy == 2 && p.w > 2:
		near, far := p.row(y/2), p.row(y/2-1)
		if y%2 == 1 {
			far = p.row(y/2 + 1)
		}
		u.sums = grow(u.sums, p.w)
		sums := u.sums[:len(near)]
		far = far[:len(near)]
		for x, v := range near {
			sums[x] = 3*int32(v) + int32(far[x])
		}
		doubleSums(u.out, sums)
	default:
		line := p.row(y / p.dy)
		for x := range w {
			u.out[x] = line[x/p.dx]
		}
	}
	return u.out[:w]
}

// doubleRow doubles a row of bytes in width.
func doubleRow(dst, src []byte) {
	last := len(src) - 1
	dst[0] = src[0]
	dst[1] = byte((3*int32(src[0]) + int32(src[1]) + 2) >> 2)
	for i := 1; i < last; i++ {
		v := 3 * int32(src[i])
		d := dst[2*i : 2*i+2 : 2*i+2]
		d[0] = byte((v + int32(src[i-1]) + 1) >> 2)
		d[1] = byte((v + int32(src[i+1]) + 2) >> 2)
	}
	dst[2*last] = byte((3*int32(src[last]) + int32(src[last-1]) + 1) >> 2)
	dst[2*last+1] = src[last]
}

// doubleSums doubles a row of sums of four in width.
func doubleSums(dst []byte, src []int32) {
	last := len(src) - 1
	dst[0] = byte((4*src[0] + 8) >> 4)
	dst[1] = byte((3*src[0] + src[1] + 7) >> 4)
	before, this := src[0], src[1]
	for i, after := range src[2:] {
		d := dst[2*i+2 : 2*i+4 : 2*i+4]
		d[0] = byte((3*this + before + 8) >> 4)
		d[1] = byte((3*this + after + 7) >> 4)
		before, this = this, after
	}
	dst[2*last] = byte((3*this + before + 8) >> 4)
	dst[2*last+1] = byte((4*this + 7) >> 4)
}
