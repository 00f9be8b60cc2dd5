package main

import (
	. "github.com/mmcloughlin/avo/build"
	. "github.com/mmcloughlin/avo/operand"
	. "github.com/mmcloughlin/avo/reg"
)

// reduce4 sums four zmm of 16 dwords to the four dwords of an xmm.
func reduce4(a [4]VecVirtual) VecVirtual {
	g := quadSums(a)
	y := YMM()
	VEXTRACTI64X4(Imm(1), g, y)
	VPADDD(y, g.AsY(), y)
	x := XMM()
	VEXTRACTI32X4(Imm(1), y, x)
	VPADDD(x, y.AsX(), x)
	return x
}

// quadSums leaves in each 128-bit lane of a zmm the four lane sums of a[0..3].
func quadSums(a [4]VecVirtual) VecVirtual {
	ab, cd, t := ZMM(), ZMM(), ZMM()
	VPUNPCKLDQ(a[1], a[0], ab)
	VPUNPCKHDQ(a[1], a[0], t)
	VPADDD(t, ab, ab)
	VPUNPCKLDQ(a[3], a[2], cd)
	VPUNPCKHDQ(a[3], a[2], t)
	VPADDD(t, cd, cd)
	VPUNPCKLQDQ(cd, ab, t)
	VPUNPCKHQDQ(cd, ab, ab)
	VPADDD(t, ab, ab)
	return ab
}

// reduce1 sums the 16 dwords of a zmm into a general register.
func reduce1(a VecVirtual) GPVirtual {
	y := YMM()
	VEXTRACTI64X4(Imm(1), a, y)
	VPADDD(y, a.AsY(), y)
	x := XMM()
	VEXTRACTI32X4(Imm(1), y, x)
	VPADDD(x, y.AsX(), x)
	return reduceX(x)
}

func reduceY(y VecVirtual) GPVirtual {
	x := XMM()
	VEXTRACTI128(Imm(1), y, x)
	VPADDD(x, y.AsX(), x)
	return reduceX(x)
}

func reduceX(x VecVirtual) GPVirtual {
	t := XMM()
	VPSHUFD(Imm(0x4e), x, t)
	VPADDD(t, x, x)
	VPSHUFD(Imm(0xb1), x, t)
	VPADDD(t, x, x)
	r := GP32()
	VMOVD(x, r)
	return r
}

func zeroZ(n int) []VecVirtual {
	v := make([]VecVirtual, n)
	for i := range v {
		v[i] = ZMM()
		VPXORQ(v[i], v[i], v[i])
	}
	return v
}

func zeroY(n int) []VecVirtual {
	v := make([]VecVirtual, n)
	for i := range v {
		v[i] = YMM()
		VPXOR(v[i], v[i], v[i])
	}
	return v
}
