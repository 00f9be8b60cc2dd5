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
		manyVNNI(k.m, k.setup, true)
		oneAVX2(k.m)
		manyAVX2(k.m, true)
		if k.m.name == "dotU8S8" {
			manyVNNI(k.m, k.setup, false)
			manyAVX2(k.m, false)
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
	VEXTRACTI128(Imm(1), y, x)
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
	return reduceY(y)
}

func reduceY(y VecVirtual) GPVirtual {
	x, t := XMM(), XMM()
	VEXTRACTI128(Imm(1), y, x)
	VPADDD(x, y.AsX(), x)
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

// rowVNNI sums one row at p against q, n bytes; p and q are moved.
func rowVNNI(m metric, label string, p, q, n GPVirtual, km OpmaskVirtual, rest GPVirtual) GPVirtual {
	acc := zeroZ(4)
	left := GP64()
	MOVQ(n, left)
	Label(label + "Four")
	CMPQ(left, U32(256))
	JB(LabelRef(label + "One"))
	for i := range 4 {
		c, r := ZMM(), ZMM()
		VMOVDQU64(Mem{Base: p, Disp: 64 * i}, c)
		VMOVDQU64(Mem{Base: q, Disp: 64 * i}, r)
		m.vnni(acc[i], c, r)
	}
	ADDQ(U32(256), p)
	ADDQ(U32(256), q)
	SUBQ(U32(256), left)
	JMP(LabelRef(label + "Four"))
	Label(label + "One")
	CMPQ(left, Imm(64))
	JB(LabelRef(label + "Rest"))
	c, r := ZMM(), ZMM()
	VMOVDQU64(Mem{Base: p}, c)
	VMOVDQU64(Mem{Base: q}, r)
	m.vnni(acc[0], c, r)
	ADDQ(Imm(64), p)
	ADDQ(Imm(64), q)
	SUBQ(Imm(64), left)
	JMP(LabelRef(label + "One"))
	Label(label + "Rest")
	TESTQ(rest, rest)
	JZ(LabelRef(label + "Sum"))
	c, r = ZMM(), ZMM()
	VMOVDQU8_Z(Mem{Base: p}, km, c)
	VMOVDQU8_Z(Mem{Base: q}, km, r)
	m.vnni(acc[0], c, r)
	Label(label + "Sum")
	VPADDD(acc[1], acc[0], acc[0])
	VPADDD(acc[3], acc[2], acc[2])
	VPADDD(acc[2], acc[0], acc[0])
	return reduce1(acc[0])
}

func oneVNNI(m metric, setup func()) {
	TEXT(m.name+"VNNI", NOSPLIT, fmt.Sprintf("func(code *uint8, query *%s, n uint64) int32", m.right))
	Pragma("noescape")
	Doc(m.name + "VNNI returns " + m.doc + " of n bytes.")
	p := Load(Param("code"), GP64()).(GPVirtual)
	q := Load(Param("query"), GP64()).(GPVirtual)
	n := Load(Param("n"), GP64()).(GPVirtual)
	setup()
	km, rest := tailMask(n)
	sum := rowVNNI(m, "row", p, q, n, km, rest)
	VZEROUPPER()
	Store(sum, ReturnIndex(0))
	RET()
}

// manyVNNI works on four rows at once, which share the loads of the query and
// the horizontal sums. By ids it fetches the next four rows meanwhile.
func manyVNNI(m metric, setup func(), byID bool) {
	if byID {
		TEXT(m.name+"BatchVNNI", NOSPLIT, fmt.Sprintf(
			"func(codes *uint8, rows uint64, ids *uint32, count uint64, query *%s, stride uint64, out *int32) uint64", m.right))
		Doc(m.name+"BatchVNNI writes "+m.doc+" of the rows named by ids to out and",
			"returns how many it did: fewer than count when the next id is not below rows.")
	} else {
		TEXT(m.name+"RowsVNNI", NOSPLIT, fmt.Sprintf(
			"func(codes *uint8, count uint64, query *%s, stride uint64, out *int32)", m.right))
		Doc(m.name + "RowsVNNI writes " + m.doc + " of count rows that follow one another to out.")
	}
	Pragma("noescape")
	stride := Load(Param("stride"), GP64()).(GPVirtual)
	setup()
	km, rest := tailMask(stride)
	// Pointers run to the end of the whole lines of a row and are indexed
	// from minus their length up to zero.
	lines := GP64()
	MOVQ(stride, lines)
	SUBQ(rest, lines)
	q := Load(Param("query"), GP64()).(GPVirtual)
	ADDQ(lines, q)
	left := Load(Param("count"), GP64()).(GPVirtual)
	out := Load(Param("out"), GP64()).(GPVirtual)
	var ids, next GPVirtual
	if byID {
		ids = Load(Param("ids"), GP64()).(GPVirtual)
	} else {
		next = Load(Param("codes"), GP64()).(GPVirtual)
	}
	_ = rest

	rowAt := func(k int, checked bool) GPVirtual {
		p := GP64()
		if !byID {
			if k == 0 {
				MOVQ(next, p)
			} else {
				LEAQ(Mem{Base: next, Index: stride, Scale: 1}, p)
				MOVQ(p, next)
			}
			return p
		}
		MOVL(Mem{Base: ids, Disp: 4 * k}, p.As32())
		if checked {
			rows, _ := Param("rows").Resolve()
			CMPQ(p, rows.Addr)
			JAE(LabelRef(fmt.Sprintf("bad%d", k)))
		}
		IMULQ(stride, p)
		codes, _ := Param("codes").Resolve()
		ADDQ(codes.Addr, p)
		return p
	}

	Label("quad")
	CMPQ(left, Imm(4))
	JB(LabelRef("single"))
	var p [4]GPVirtual
	for k := range p {
		p[k] = rowAt(k, true)
	}
	if !byID {
		ADDQ(stride, next)
	}
	var ahead [4]GPVirtual
	if byID {
		// What lies ahead: the next four ids, or these again at the end.
		step, at := GP64(), GP64()
		MOVQ(ids, at)
		LEAQ(Mem{Base: ids, Disp: 16}, step)
		CMPQ(left, Imm(8))
		CMOVQCC(step, at)
		for k := range ahead {
			ahead[k] = GP64()
			MOVL(Mem{Base: at, Disp: 4 * k}, ahead[k].As32())
			IMULQ(stride, ahead[k])
			codes, _ := Param("codes").Resolve()
			ADDQ(codes.Addr, ahead[k])
			ADDQ(lines, ahead[k])
		}
	}
	for k := range p {
		ADDQ(lines, p[k])
	}
	acc := zeroZ(4)
	j := GP64()
	MOVQ(lines, j)
	NEGQ(j)
	JZ(LabelRef("rest"))
	Label("line")
	r := ZMM()
	VMOVDQU64(Mem{Base: q, Index: j, Scale: 1}, r)
	for k := range p {
		c := ZMM()
		VMOVDQU64(Mem{Base: p[k], Index: j, Scale: 1}, c)
		m.vnni(acc[k], c, r)
		if byID {
			PREFETCHT0(Mem{Base: ahead[k], Index: j, Scale: 1})
		}
	}
	ADDQ(Imm(64), j)
	JNZ(LabelRef("line"))
	Label("rest")
	// A masked load of nothing reads nothing; lines == stride has an empty mask.
	KTESTQ(km, km)
	JZ(LabelRef("sum"))
	r = ZMM()
	VMOVDQU8_Z(Mem{Base: q}, km, r)
	for k := range p {
		c := ZMM()
		VMOVDQU8_Z(Mem{Base: p[k]}, km, c)
		m.vnni(acc[k], c, r)
	}
	Label("sum")
	x := reduce4([4]VecVirtual(acc))
	VMOVDQU(x, Mem{Base: out})
	ADDQ(Imm(16), out)
	if byID {
		ADDQ(Imm(16), ids)
	}
	SUBQ(Imm(4), left)
	JMP(LabelRef("quad"))

	Label("single")
	TESTQ(left, left)
	JZ(LabelRef("done"))
	p0 := rowAt(0, true)
	if !byID {
		ADDQ(stride, next)
	}
	ADDQ(lines, p0)
	a := zeroZ(2)
	j = GP64()
	MOVQ(lines, j)
	NEGQ(j)
	JZ(LabelRef("singleRest"))
	TESTQ(U32(64), j)
	JZ(LabelRef("singlePair"))
	c, r := ZMM(), ZMM()
	VMOVDQU64(Mem{Base: p0, Index: j, Scale: 1}, c)
	VMOVDQU64(Mem{Base: q, Index: j, Scale: 1}, r)
	m.vnni(a[0], c, r)
	ADDQ(Imm(64), j)
	JZ(LabelRef("singleRest"))
	Label("singlePair")
	for i := range 2 {
		c, r = ZMM(), ZMM()
		VMOVDQU64(Mem{Base: p0, Index: j, Scale: 1, Disp: 64 * i}, c)
		VMOVDQU64(Mem{Base: q, Index: j, Scale: 1, Disp: 64 * i}, r)
		m.vnni(a[i], c, r)
	}
	ADDQ(U32(128), j)
	JNZ(LabelRef("singlePair"))
	Label("singleRest")
	KTESTQ(km, km)
	JZ(LabelRef("singleSum"))
	c, r = ZMM(), ZMM()
	VMOVDQU8_Z(Mem{Base: p0}, km, c)
	VMOVDQU8_Z(Mem{Base: q}, km, r)
	m.vnni(a[0], c, r)
	Label("singleSum")
	VPADDD(a[1], a[0], a[0])
	s := reduce1(a[0])
	MOVL(s, Mem{Base: out})
	ADDQ(Imm(4), out)
	if byID {
		ADDQ(Imm(4), ids)
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
