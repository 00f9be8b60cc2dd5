package main

import (
	. "github.com/mmcloughlin/avo/build"
	. "github.com/mmcloughlin/avo/operand"
	. "github.com/mmcloughlin/avo/reg"
)

func floatKernels() {
	dotFloat512("dotF32AVX512", "float32", 4,
		func(m Mem, z VecVirtual) { VMOVUPS(m, z) },
		func(m Mem, k OpmaskVirtual, z VecVirtual) { VMOVUPS_Z(m, k, z) })
	dotFloat512("dotF16AVX512", "uint16", 2,
		func(m Mem, z VecVirtual) { VCVTPH2PS(m, z) },
		func(m Mem, k OpmaskVirtual, z VecVirtual) { VCVTPH2PS_Z(m, k, z) })
	dotFloatAVX2("dotF32AVX2", "float32", 4, func(m Mem, y VecVirtual) { VMOVUPS(m, y) })
	dotFloatAVX2("dotF16AVX2", "uint16", 2, func(m Mem, y VecVirtual) { VCVTPH2PS(m, y) })
	convert("f32ToF16AVX2", "dst *uint16, src *float32", 4, 2, func(s, d Mem) {
		y, x := YMM(), XMM()
		VMOVUPS(s, y)
		VCVTPS2PH(Imm(0), y, x)
		VMOVDQU(x, d)
	})
	convert("f16ToF32AVX2", "dst *float32, src *uint16", 2, 4, func(s, d Mem) {
		y := YMM()
		VCVTPH2PS(s, y)
		VMOVUPS(y, d)
	})
}

// dotFloat512 sums n products; a has size bytes a component.
func dotFloat512(name, typ string, size int, load func(Mem, VecVirtual), loadMasked func(Mem, OpmaskVirtual, VecVirtual)) {
	TEXT(name, NOSPLIT, "func(a *"+typ+", b *float32, n uint64) float32")
	Pragma("noescape")
	Doc(name + " returns sum(a*b) of n components.")
	a := Load(Param("a"), GP64()).(GPVirtual)
	b := Load(Param("b"), GP64()).(GPVirtual)
	n := Load(Param("n"), GP64()).(GPVirtual)
	acc := zeroZ(4)
	Label("four")
	CMPQ(n, Imm(64))
	JB(LabelRef("one"))
	for i := range 4 {
		z := ZMM()
		load(Mem{Base: a, Disp: 16 * size * i}, z)
		VFMADD231PS(Mem{Base: b, Disp: 64 * i}, z, acc[i])
	}
	ADDQ(U32(64*size), a)
	ADDQ(U32(256), b)
	SUBQ(Imm(64), n)
	JMP(LabelRef("four"))
	Label("one")
	CMPQ(n, Imm(16))
	JB(LabelRef("rest"))
	z := ZMM()
	load(Mem{Base: a}, z)
	VFMADD231PS(Mem{Base: b}, z, acc[0])
	ADDQ(Imm(uint64(16*size)), a)
	ADDQ(Imm(64), b)
	SUBQ(Imm(16), n)
	JMP(LabelRef("one"))
	Label("rest")
	TESTQ(n, n)
	JZ(LabelRef("sum"))
	all, bits := GP64(), GP64()
	MOVQ(I64(-1), all)
	BZHIQ(n, all, bits)
	k := K()
	KMOVW(bits.As32(), k)
	z, w := ZMM(), ZMM()
	loadMasked(Mem{Base: a}, k, z)
	VMOVUPS_Z(Mem{Base: b}, k, w)
	VFMADD231PS(w, z, acc[1])
	Label("sum")
	VADDPS(acc[1], acc[0], acc[0])
	VADDPS(acc[3], acc[2], acc[2])
	VADDPS(acc[2], acc[0], acc[0])
	y := YMM()
	VEXTRACTF64X4(Imm(1), acc[0], y)
	VADDPS(y, acc[0].AsY(), y)
	storeSum(y)
}

// storeSum returns the sum of eight floats.
func storeSum(y VecVirtual) {
	x, t := XMM(), XMM()
	VEXTRACTF128(Imm(1), y, x)
	VADDPS(x, y.AsX(), x)
	VPERMILPS(Imm(0x4e), x, t)
	VADDPS(t, x, x)
	VPERMILPS(Imm(0xb1), x, t)
	VADDPS(t, x, x)
	VZEROUPPER()
	Store(x, ReturnIndex(0))
	RET()
}

func dotFloatAVX2(name, typ string, size int, load func(Mem, VecVirtual)) {
	TEXT(name, NOSPLIT, "func(a *"+typ+", b *float32, n uint64) float32")
	Pragma("noescape")
	Doc(name + " returns sum(a*b) of n components, a multiple of 8.")
	a := Load(Param("a"), GP64()).(GPVirtual)
	b := Load(Param("b"), GP64()).(GPVirtual)
	n := Load(Param("n"), GP64()).(GPVirtual)
	acc := zeroY(4)
	Label("four")
	CMPQ(n, Imm(32))
	JB(LabelRef("one"))
	for i := range 4 {
		y := YMM()
		load(Mem{Base: a, Disp: 8 * size * i}, y)
		VFMADD231PS(Mem{Base: b, Disp: 32 * i}, y, acc[i])
	}
	ADDQ(U32(32*size), a)
	ADDQ(U32(128), b)
	SUBQ(Imm(32), n)
	JMP(LabelRef("four"))
	Label("one")
	TESTQ(n, n)
	JZ(LabelRef("sum"))
	y := YMM()
	load(Mem{Base: a}, y)
	VFMADD231PS(Mem{Base: b}, y, acc[0])
	ADDQ(Imm(uint64(8*size)), a)
	ADDQ(Imm(32), b)
	SUBQ(Imm(8), n)
	JMP(LabelRef("one"))
	Label("sum")
	VADDPS(acc[1], acc[0], acc[0])
	VADDPS(acc[3], acc[2], acc[2])
	VADDPS(acc[2], acc[0], acc[0])
	storeSum(acc[0])
}

// convert moves n components, a multiple of 8, eight at a time.
func convert(name, params string, from, to int, step func(src, dst Mem)) {
	TEXT(name, NOSPLIT, "func("+params+", n uint64)")
	Pragma("noescape")
	Doc(name + " converts n components, a multiple of 8.")
	d := Load(Param("dst"), GP64())
	s := Load(Param("src"), GP64())
	n := Load(Param("n"), GP64())
	Label("eight")
	TESTQ(n, n)
	JZ(LabelRef("done"))
	step(Mem{Base: s}, Mem{Base: d})
	ADDQ(Imm(uint64(8*from)), s)
	ADDQ(Imm(uint64(8*to)), d)
	SUBQ(Imm(8), n)
	JMP(LabelRef("eight"))
	Label("done")
	VZEROUPPER()
	RET()
}
