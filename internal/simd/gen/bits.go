package main

import (
	. "github.com/mmcloughlin/avo/build"
	. "github.com/mmcloughlin/avo/operand"
	. "github.com/mmcloughlin/avo/reg"
)

func bitKernels() {
	estimateBits512()
	estimateBitsAVX2()
	maskAbove512()
	maskAboveAVX2()
}

// bitSums adds up the table entries of a vector of rows: cols byte columns,
// even in number, of a block at p; p moves to the next block. It returns the
// sums of even and of odd bytes as words. Entries are at most 60, so four of
// them fit a byte; even sums are kept with what spills in from the odd bytes
// above, which is taken off at the end.
func bitSums(label string, p, table, cols GPVirtual, newReg func() VecVirtual, broadcast func(m Mem, v VecVirtual), and func(ops ...Op)) (even, odd VecVirtual) {
	wide := newReg().Size() == 64
	low, r, x := newReg(), GP32(), XMM()
	MOVL(U32(0x0f0f0f0f), r)
	VMOVD(r, x)
	VPBROADCASTD(x, low)
	even, odd = newReg(), newReg()
	for _, v := range []VecVirtual{even, odd} {
		if wide {
			VPXORQ(v, v, v)
		} else {
			VPXOR(v, v, v)
		}
	}
	left := GP64()
	MOVQ(cols, left)
	Label(label)
	var four VecVirtual
	for i := range 2 {
		lo, hi := newReg(), newReg()
		if wide {
			VMOVDQU8(Mem{Base: p, Disp: 64 * i}, lo)
		} else {
			VMOVDQU(Mem{Base: p, Disp: 64 * i}, lo)
		}
		VPSRLW(Imm(4), lo, hi)
		and(low, lo, lo)
		and(low, hi, hi)
		for j, nibbles := range []VecVirtual{lo, hi} {
			t := newReg()
			broadcast(Mem{Base: table, Disp: 32*i + 16*j}, t)
			VPSHUFB(nibbles, t, t)
			if four == nil {
				four = t
			} else {
				VPADDB(t, four, four)
			}
		}
	}
	VPADDW(four, even, even)
	VPSRLW(Imm(8), four, four)
	VPADDW(four, odd, odd)
	ADDQ(U32(128), p)
	ADDQ(Imm(64), table)
	SUBQ(Imm(2), left)
	JNZ(LabelRef(label))
	spill := newReg()
	VPSLLW(Imm(8), odd, spill)
	VPSUBW(spill, even, even)
	return even, odd
}

const estimateParams = "func(est *float32, blocks *uint8, count uint64, cols uint64, table *uint8, mul *float32, add *float32, abt *[3]float32)"

// constants loads A, B, T and the bias of sums, which is twice bitBias a column.
func constants(cols GPVirtual, newReg func() VecVirtual) (abt [3]VecVirtual, bias VecVirtual) {
	r, x := GP32(), XMM()
	MOVL(cols.As32(), r)
	SHLL(Imm(6), r)
	VMOVD(r, x)
	bias = newReg()
	VPBROADCASTD(x, bias)
	p := Load(Param("abt"), GP64())
	for i := range abt {
		abt[i] = newReg()
		VBROADCASTSS(Mem{Base: p, Disp: 4 * i}, abt[i])
	}
	return abt, bias
}

func estimateBits512() {
	TEXT("estimateBitsAVX512", NOSPLIT, estimateParams)
	Pragma("noescape")
	Doc("estimateBitsAVX512 writes the estimates of count blocks, at least one, of 64 rows of",
		"cols bytes, an even number.")
	p := Load(Param("blocks"), GP64()).(GPVirtual)
	cols := Load(Param("cols"), GP64()).(GPVirtual)
	abt, bias := constants(cols, ZMM)
	mul := Load(Param("mul"), GP64())
	add := Load(Param("add"), GP64())
	est := Load(Param("est"), GP64())
	count := Load(Param("count"), GP64())
	Label("block")
	table := Load(Param("table"), GP64()).(GPVirtual)
	even, odd := bitSums("columns", p, table, cols, ZMM,
		func(m Mem, v VecVirtual) { VBROADCASTI32X4(m, v) }, VPANDQ)
	for i := range 4 {
		words, e := YMM(), ZMM()
		VEXTRACTI64X4(Imm(uint64(i%2)), []VecVirtual{even, odd}[i/2], words)
		VPMOVZXWD(words, e)
		finish(e, ZMM(), abt, bias, mul, add, est, 64*i)
	}
	ADDQ(U32(256), mul)
	ADDQ(U32(256), add)
	ADDQ(U32(256), est)
	DECQ(count)
	JNZ(LabelRef("block"))
	VZEROUPPER()
	RET()
}

