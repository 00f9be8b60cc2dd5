package jpeg

// Constants of the transform: 13 bits of fraction, and 2 bits that the sums
// of the columns keep for the rows.
const (
	constBits = 13
	passBits  = 2

	fix0298631336 = 2446
	fix0390180644 = 3196
	fix0541196100 = 4433
	fix0765366865 = 6270
	fix0899976223 = 7373
	fix1175875602 = 9633
	fix1501321110 = 12299
	fix1847759065 = 15137
	fix1961570560 = 16069
	fix2053119869 = 16819
	fix2562915447 = 20995
	fix3072711026 = 25172
)

// transform writes the samples of one block: the inverse cosine transform of
// its coefficients, rounded, 128 added and clamped. last is 0 where all but
// the mean are zero.
//
// The algorithm is that of Loeffler, Ligtenberg and Moschytz (ICASSP 1989,
// figure 1), 12 multiplications for 8 samples, columns first. The roundings
// are those of libjpeg's jidctint.c.
func transform(dst []byte, stride int, block *[64]int32, last int) {
	if last == 0 {
		v := clamp((block[0]<<passBits+1<<(passBits+2))>>(passBits+3) + 128)
		for y := range 8 {
			row := dst[y*stride : y*stride+8 : y*stride+8]
			row[0], row[1], row[2], row[3] = v, v, v, v
			row[4], row[5], row[6], row[7] = v, v, v, v
		}
		return
	}
	if useAVX2 {
		_ = dst[7*stride+7]
		transformAVX2(&dst[0], stride, block)
		return
	}
	for x := range 8 {
		i1, i2, i3 := block[8+x], block[16+x], block[24+x]
		i4, i5, i6, i7 := block[32+x], block[40+x], block[48+x], block[56+x]
		if i1|i2|i3|i4|i5|i6|i7 == 0 {
			v := block[x] << passBits
			block[x], block[8+x], block[16+x], block[24+x] = v, v, v, v
			block[32+x], block[40+x], block[48+x], block[56+x] = v, v, v, v
			continue
		}
		a0, a1, a2, a3, b0, b1, b2, b3 := butterfly(block[x], i1, i2, i3, i4, i5, i6, i7)
		const shift, half = constBits - passBits, 1 << (constBits - passBits - 1)
		block[x], block[56+x] = (a0+b3+half)>>shift, (a0-b3+half)>>shift
		block[8+x], block[48+x] = (a1+b2+half)>>shift, (a1-b2+half)>>shift
		block[16+x], block[40+x] = (a2+b1+half)>>shift, (a2-b1+half)>>shift
		block[24+x], block[32+x] = (a3+b0+half)>>shift, (a3-b0+half)>>shift
	}
	for y := range 8 {
		in := block[8*y : 8*y+8 : 8*y+8]
		row := dst[y*stride : y*stride+8 : y*stride+8]
		a0, a1, a2, a3, b0, b1, b2, b3 := butterfly(in[0], in[1], in[2], in[3], in[4], in[5], in[6], in[7])
		// Rounding and the mean of the samples in one constant.
		const shift, half = constBits + passBits + 3, 1<<(constBits+passBits+2) + 128<<(constBits+passBits+3)
		row[0], row[7] = clamp((a0+b3+half)>>shift), clamp((a0-b3+half)>>shift)
		row[1], row[6] = clamp((a1+b2+half)>>shift), clamp((a1-b2+half)>>shift)
		row[2], row[5] = clamp((a2+b1+half)>>shift), clamp((a2-b1+half)>>shift)
		row[3], row[4] = clamp((a3+b0+half)>>shift), clamp((a3-b0+half)>>shift)
	}
}

// butterfly is the transform of one column or row but for its last additions:
// even parts a0 to a3, odd parts b0 to b3, constBits of fraction.
func butterfly(i0, i1, i2, i3, i4, i5, i6, i7 int32) (a0, a1, a2, a3, b0, b1, b2, b3 int32) {
	z := (i2 + i6) * fix0541196100
	t2, t3 := z-i6*fix1847759065, z+i2*fix0765366865
	t0, t1 := (i0+i4)<<constBits, (i0-i4)<<constBits
	a0, a3, a1, a2 = t0+t3, t0-t3, t1+t2, t1-t2

	z1, z2, z3, z4 := i7+i1, i5+i3, i7+i3, i5+i1
	z5 := (z3 + z4) * fix1175875602
	z1, z2 = -z1*fix0899976223, -z2*fix2562915447
	z3, z4 = z5-z3*fix1961570560, z5-z4*fix0390180644
	b0 = i7*fix0298631336 + z1 + z3
	b1 = i5*fix2053119869 + z2 + z4
	b2 = i3*fix3072711026 + z2 + z3
	b3 = i1*fix1501321110 + z1 + z4
	return
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
