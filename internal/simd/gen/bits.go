package main

import (
	. "github.com/mmcloughlin/avo/build"
	. "github.com/mmcloughlin/avo/operand"
	. "github.com/mmcloughlin/avo/reg"
)

// bitPlanes is simd.BitPlanes.
const bitPlanes = 4

func bitKernels() {
	dotBitsRows512()
	scanBits512()
	dotBitsRowsAVX2()
}

// bitRows scores groups of four rows and leaves the sums of a group in each
// lane of a zmm still to be added. It counts ones by bytes and lets VPDPBUSD
// weigh and add the counts: bytes hold at most eight, so nothing overflows.
type bitRows struct {
	next, planes, blocks GPVirtual
	size, size3          GPVirtual // bytes of a row, which are those of a plane, and three times as many
	tail                 OpmaskVirtual
	weights              [bitPlanes]VecVirtual
	acc                  [4]VecVirtual
}

// newBitRows loads what the parameters codes, words and planes say. Words are
// worked on in blocks of eight; the last block is masked.
func newBitRows() *bitRows {
	b := &bitRows{}
	b.next = Load(Param("codes"), GP64()).(GPVirtual)
	b.size = Load(Param("words"), GP64()).(GPVirtual)
	b.planes = Load(Param("planes"), GP64()).(GPVirtual)
	// blocks = (words-1)/8, the tail keeps words-8*blocks words, 1 to 8.
	b.blocks = GP64()
	LEAQ(Mem{Base: b.size, Disp: -1}, b.blocks)
	SHRQ(Imm(3), b.blocks)
	t, all, bits := GP64(), GP64(), GP64()
	MOVQ(b.blocks, t)
	SHLQ(Imm(3), t)
	NEGQ(t)
	ADDQ(b.size, t)
	MOVQ(I64(-1), all)
	BZHIQ(t, all, bits)
	b.tail = K()
	KMOVB(bits.As32(), b.tail)
	SHLQ(Imm(3), b.size)
	b.size3 = GP64()
	LEAQ(Mem{Base: b.size, Index: b.size, Scale: 2}, b.size3)
	for j, w := range []uint32{0x01010101, 0x02020202, 0x04040404, 0xf8f8f8f8} {
		b.weights[j] = constZ(w)
	}
	b.acc = [4]VecVirtual(zeroZ(4))
	return b
}

// at is p moved by j rows or planes, at most three.
func (b *bitRows) at(p GPVirtual, j int) Mem {
	switch j {
	case 0:
		return Mem{Base: p}
	case 3:
		return Mem{Base: p, Index: b.size3, Scale: 1}
	}
	return Mem{Base: p, Index: b.size, Scale: uint8(j)}
}

// group scores the next four rows.
func (b *bitRows) group(label string) VecVirtual {
	// One set of sums for all groups: avo takes the zeroing of a zmm for a use.
	acc := b.acc
	for _, z := range acc {
		VPXORQ(z, z, z)
	}
	p, q, left := GP64(), GP64(), GP64()
	MOVQ(b.next, p)
	LEAQ(Mem{Base: b.next, Index: b.size, Scale: 4}, b.next)
	MOVQ(b.planes, q)
	MOVQ(b.blocks, left)
	TESTQ(left, left)
	JZ(LabelRef(label + "Tail"))
	Label(label + "Block")
	{
		var planes [bitPlanes]VecVirtual
		for j := range planes {
			planes[j] = ZMM()
			VMOVDQU64(b.at(q, j), planes[j])
		}
		for k := range acc {
			c := ZMM()
			VMOVDQU64(b.at(p, k), c)
			b.add(acc[k], c, planes)
		}
	}
	ADDQ(Imm(64), p)
	ADDQ(Imm(64), q)
	DECQ(left)
	JNZ(LabelRef(label + "Block"))
	Label(label + "Tail")
	var planes [bitPlanes]VecVirtual
	for j := range planes {
		planes[j] = ZMM()
		VMOVDQU64_Z(b.at(q, j), b.tail, planes[j])
	}
	for k := range acc {
		c := ZMM()
		VMOVDQU64_Z(b.at(p, k), b.tail, c)
		b.add(acc[k], c, planes)
	}
	return quadSums(acc)
}

func (b *bitRows) add(acc, code VecVirtual, planes [bitPlanes]VecVirtual) {
	for j := range planes {
		t := ZMM()
		VPANDQ(planes[j], code, t)
		VPOPCNTB(t, t)
		VPDPBUSD(b.weights[j], t, acc)
	}
}

// sixteen scores the next sixteen rows, one to a dword of the result.
func (b *bitRows) sixteen() VecVirtual {
	var g [4]VecVirtual
	for i := range g {
		g[i] = b.group([]string{"a", "b", "c", "d"}[i])
	}
	fold := func(x, y VecVirtual) VecVirtual {
		even, odd := ZMM(), ZMM()
		VSHUFI32X4(Imm(0x88), y, x, even)
		VSHUFI32X4(Imm(0xdd), y, x, odd)
		VPADDD(odd, even, even)
		return even
	}
	return fold(fold(g[0], g[1]), fold(g[2], g[3]))
}

