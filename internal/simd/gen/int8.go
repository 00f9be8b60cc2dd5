package main

import (
	"fmt"

	. "github.com/mmcloughlin/avo/build"
	. "github.com/mmcloughlin/avo/operand"
	. "github.com/mmcloughlin/avo/reg"
)

// metric is what an int8 kernel sums over the bytes of two codes.
type metric struct {
	name  string
	right string // Go type of the right operand
	doc   string

	// vnni adds the terms of 64 bytes to acc; code is in a register that may
	// be overwritten, right is in one that may not.
	vnni func(acc, code, right VecVirtual)
	// avx2 adds the terms of 16 bytes widened to words to acc.
	avx2 func(acc, code, right VecVirtual)
	// widenRight widens 16 bytes of the right operand to words.
	widenRight func(m, dst Op)
}

// The strides in cache lines that have kernels of their own, 0 standing for
// every other: 384, 512, 768 and 1,024 components, which hold the queries that
// walk a graph, and of what waits for memory anyway 512 and 768.
var (
	walkLines = []int{0, 6, 8, 12, 16}
	scanLines = []int{0, 8, 12}
)

func int8Kernels() {
	var mask VecVirtual
	dot := metric{
		name: "dotU8S8", right: "int8", doc: "sum(code*query)",
		vnni: func(acc, code, right VecVirtual) { VPDPBUSD(right, code, acc) },
		avx2: func(acc, code, right VecVirtual) {
			VPMADDWD(right, code, code)
			VPADDD(code, acc, acc)
		},
		widenRight: func(m, dst Op) { VPMOVSXBW(m, dst) },
	}
	l2 := metric{
		name: "l2SqU8", right: "uint8", doc: "sum((code-query)^2)",
		vnni: func(acc, code, right VecVirtual) {
			// |a-b| with unsigned saturation, squared as even and odd words.
			d := ZMM()
			VPSUBUSB(right, code, d)
			VPSUBUSB(code, right, code)
			VPORQ(d, code, code)
			VPANDQ(mask, code, d)
			VPSRLW(Imm(8), code, code)
			VPDPWSSD(d, d, acc)
			VPDPWSSD(code, code, acc)
		},
		avx2: func(acc, code, right VecVirtual) {
			VPSUBW(right, code, code)
			VPMADDWD(code, code, code)
			VPADDD(code, acc, acc)
		},
		widenRight: func(m, dst Op) { VPMOVZXBW(m, dst) },
	}
	none := func() {}
	loadMask := func() {
		mask = ZMM()
		w := GP32()
		MOVL(U32(0x00ff00ff), w)
		VPBROADCASTD(w, mask)
	}
	for _, k := range []struct {
		m     metric
		setup func()
	}{{dot, none}, {l2, loadMask}} {
		oneVNNI(k.m, k.setup)
		oneAVX2(k.m)
		manyAVX2(k.m)
		if k.m.name != "dotU8S8" {
			for _, lines := range scanLines {
				manyVNNI(k.m, k.setup, true, lines)
			}
			continue
		}
		for _, lines := range walkLines {
			manyVNNI(k.m, k.setup, true, lines)
		}
		for _, lines := range scanLines {
			manyVNNI(k.m, k.setup, false, lines)
		}
	}
	TEXT("prefetch", NOSPLIT, "func(p *byte)")
	Pragma("noescape")
	Doc("prefetch fetches the cache line at p into the first-level cache.")
	p := Load(Param("p"), GP64())
	PREFETCHT0(Mem{Base: p})
	RET()
}

// tailMask sets a mask of the low n%64 bits.
func tailMask(n Register) (k OpmaskVirtual, rest GPVirtual) {
	rest = GP64()
	MOVQ(n, rest)
	ANDQ(Imm(63), rest)
	all, bits := GP64(), GP64()
	MOVQ(I64(-1), all)
	BZHIQ(rest, all, bits)
	km := K()
	KMOVQ(bits, km)
	return km, rest
}

func oneVNNI(m metric, setup func()) {
	TEXT(m.name+"VNNI", NOSPLIT, fmt.Sprintf("func(code *uint8, query *%s, n uint64) int32", m.right))
	Pragma("noescape")
	Doc(m.name + "VNNI returns " + m.doc + " of n bytes.")
	p := Load(Param("code"), GP64()).(GPVirtual)
	q := Load(Param("query"), GP64()).(GPVirtual)
	n := Load(Param("n"), GP64()).(GPVirtual)
	setup()
	acc := zeroZ(4)
	SUBQ(U32(256), n)
	JB(LabelRef("few"))
	Label("four")
	for i := range 4 {
		c, r := ZMM(), ZMM()
		VMOVDQU64(Mem{Base: p, Disp: 64 * i}, c)
		VMOVDQU64(Mem{Base: q, Disp: 64 * i}, r)
		m.vnni(acc[i], c, r)
	}
	ADDQ(U32(256), p)
	ADDQ(U32(256), q)
	SUBQ(U32(256), n)
	JAE(LabelRef("four"))
	Label("few")
	ADDQ(U32(256), n)
	JZ(LabelRef("sum"))
	Label("one")
	CMPQ(n, Imm(64))
	JB(LabelRef("rest"))
	c, r := ZMM(), ZMM()
	VMOVDQU64(Mem{Base: p}, c)
	VMOVDQU64(Mem{Base: q}, r)
	m.vnni(acc[0], c, r)
	ADDQ(Imm(64), p)
	ADDQ(Imm(64), q)
	SUBQ(Imm(64), n)
	JMP(LabelRef("one"))
	Label("rest")
	TESTQ(n, n)
	JZ(LabelRef("sum"))
	km, _ := tailMask(n)
	c, r = ZMM(), ZMM()
	VMOVDQU8_Z(Mem{Base: p}, km, c)
	VMOVDQU8_Z(Mem{Base: q}, km, r)
	m.vnni(acc[0], c, r)
	Label("sum")
	VPADDD(acc[1], acc[0], acc[0])
	VPADDD(acc[3], acc[2], acc[2])
	VPADDD(acc[2], acc[0], acc[0])
	sum := reduce1(acc[0])
	VZEROUPPER()
	Store(sum, ReturnIndex(0))
	RET()
}
