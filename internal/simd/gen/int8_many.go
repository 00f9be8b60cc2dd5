package main

import (
	"fmt"

	. "github.com/mmcloughlin/avo/build"
	. "github.com/mmcloughlin/avo/operand"
	. "github.com/mmcloughlin/avo/reg"
)

// manyVNNI works on four rows, one after the other, which share the
// horizontal sums; by ids it fetches the next four rows meanwhile. Reading row
// after row, not line after line of four rows, is what the prefetchers of the
// machine expect: scans are more than twice as fast, and fetching ahead by
// hand adds nothing. With lines above zero it
// is for strides of exactly that many cache lines, and keeps the query in
// registers.
func manyVNNI(m metric, setup func(), byID bool, lines int) {
	name, params, result := m.name+"Rows", "codes *uint8, count uint64", ""
	if byID {
		name, params, result = m.name+"Batch", "codes *uint8, rows uint64, ids *uint32, count uint64", " uint64"
	}
	fixed := lines > 0
	params += ", query *" + m.right
	of := ""
	if fixed {
		name += fmt.Sprint(64 * lines)
		of = fmt.Sprintf(" of %d bytes", 64*lines)
	} else {
		params += ", stride uint64"
	}
	name += "VNNI"
	TEXT(name, NOSPLIT, "func("+params+", out *int32)"+result)
	Pragma("noescape")
	if byID {
		Doc(name+" writes "+m.doc+" of the rows"+of+" named by ids to",
			"out and returns how many it did: fewer than count when the next id is not",
			"below rows.")
	} else {
		Doc(name + " writes " + m.doc + " of count rows" + of + " that follow one another to out.")
	}
	r := rowReader{m: m, byID: byID, lines: lines}
	r.q = Load(Param("query"), GP64()).(GPVirtual)
	setup()
	if fixed {
		for i := range lines {
			z := ZMM()
			VMOVDQU64(Mem{Base: r.q, Disp: 64 * i}, z)
			r.query = append(r.query, z)
		}
	} else {
		r.stride = Load(Param("stride"), GP64()).(GPVirtual)
		var rest GPVirtual
		r.tail, rest = tailMask(r.stride)
		// Pointers run to the end of the whole lines of a row and are indexed
		// from minus their length up to zero.
		r.whole = GP64()
		MOVQ(r.stride, r.whole)
		SUBQ(rest, r.whole)
		ADDQ(r.whole, r.q)
	}
	left := Load(Param("count"), GP64()).(GPVirtual)
	out := Load(Param("out"), GP64()).(GPVirtual)
	if byID {
		r.ids = Load(Param("ids"), GP64()).(GPVirtual)
	} else {
		r.next = Load(Param("codes"), GP64()).(GPVirtual)
	}

	Label("quad")
	CMPQ(left, Imm(4))
	JB(LabelRef("single"))
	if byID {
		// What lies ahead: the next four ids, or these again at the end.
		step := GP64()
		r.at = GP64()
		MOVQ(r.ids, r.at)
		LEAQ(Mem{Base: r.ids, Disp: 16}, step)
		CMPQ(left, Imm(8))
		CMOVQCC(step, r.at)
	}
	acc := zeroZ(4)
	for k := range acc {
		r.row(k, fmt.Sprintf("row%d", k), acc[k:k+1], true)
	}
	x := reduce4([4]VecVirtual(acc))
	VMOVDQU32(x, Mem{Base: out})
	ADDQ(Imm(16), out)
	if byID {
		ADDQ(Imm(16), r.ids)
	}
	SUBQ(Imm(4), left)
	JMP(LabelRef("quad"))

	Label("single")
	TESTQ(left, left)
	JZ(LabelRef("done"))
	a := zeroZ(2)
	r.row(0, "last", a, false)
	VPADDD(a[1], a[0], a[0])
	s := reduce1(a[0])
	MOVL(s, Mem{Base: out})
	ADDQ(Imm(4), out)
	if byID {
		ADDQ(Imm(4), r.ids)
	}
	DECQ(left)
	JMP(LabelRef("single"))

	if byID {
		for k := 3; k > 0; k-- {
			Label(fmt.Sprintf("bad%d", k))
			DECQ(left)
		}
		Label("bad0")
	}
	Label("done")
	VZEROUPPER()
	if byID {
		done := Load(Param("count"), GP64())
		SUBQ(left, done)
		Store(done, ReturnIndex(0))
	}
	RET()
}

// rowReader emits the reading of one row.
type rowReader struct {
	m     metric
	byID  bool
	lines int
	query []VecVirtual // when lines > 0

	q, stride, whole GPVirtual // when lines == 0
	tail             OpmaskVirtual

	ids, at GPVirtual // by id; at: the ids ahead
	next    GPVirtual // in order
}

// point puts the address of the row with the k-th id at p.
func (r *rowReader) point(k int, ids, p GPVirtual, checked bool) {
	MOVL(Mem{Base: ids, Disp: 4 * k}, p.As32())
	if checked {
		rows, _ := Param("rows").Resolve()
		CMPQ(p, rows.Addr)
		JAE(LabelRef(fmt.Sprintf("bad%d", k)))
	}
	if r.lines > 0 {
		IMUL3Q(U32(uint32(64*r.lines)), p, p)
	} else {
		IMULQ(r.stride, p)
	}
	codes, _ := Param("codes").Resolve()
	ADDQ(codes.Addr, p)
}

// row adds the terms of the k-th row to accs in turn.
func (r *rowReader) row(k int, label string, accs []VecVirtual, ahead bool) {
	var p, f GPVirtual
	if r.byID {
		p = GP64()
		r.point(k, r.ids, p, true)
		if ahead {
			f = GP64()
			r.point(k, r.at, f, false)
		}
	} else {
		p = r.next
	}
	fetch := func(index Register, disp int) {
		if r.byID && ahead {
			PREFETCHT0(mem(f, index, disp))
		}
	}
	if r.lines > 0 {
		for i, q := range r.query {
			c := ZMM()
			VMOVDQU64(Mem{Base: p, Disp: 64 * i}, c)
			r.m.vnni(accs[i%len(accs)], c, q)
			fetch(nil, 64*i)
		}
		if !r.byID {
			ADDQ(U32(uint32(64*r.lines)), r.next)
		}
		return
	}
	if !r.byID {
		p = GP64()
		MOVQ(r.next, p)
		ADDQ(r.stride, r.next)
	}
	ADDQ(r.whole, p)
	if ahead && r.byID {
		ADDQ(r.whole, f)
	}
	j := GP64()
	MOVQ(r.whole, j)
	NEGQ(j)
	JZ(LabelRef(label + "Rest"))
	Label(label + "Line")
	c, q := ZMM(), ZMM()
	VMOVDQU64(mem(p, j, 0), c)
	VMOVDQU64(mem(r.q, j, 0), q)
	r.m.vnni(accs[0], c, q)
	fetch(j, 0)
	ADDQ(Imm(64), j)
	JNZ(LabelRef(label + "Line"))
	Label(label + "Rest")
	// An empty mask: lines are all there is.
	KTESTQ(r.tail, r.tail)
	JZ(LabelRef(label + "Done"))
	c, q = ZMM(), ZMM()
	VMOVDQU8_Z(Mem{Base: p}, r.tail, c)
	VMOVDQU8_Z(Mem{Base: r.q}, r.tail, q)
	r.m.vnni(accs[0], c, q)
	Label(label + "Done")
}

func mem(base, index Register, disp int) Mem {
	if index == nil {
		return Mem{Base: base, Disp: disp}
	}
	return Mem{Base: base, Index: index, Scale: 1, Disp: disp}
}