func dotBitsRows512() {
	TEXT("dotBitsRowsAVX512", NOSPLIT, "func(codes *uint64, count uint64, words uint64, planes *uint64, out *int32)")
	Pragma("noescape")
	Doc("dotBitsRowsAVX512 scores count rows, a positive multiple of 16, of words words.")
	b := newBitRows()
	count := Load(Param("count"), GP64())
	out := Load(Param("out"), GP64())
	Label("sixteen")
	z := b.sixteen()
	VMOVDQU32(z, Mem{Base: out})
	ADDQ(Imm(64), out)
	SUBQ(Imm(16), count)
	JNZ(LabelRef("sixteen"))
	VZEROUPPER()
	RET()

	TEXT("dotBitsAVX512", NOSPLIT, "func(code *uint64, words uint64, planes *uint64) int32")
	Pragma("noescape")
	Doc("dotBitsAVX512 scores one code of words words, at least one.")
	p := Load(Param("code"), GP64())
	words := Load(Param("words"), GP64()).(GPVirtual)
	q := Load(Param("planes"), GP64()).(GPVirtual)
	size, size3 := GP64(), GP64()
	MOVQ(words, size)
	SHLQ(Imm(3), size)
	LEAQ(Mem{Base: size, Index: size, Scale: 2}, size3)
	one := &bitRows{size: size, size3: size3}
	acc := zeroZ(4)
	Label("block")
	CMPQ(words, Imm(8))
	JB(LabelRef("tail"))
	c := ZMM()
	VMOVDQU64(Mem{Base: p}, c)
	for j := range bitPlanes {
		t := ZMM()
		VPANDQ(one.at(q, j), c, t)
		VPOPCNTQ(t, t)
		VPADDQ(t, acc[j], acc[j])
	}
	ADDQ(Imm(64), p)
	ADDQ(Imm(64), q)
	SUBQ(Imm(8), words)
	JMP(LabelRef("block"))
	Label("tail")
	TESTQ(words, words)
	JZ(LabelRef("sum"))
	all, bits := GP64(), GP64()
	MOVQ(I64(-1), all)
	BZHIQ(words, all, bits)
	k := K()
	KMOVB(bits.As32(), k)
	c = ZMM()
	VMOVDQU64_Z(Mem{Base: p}, k, c)
	for j := range bitPlanes {
		t := ZMM()
		VMOVDQU64_Z(one.at(q, j), k, t)
		VPANDQ(t, c, t)
		VPOPCNTQ(t, t)
		VPADDQ(t, acc[j], acc[j])
	}
	Label("sum")
	VPSLLQ(Imm(1), acc[1], acc[1])
	VPSLLQ(Imm(2), acc[2], acc[2])
	VPSLLQ(Imm(3), acc[3], acc[3])
	VPADDQ(acc[1], acc[0], acc[0])
	VPSUBQ(acc[3], acc[2], acc[2])
	VPADDQ(acc[2], acc[0], acc[0])
	// Low dwords of small signed qwords add up to the low dword of the sum.
	y, x, t := YMM(), XMM(), XMM()
	VEXTRACTI64X4(Imm(1), acc[0], y)
	VPADDQ(y, acc[0].AsY(), y)
	VEXTRACTI128(Imm(1), y, x)
	VPADDQ(x, y.AsX(), x)
	VPSHUFD(Imm(0x4e), x, t)
	VPADDQ(t, x, x)
	r := GP32()
	VMOVD(x, r)
	VZEROUPPER()
	Store(r, ReturnIndex(0))
	RET()
}

