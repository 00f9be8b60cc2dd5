package main

import (
	. "github.com/mmcloughlin/avo/build"
	. "github.com/mmcloughlin/avo/operand"
	. "github.com/mmcloughlin/avo/reg"
)

// bitBias is simd.bitBias.
const bitBias = 32

func bitKernels() {
	scanBlock512()
	scanBlockAVX2()
}

// bitSums adds up the table entries of a vector of rows: cols byte columns,
// even in number, step bytes apart at p. It returns the sums of even and of odd
// bytes as words. Entries are at most 60, so four of them fit a byte; even
// sums are kept with what spills in from the odd bytes above, which is taken
// off at the end.
func bitSums(label string, p, table, cols GPVirtual, step int, newReg func() VecVirtual, broadcast func(m Mem, v VecVirtual), and func(ops ...Op)) (even, odd VecVirtual) {
	low := newReg()
	{
		r, x := GP32(), XMM()
		MOVL(U32(0x0f0f0f0f), r)
		VMOVD(r, x)
		VPBROADCASTD(x, low)
	}
	even, odd = newReg(), newReg()
	zero := func(v VecVirtual) {
		if v.Size() == 64 {
			VPXORQ(v, v, v)
		} else {
			VPXOR(v, v, v)
		}
	}
	zero(even)
	zero(odd)
	left := GP64()
	MOVQ(cols, left)
	Label(label)
	var four VecVirtual
	for i := range 2 {
		lo, hi := newReg(), newReg()
		if lo.Size() == 64 {
			VMOVDQU8(Mem{Base: p, Disp: step * i}, lo)
		} else {
			VMOVDQU(Mem{Base: p, Disp: step * i}, lo)
		}
		VPSRLW(Imm(4), lo, hi)
		and(low, lo, lo)
		and(low, hi, hi)
		for j, n := range []VecVirtual{lo, hi} {
			t := newReg()
			broadcast(Mem{Base: table, Disp: 32*i + 16*j}, t)
			VPSHUFB(n, t, t)
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
	ADDQ(U32(uint32(2*step)), p)
	ADDQ(Imm(64), table)
	SUBQ(Imm(2), left)
	JNZ(LabelRef(label))
	spill := newReg()
	VPSLLW(Imm(8), odd, spill)
	VPSUBW(spill, even, even)
	return even, odd
}

const scanBlockParams = "(block *uint8, cols uint64, table *uint8, mul *float32, add *float32, abt *[4]float32, est *float32) uint64"

func scanBlock512() {
	TEXT("scanBlockAVX512", NOSPLIT, "func"+scanBlockParams)
	Pragma("noescape")
	Doc("scanBlockAVX512 writes the estimates of 64 rows of cols bytes, an even number, and",
		"returns a mask of those above the threshold abt[3].")
	p := Load(Param("block"), GP64()).(GPVirtual)
	cols := Load(Param("cols"), GP64()).(GPVirtual)
	table := Load(Param("table"), GP64()).(GPVirtual)
	even, odd := bitSums("columns", p, table, cols, 64, ZMM,
		func(m Mem, v VecVirtual) { VBROADCASTI32X4(m, v) }, VPANDQ)

	bias := GP32()
	MOVL(cols.As32(), bias)
	SHLL(Imm(6), bias) // 2*bitBias
	biases := ZMM()
	VPBROADCASTD(bias, biases)
	abt := Load(Param("abt"), GP64())
	var c [4]VecVirtual
	for i := range c {
		c[i] = ZMM()
		VBROADCASTSS(Mem{Base: abt, Disp: 4 * i}, c[i])
	}
	mul := Load(Param("mul"), GP64())
	add := Load(Param("add"), GP64())
	est := Load(Param("est"), GP64())
	mask := GP64()
	XORQ(mask, mask)
	for i := range 4 {
		words, e, t := YMM(), ZMM(), ZMM()
		VEXTRACTI64X4(Imm(uint64(i%2)), []VecVirtual{even, odd}[i/2], words)
		VPMOVZXWD(words, e)
		VPSUBD(biases, e, e)
		VCVTDQ2PS(e, e)
		VMULPS(c[0], e, e)
		VADDPS(c[1], e, e)
		VMULPS(Mem{Base: mul, Disp: 64 * i}, e, e)
		VMULPS(Mem{Base: add, Disp: 64 * i}, c[2], t)
		VADDPS(t, e, e)
		VMOVUPS(e, Mem{Base: est, Disp: 64 * i})
		k, r := K(), GP32()
		VCMPPS(Imm(0x1e), c[3], e, k) // greater, ordered, quiet
		KMOVW(k, r)
		if i > 0 {
			SHLQ(Imm(uint64(16*i)), r.As64())
		}
		ORQ(r.As64(), mask)
	}
	VZEROUPPER()
	Store(mask, ReturnIndex(0))
	RET()
}

func scanBlockAVX2() {
	TEXT("scanBlockAVX2", NOSPLIT, "func"+scanBlockParams)
	Pragma("noescape")
	Doc("scanBlockAVX2 does what scanBlockAVX512 does.")
	mask := GP64()
	XORQ(mask, mask)
	for half := range 2 {
		p := Load(Param("block"), GP64()).(GPVirtual)
		if half == 1 {
			ADDQ(Imm(32), p)
		}
		cols := Load(Param("cols"), GP64()).(GPVirtual)
		table := Load(Param("table"), GP64()).(GPVirtual)
		even, odd := bitSums([]string{"first", "second"}[half], p, table, cols, 64, YMM,
			func(m Mem, v VecVirtual) { VBROADCASTI128(m, v) }, func(ops ...Op) { VPAND(ops[0], ops[1], ops[2]) })
		bias, x, biases := GP32(), XMM(), YMM()
		MOVL(cols.As32(), bias)
		SHLL(Imm(6), bias) // 2*bitBias
		VMOVD(bias, x)
		VPBROADCASTD(x, biases)
		abt := Load(Param("abt"), GP64())
		var c [4]VecVirtual
		for i := range c {
			c[i] = YMM()
			VBROADCASTSS(Mem{Base: abt, Disp: 4 * i}, c[i])
		}
		mul := Load(Param("mul"), GP64())
		add := Load(Param("add"), GP64())
		est := Load(Param("est"), GP64())
		for i := range 4 {
			at := []int{0, 8, 32, 40}[i] + 16*half // the row of the first lane
			words, e, t := XMM(), YMM(), YMM()
			VEXTRACTI128(Imm(uint64(i%2)), []VecVirtual{even, odd}[i/2], words)
			VPMOVZXWD(words, e)
			VPSUBD(biases, e, e)
			VCVTDQ2PS(e, e)
			VMULPS(c[0], e, e)
			VADDPS(c[1], e, e)
			VMULPS(Mem{Base: mul, Disp: 4 * at}, e, e)
			VMULPS(Mem{Base: add, Disp: 4 * at}, c[2], t)
			VADDPS(t, e, e)
			VMOVUPS(e, Mem{Base: est, Disp: 4 * at})
			r := GP32()
			VCMPPS(Imm(0x1e), c[3], e, t) // greater, ordered, quiet
			VMOVMSKPS(t, r)
			if at > 0 {
				SHLQ(Imm(uint64(at)), r.As64())
			}
			ORQ(r.As64(), mask)
		}
	}
	VZEROUPPER()
	Store(mask, ReturnIndex(0))
	RET()
}
