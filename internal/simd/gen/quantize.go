package main

import (
	"math"

	. "github.com/mmcloughlin/avo/build"
	. "github.com/mmcloughlin/avo/operand"
	. "github.com/mmcloughlin/avo/reg"
)

func quantizeKernels() {
	quantize512("quantizeS8AVX512", "int8", 0)
	quantize512("quantizeU8AVX512", "uint8", 0x80808080)
	quantizeAVX2("quantizeS8AVX2", "int8", 0)
	quantizeAVX2("quantizeU8AVX2", "uint8", 0x80808080)

	TEXT("maxAbsAVX2", NOSPLIT, "func(x *float32, n uint64) uint32")
	Pragma("noescape")
	Doc("maxAbsAVX2 returns the largest of n floats, a multiple of 8, as bits without sign.")
	p := Load(Param("x"), GP64())
	n := Load(Param("n"), GP64())
	mask := constY(0x7fffffff)
	m := YMM()
	VPXOR(m, m, m)
	Label("eight")
	TESTQ(n, n)
	JZ(LabelRef("done"))
	v := YMM()
	VPAND(Mem{Base: p}, mask, v)
	VPMAXUD(v, m, m)
	ADDQ(Imm(32), p)
	SUBQ(Imm(8), n)
	JMP(LabelRef("eight"))
	Label("done")
	x, t := XMM(), XMM()
	VEXTRACTI128(Imm(1), m, x)
	VPMAXUD(x, m.AsX(), x)
	VPSHUFD(Imm(0x4e), x, t)
	VPMAXUD(t, x, x)
	VPSHUFD(Imm(0xb1), x, t)
	VPMAXUD(t, x, x)
	r := GP32()
	VMOVD(x, r)
	VZEROUPPER()
	Store(r, ReturnIndex(0))
	RET()
}

func constY(bits uint32) VecVirtual {
	r, x, y := GP32(), XMM(), YMM()
	MOVL(U32(bits), r)
	VMOVD(r, x)
	VPBROADCASTD(x, y)
	return y
}

func constZ(bits uint32) VecVirtual {
	r, z := GP32(), ZMM()
	MOVL(U32(bits), r)
	VPBROADCASTD(r, z)
	return z
}

func quantize512(name, typ string, flip uint32) {
	TEXT(name, NOSPLIT, "func(dst *"+typ+", x *float32, n uint64, scale float32)")
	Pragma("noescape")
	Doc(name + " quantizes n components, a multiple of 16.")
	d := Load(Param("dst"), GP64())
	p := Load(Param("x"), GP64())
	n := Load(Param("n"), GP64())
	s := Load(Param("scale"), XMM()).(VecVirtual)
	scale := ZMM()
	VBROADCASTSS(s, scale)
	lo, hi := constZ(math.Float32bits(-127)), constZ(math.Float32bits(127))
	var sign VecVirtual
	if flip != 0 {
		sign = constZ(flip)
	}
	Label("sixteen")
	TESTQ(n, n)
	JZ(LabelRef("done"))
	v, x := ZMM(), XMM()
	VMULPS(Mem{Base: p}, scale, v)
	VMINPS(hi, v, v)
	VMAXPS(lo, v, v)
	VCVTPS2DQ(v, v)
	VPMOVDB(v, x)
	if flip != 0 {
		VPXOR(sign.AsX(), x, x)
	}
	VMOVDQU(x, Mem{Base: d})
	ADDQ(Imm(64), p)
	ADDQ(Imm(16), d)
	SUBQ(Imm(16), n)
	JMP(LabelRef("sixteen"))
	Label("done")
	VZEROUPPER()
	RET()
}

func quantizeAVX2(name, typ string, flip uint32) {
	TEXT(name, NOSPLIT, "func(dst *"+typ+", x *float32, n uint64, scale float32)")
	Pragma("noescape")
	Doc(name + " quantizes n components, a multiple of 16.")
	d := Load(Param("dst"), GP64())
	p := Load(Param("x"), GP64())
	n := Load(Param("n"), GP64())
	s := Load(Param("scale"), XMM()).(VecVirtual)
	scale := YMM()
	VBROADCASTSS(s, scale)
	lo, hi := constY(math.Float32bits(-127)), constY(math.Float32bits(127))
	var sign VecVirtual
	if flip != 0 {
		sign = constY(flip)
	}
	Label("sixteen")
	TESTQ(n, n)
	JZ(LabelRef("done"))
	v := [2]VecVirtual{YMM(), YMM()}
	for i := range v {
		VMULPS(Mem{Base: p, Disp: 32 * i}, scale, v[i])
		VMINPS(hi, v[i], v[i])
		VMAXPS(lo, v[i], v[i])
		VCVTPS2DQ(v[i], v[i])
	}
	x := XMM()
	VPACKSSDW(v[1], v[0], v[0]) // 0-3 8-11 | 4-7 12-15
	VPERMQ(Imm(0xd8), v[0], v[0])
	VEXTRACTI128(Imm(1), v[0], x)
	VPACKSSWB(x, v[0].AsX(), x)
	if flip != 0 {
		VPXOR(sign.AsX(), x, x)
	}
	VMOVDQU(x, Mem{Base: d})
	ADDQ(Imm(64), p)
	ADDQ(Imm(16), d)
	SUBQ(Imm(16), n)
	JMP(LabelRef("sixteen"))
	Label("done")
	VZEROUPPER()
	RET()
}
