package main

import (
	"fmt"

	. "github.com/mmcloughlin/avo/build"
	. "github.com/mmcloughlin/avo/operand"
	. "github.com/mmcloughlin/avo/reg"
)

func oneAVX2(m metric) {
	TEXT(m.name+"AVX2", NOSPLIT, fmt.Sprintf("func(code *uint8, query *%s, n uint64) int32", m.right))
	Pragma("noescape")
	Doc(m.name + "AVX2 returns " + m.doc + " of n bytes, a multiple of 16.")
	p := Load(Param("code"), GP64()).(GPVirtual)
	q := Load(Param("query"), GP64()).(GPVirtual)
	n := Load(Param("n"), GP64()).(GPVirtual)
	acc := zeroY(4)
	step := func(i int) {
		c, r := YMM(), YMM()
		VPMOVZXBW(Mem{Base: p, Disp: 16 * i}, c)
		m.widenRight(Mem{Base: q, Disp: 16 * i}, r)
		m.avx2(acc[i], c, r)
	}
	Label("four")
	CMPQ(n, Imm(64))
	JB(LabelRef("one"))
	for i := range 4 {
		step(i)
	}
	ADDQ(Imm(64), p)
	ADDQ(Imm(64), q)
	SUBQ(Imm(64), n)
	JMP(LabelRef("four"))
	Label("one")
	TESTQ(n, n)
	JZ(LabelRef("sum"))
	step(0)
	ADDQ(Imm(16), p)
	ADDQ(Imm(16), q)
	SUBQ(Imm(16), n)
	JMP(LabelRef("one"))
	Label("sum")
	VPADDD(acc[1], acc[0], acc[0])
	VPADDD(acc[3], acc[2], acc[2])
	VPADDD(acc[2], acc[0], acc[0])
	s := reduceY(acc[0])
	VZEROUPPER()
	Store(s, ReturnIndex(0))
	RET()
}

// manyAVX2 does four rows at a time, which share the widened query, and leaves
// the last few to the caller.
func manyAVX2(m metric) {
	TEXT(m.name+"BatchAVX2", NOSPLIT, fmt.Sprintf(
		"func(codes *uint8, rows uint64, ids *uint32, count uint64, query *%s, stride uint64, out *int32) uint64", m.right))
	Pragma("noescape")
	Doc(m.name+"BatchAVX2 writes "+m.doc+" of the rows named by ids to out, four at a",
		"time, and returns how many it did; it stops before four among which an id is",
		"not below rows. stride is a positive multiple of 32.")
	stride := Load(Param("stride"), GP64()).(GPVirtual)
	q := Load(Param("query"), GP64()).(GPVirtual)
	ADDQ(stride, q)
	left := Load(Param("count"), GP64()).(GPVirtual)
	out := Load(Param("out"), GP64()).(GPVirtual)
	ids := Load(Param("ids"), GP64()).(GPVirtual)
	// end puts the end of the row with the k-th of ids at p.
	end := func(k int, ids, p GPVirtual, checked bool) {
		MOVL(Mem{Base: ids, Disp: 4 * k}, p.As32())
		if checked {
			rows, _ := Param("rows").Resolve()
			CMPQ(p, rows.Addr)
			JAE(LabelRef("done"))
		}
		codes, _ := Param("codes").Resolve()
		IMULQ(stride, p)
		ADDQ(codes.Addr, p)
		ADDQ(stride, p)
	}
	Label("quad")
	CMPQ(left, Imm(4))
	JB(LabelRef("done"))
	var p, ahead [4]GPVirtual
	for k := range p {
		p[k] = GP64()
		end(k, ids, p[k], true)
	}
	step, at := GP64(), GP64()
	MOVQ(ids, at)
	LEAQ(Mem{Base: ids, Disp: 16}, step)
	CMPQ(left, Imm(8))
	CMOVQCC(step, at)
	for k := range ahead {
		ahead[k] = GP64()
		end(k, at, ahead[k], false)
	}
	acc := zeroY(4)
	j := GP64()
	MOVQ(stride, j)
	NEGQ(j)
	Label("line")
	for i := range 2 {
		r := YMM()
		m.widenRight(Mem{Base: q, Index: j, Scale: 1, Disp: 16 * i}, r)
		for k := range p {
			c := YMM()
			VPMOVZXBW(Mem{Base: p[k], Index: j, Scale: 1, Disp: 16 * i}, c)
			m.avx2(acc[k], c, r)
			// Two of the four rows in each half: a line is fetched twice at most.
			if k/2 == i {
				PREFETCHT0(Mem{Base: ahead[k], Index: j, Scale: 1})
			}
		}
	}
	ADDQ(Imm(32), j)
	JNZ(LabelRef("line"))
	VPHADDD(acc[1], acc[0], acc[0])
	VPHADDD(acc[3], acc[2], acc[2])
	VPHADDD(acc[2], acc[0], acc[0])
	x := XMM()
	VEXTRACTI128(Imm(1), acc[0], x)
	VPADDD(x, acc[0].AsX(), x)
	VMOVDQU(x, Mem{Base: out})
	ADDQ(Imm(16), out)
	ADDQ(Imm(16), ids)
	SUBQ(Imm(4), left)
	JMP(LabelRef("quad"))
	Label("done")
	VZEROUPPER()
	done := Load(Param("count"), GP64())
	SUBQ(left, done)
	Store(done, ReturnIndex(0))
	RET()
}
