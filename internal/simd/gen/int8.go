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
		manyAVX2(k.m, true)
		if k.m.name != "dotU8S8" {
			for _, lines := range scanLines {
				manyVNNI(k.m, k.setup, true, lines)
			}
			continue
		}
		for _, lines := range walkLines {
			manyVNNI(k.m, k.setup, true, lines)
		}
		manyAVX2(k.m, false)
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
