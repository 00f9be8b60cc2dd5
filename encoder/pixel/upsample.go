package pixel

// plane is one component of a picture: w by h samples in rows of stride bytes.
type plane struct {
	pix          []byte
	stride, w, h int
}

// row returns row y, the nearest one beyond the edges.
func (p plane) row(y int) []byte {
	y = min(max(y, 0), p.h-1)
	return p.pix[y*p.stride : y*p.stride+p.w]
}

// upsampler brings the rows of a halved plane to full size as libjpeg-turbo's
// jdsample.c does: by a triangle filter, three quarters of the nearer sample
// and one quarter of the farther in each direction, with a rounding that
// alternates so that no shade drifts. Planes that are 2 samples wide or less,
// or subsampled otherwise, have their samples repeated.
type upsampler struct {
	sums []int32
}

// row writes row y of the picture that plane p, with one sample for h by v
// pixels, belongs to.
func (u *upsampler) row(dst []byte, p plane, h, v, y int) {
	switch {
	case h == 2 && v == 1 && p.w > 2:
		doubleRow(dst, p.row(y))
	case h == 1 && v == 2:
		near, far, bias := p.row(y/2), p.row(y/2-1), int32(1)
		if y%2 == 1 {
			far, bias = p.row(y/2+1), 2
		}
		for x := range dst {
			dst[x] = byte((3*int32(near[x]) + int32(far[x]) + bias) >> 2)
		}
	case h == 2 && v == 2 && p.w > 2:
		near, far := p.row(y/2), p.row(y/2-1)
		if y%2 == 1 {
			far = p.row(y/2 + 1)
		}
		u.sums = grow(u.sums, p.w)
		for x := range u.sums {
			u.sums[x] = 3*int32(near[x]) + int32(far[x])
		}
		doubleSums(dst, u.sums)
	default:
		line := p.row(y / v)
		for x := range dst {
			dst[x] = line[x/h]
		}
	}
}

// doubleRow doubles a row of bytes in width.
func doubleRow(dst, src []byte) {
	last := len(src) - 1
	set := func(x int, v int32) {
		if x < len(dst) { // an odd width drops the last
			dst[x] = byte(v)
		}
	}
	set(0, int32(src[0]))
	set(1, (3*int32(src[0])+int32(src[1])+2)>>2)
	for i := 1; i < last; i++ {
		v := 3 * int32(src[i])
		d := dst[2*i : 2*i+2 : 2*i+2]
		d[0] = byte((v + int32(src[i-1]) + 1) >> 2)
		d[1] = byte((v + int32(src[i+1]) + 2) >> 2)
	}
	set(2*last, (3*int32(src[last])+int32(src[last-1])+1)>>2)
	set(2*last+1, int32(src[last]))
}

// doubleSums doubles a row of sums of four in width.
func doubleSums(dst []byte, src []int32) {
	last := len(src) - 1
	set := func(x int, v int32) {
		if x < len(dst) {
			dst[x] = byte(v)
		}
	}
	set(0, (4*src[0]+8)>>4)
	set(1, (3*src[0]+src[1]+7)>>4)
	for i := 1; i < last; i++ {
		v := 3 * src[i]
		d := dst[2*i : 2*i+2 : 2*i+2]
		d[0] = byte((v + src[i-1] + 8) >> 4)
		d[1] = byte((v + src[i+1] + 7) >> 4)
	}
	set(2*last, (3*src[last]+src[last-1]+8)>>4)
	set(2*last+1, (4*src[last]+7)>>4)
}
