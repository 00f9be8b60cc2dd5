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
	sums []uint16
}

// row returns row y of the w pixels wide picture that plane p belongs to. It
// stays valid until the next call.
func (u *upsampler) row(p *plane, w, y int) []byte {
	if p.dx == 1 && p.dy == 1 {
		return p.row(y)
	}
	u.out = grow(u.out, 2*p.w+w)
	near, far := p.row(y/p.dy), p.row(y/p.dy-1)
	if y%p.dy == 1 {
		far = p.row(y/p.dy + 1)
	}
	switch {
	case p.dx == 2 && p.dy == 1 && p.w > 2:
		// Four times the sample, so that the sixteenths below are quarters.
		u.double(near, near, 4, 8)
	case p.dx == 2 && p.dy == 2 && p.w > 2:
		u.double(near, far, 8, 7)
	case p.dx == 1 && p.dy == 2:
		bias := int32(1 + y%2)
		far = far[:len(near)]
		for x, v := range near {
			u.out[x] = byte((3*int32(v) + int32(far[x]) + bias) >> 2)
		}
	default:
		for x := range w {
			u.out[x] = near[x/p.dx]
		}
	}
	return u.out[:w]
}

// double doubles a row in width: three times each sample, plus its neighbour
// to the left and even for the first of the two that it gives, to the right
// and odd for the second, all of them sums of three near and one far, and a
// sixteenth of that. At the ends the sample is its own neighbour.
func (u *upsampler) double(near, far []byte, even, odd uint16) {
	n := len(near)
	u.sums = grow(u.sums, n+2)
	sums, done := u.sums, 0
	far = far[:n]
	if fast := n &^ 15; useAVX2 && fast > 0 {
		sumsAVX2(&sums[1], &near[0], &far[0], fast)
		done = fast
	}
	for x := done; x < n; x++ {
		sums[1+x] = 3*uint16(near[x]) + uint16(far[x])
	}
	sums[0], sums[n+1] = sums[1], sums[n]
	if done > 0 {
		doubleAVX2(&u.out[0], &sums[0], done, uint64(even), uint64(odd))
	}
	before, this := sums[done], sums[done+1]
	out := u.out[2*done:]
	for i, after := range sums[done+2 : n+2] {
		d := out[2*i : 2*i+2 : 2*i+2]
		d[0] = byte((3*this + before + even) >> 4)
		d[1] = byte((3*this + after + odd) >> 4)
		before, this = this, after
	}
}