// finish turns sums e into estimates, at disp of the arrays.
func finish(e, t VecVirtual, abt [3]VecVirtual, bias VecVirtual, mul, add, est Register, disp int) {
	VPSUBD(bias, e, e)
	VCVTDQ2PS(e, e)
	VMULPS(abt[0], e, e)
	VADDPS(abt[1], e, e)
	VMULPS(Mem{Base: mul, Disp: disp}, e, e)
	VMULPS(Mem{Base: add, Disp: disp}, abt[2], t)
	VADDPS(t, e, e)
	VMOVUPS(e, Mem{Base: est, Disp: disp})
}

func estimateBitsAVX2() {
	TEXT("estimateBitsAVX2", NOSPLIT, estimateParams)
	Pragma("noescape")
	Doc("estimateBitsAVX2 does what estimateBitsAVX512 does, half a block after the other.")
	p := Load(Param("blocks"), GP64()).(GPVirtual)
	cols := Load(Param("cols"), GP64()).(GPVirtual)
	abt, bias := constants(cols, YMM)
	mul := Load(Param("mul"), GP64())
	add := Load(Param("add"), GP64())
	est := Load(Param("est"), GP64())
	count := Load(Param("count"), GP64())
	Label("block")
	next := GP64()
	for half := range 2 {
		q := GP64()
		LEAQ(Mem{Base: p, Disp: 32 * half}, q)
		table := Load(Param("table"), GP64()).(GPVirtual)
		even, odd := bitSums([]string{"first", "second"}[half], q, table, cols, YMM,
			func(m Mem, v VecVirtual) { VBROADCASTI128(m, v) },
			func(ops ...Op) { VPAND(ops[0], ops[1], ops[2]) })
		LEAQ(Mem{Base: q, Disp: -32 * half}, next)
		for i := range 4 {
			row := []int{0, 8, 32, 40}[i] + 16*half // of the first lane
			words, e := XMM(), YMM()
			VEXTRACTI128(Imm(uint64(i%2)), []VecVirtual{even, odd}[i/2], words)
			VPMOVZXWD(words, e)
			finish(e, YMM(), abt, bias, mul, add, est, 4*row)
		}
	}
	MOVQ(next, p)
	ADDQ(U32(256), mul)
	ADDQ(U32(256), add)
	ADDQ(U32(256), est)
	DECQ(count)
	JNZ(LabelRef("block"))
	VZEROUPPER()
	RET()
}

func maskAbove512() {
	TEXT("maskAboveAVX512", NOSPLIT, "func(masks *uint64, count uint64, x *float32, threshold float32)")
	Pragma("noescape")
	Doc("maskAboveAVX512 writes count masks, at least one.")
	masks, count, x, t := maskParams(ZMM)
	Label("mask")
	for i := range 4 {
		k, r := K(), GP32()
		// threshold < x, ordered, quiet
		VCMPPS(Imm(0x11), Mem{Base: x, Disp: 64 * i}, t, k)
		KMOVW(k, r)
		MOVW(r.As16(), Mem{Base: masks, Disp: 2 * i})
	}
	maskEnd(masks, count, x)
}

func maskAboveAVX2() {
	TEXT("maskAboveAVX2", NOSPLIT, "func(masks *uint64, count uint64, x *float32, threshold float32)")
	Pragma("noescape")
	Doc("maskAboveAVX2 writes count masks, at least one.")
	masks, count, x, t := maskParams(YMM)
	Label("mask")
	for i := range 8 {
		y, r := YMM(), GP32()
		VCMPPS(Imm(0x11), Mem{Base: x, Disp: 32 * i}, t, y)
		VMOVMSKPS(y, r)
		MOVB(r.As8(), Mem{Base: masks, Disp: i})
	}
	maskEnd(masks, count, x)
}

func maskParams(newReg func() VecVirtual) (masks, count, x Register, t VecVirtual) {
	masks = Load(Param("masks"), GP64())
	count = Load(Param("count"), GP64())
	x = Load(Param("x"), GP64())
	t = newReg()
	s := Load(Param("threshold"), XMM()).(VecVirtual)
	VBROADCASTSS(s, t)
	return masks, count, x, t
}

func maskEnd(masks, count, x Register) {
	ADDQ(Imm(8), masks)
	ADDQ(U32(256), x)
	DECQ(count)
	JNZ(LabelRef("mask"))
	VZEROUPPER()
	RET()
}