func scanBits512() {
	TEXT("scanBitsAVX512", NOSPLIT,
		"func(codes *uint64, count uint64, words uint64, planes *uint64, mul *float32, add *float32, abt *[4]float32, rows *uint32, est *float32) uint64")
	Pragma("noescape")
	Doc("scanBitsAVX512 estimates count rows, a positive multiple of 16, and writes those",
		"above the threshold abt[3] to rows and est; it returns how many they are.")
	b := newBitRows()
	count := Load(Param("count"), GP64()).(GPVirtual)
	at := GP64()
	XORQ(at, at)
	abt := Load(Param("abt"), GP64())
	var c [4]VecVirtual
	for i := range c {
		c[i] = ZMM()
		VBROADCASTSS(Mem{Base: abt, Disp: 4 * i}, c[i])
	}
	number, sixteen := ZMM(), constZ(16)
	VMOVDQU32(rowNumbers(), number)
	found := GP64()
	XORQ(found, found)
	Label("sixteen")
	e, m := ZMM(), ZMM()
	VCVTDQ2PS(b.sixteen(), e)
	mul := Load(Param("mul"), GP64())
	add := Load(Param("add"), GP64())
	VMULPS(c[0], e, e)
	VADDPS(c[1], e, e)
	VMULPS(Mem{Base: mul, Index: at, Scale: 4}, e, e)
	VMULPS(Mem{Base: add, Index: at, Scale: 4}, c[2], m)
	VADDPS(m, e, e)
	k := K()
	VCMPPS(Imm(0x1e), c[3], e, k) // greater, ordered, quiet
	KTESTW(k, k)
	JZ(LabelRef("none"))
	rows := Load(Param("rows"), GP64())
	est := Load(Param("est"), GP64())
	VPCOMPRESSD_Z(number, k, m)
	VMOVDQU32(m, Mem{Base: rows, Index: found, Scale: 4})
	VCOMPRESSPS_Z(e, k, e)
	VMOVUPS(e, Mem{Base: est, Index: found, Scale: 4})
	hits := GP32()
	KMOVW(k, hits)
	POPCNTL(hits, hits)
	ADDQ(hits.As64(), found)
	Label("none")
	VPADDD(sixteen, number, number)
	ADDQ(Imm(16), at)
	SUBQ(Imm(16), count)
	JNZ(LabelRef("sixteen"))
	VZEROUPPER()
	Store(found, ReturnIndex(0))
	RET()
}

func rowNumbers() Mem {
	m := GLOBL("rowNumbers", RODATA|NOPTR)
	for i := range 16 {
		DATA(4*i, U32(i))
	}
	return m
}

// dotBitsRowsAVX2 counts ones through a table of nibbles (Mula 2008), scaled
// by the weight of the plane; the negative plane is counted as 8*zeros, so
// that bytes stay positive until they are summed.
func dotBitsRowsAVX2() {
	TEXT("dotBitsRowsAVX2", NOSPLIT, "func(codes *uint64, count uint64, words uint64, planes *uint64, out *int32)")
	Pragma("noescape")
	Doc("dotBitsRowsAVX2 scores count rows, at least one, of words words, a positive multiple of 4.")
	p := Load(Param("codes"), GP64()).(GPVirtual)
	count := Load(Param("count"), GP64())
	size := Load(Param("words"), GP64()).(GPVirtual)
	planes := Load(Param("planes"), GP64()).(GPVirtual)
	out := Load(Param("out"), GP64())
	SHLQ(Imm(3), size)
	size3 := GP64()
	LEAQ(Mem{Base: size, Index: size, Scale: 2}, size3)
	b := &bitRows{size: size, size3: size3}
	var tables [bitPlanes]VecVirtual
	for j, name := range []string{"nibbles1", "nibbles2", "nibbles4", "nibblesNot8"} {
		m := GLOBL(name, RODATA|NOPTR)
		for i := range 32 {
			ones := i&1 + i>>1&1 + i>>2&1 + i>>3&1
			v := []int{ones, 2 * ones, 4 * ones, 8 * (4 - ones)}[j]
			DATA(i, U8(uint8(v)))
		}
		tables[j] = YMM()
		VMOVDQU(m, tables[j])
	}
	low := constY(0x0f0f0f0f)
	zero := YMM()
	VPXOR(zero, zero, zero)
	// Every byte of the code adds 64 too many.
	bias := GP64()
	MOVQ(size, bias)
	SHLQ(Imm(6), bias)
	Label("row")
	sum := YMM()
	VPXOR(sum, sum, sum)
	q, left := GP64(), GP64()
	MOVQ(planes, q)
	MOVQ(size, left)
	Label("block")
	c, bytes := YMM(), YMM()
	VMOVDQU(Mem{Base: p}, c)
	for j := range bitPlanes {
		t, hi := YMM(), YMM()
		VPAND(b.at(q, j), c, t)
		VPSRLW(Imm(4), t, hi)
		VPAND(low, t, t)
		VPAND(low, hi, hi)
		VPSHUFB(t, tables[j], t)
		VPSHUFB(hi, tables[j], hi)
		if j == 0 {
			VPADDB(hi, t, bytes)
		} else {
			VPADDB(t, bytes, bytes)
			VPADDB(hi, bytes, bytes)
		}
	}
	VPSADBW(zero, bytes, bytes)
	VPADDQ(bytes, sum, sum)
	ADDQ(Imm(32), p)
	ADDQ(Imm(32), q)
	SUBQ(Imm(32), left)
	JNZ(LabelRef("block"))
	x, t := XMM(), XMM()
	VEXTRACTI128(Imm(1), sum, x)
	VPADDQ(x, sum.AsX(), x)
	VPSHUFD(Imm(0x4e), x, t)
	VPADDQ(t, x, x)
	r := GP32()
	VMOVD(x, r)
	SUBL(bias.As32(), r)
	MOVL(r, Mem{Base: out})
	ADDQ(Imm(4), out)
	DECQ(count)
	JNZ(LabelRef("row"))
	VZEROUPPER()
	RET()
}
