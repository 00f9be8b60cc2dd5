package main

import (
	"fmt"

	. "github.com/mmcloughlin/avo/build"
	. "github.com/mmcloughlin/avo/operand"
	. "github.com/mmcloughlin/avo/reg"
)

func hadamardKernels() {
	hadamardBlocks("AVX512", 16, 16, ZMM)
	hadamardBlocks("AVX2", 8, 8, YMM)
	hadamardPass("AVX512", 64, ZMM)
	hadamardPass("AVX2", 32, YMM)

	TEXT("flipSignsAVX2", NOSPLIT, "func(x *float32, signs *uint32, n uint64)")
	Pragma("noescape")
	Doc("flipSignsAVX2 xors n components, a multiple of 16, with signs.")
	x := Load(Param("x"), GP64())
	s := Load(Param("signs"), GP64())
	n := Load(Param("n"), GP64())
	Label("sixteen")
	TESTQ(n, n)
	JZ(LabelRef("done"))
	for i := range 2 {
		v := YMM()
		VMOVUPS(Mem{Base: x, Disp: 32 * i}, v)
		VXORPS(Mem{Base: s, Disp: 32 * i}, v, v)
		VMOVUPS(v, Mem{Base: x, Disp: 32 * i})
	}
	ADDQ(Imm(64), x)
	ADDQ(Imm(64), s)
	SUBQ(Imm(16), n)
	JMP(LabelRef("sixteen"))
	Label("done")
	VZEROUPPER()
	RET()
}

// hadamardBlocks writes the transform of blocks of lanes*size floats, each of
// which stays in size registers for all its stages. Inside a register a stage
// of width h adds the register with lanes h apart exchanged to itself times
// +1 or -1: a fused multiply-add by one rounds like an addition.
func hadamardBlocks(isa string, lanes, size int, newReg func() VecVirtual) {
	bytes := 4 * lanes
	for n := size; 4 <= n && 64 <= n*lanes; n /= 2 {
		name := fmt.Sprintf("hadamard%d%s", n*lanes, isa)
		TEXT(name, NOSPLIT, "func(x *float32, blocks uint64, scale float32)")
		Pragma("noescape")
		Doc(fmt.Sprintf("%s transforms blocks of %d floats, one after the other, and", name, n*lanes),
			"multiplies the results by scale.")
		p := Load(Param("x"), GP64())
		count := Load(Param("blocks"), GP64())
		s := Load(Param("scale"), XMM()).(VecVirtual)
		scale := newReg()
		VBROADCASTSS(s, scale)
		var signs []VecVirtual
		for h := 1; h < lanes; h *= 2 {
			signs = append(signs, signVector(isa, lanes, h, newReg))
		}
		Label("block")
		v := make([]VecVirtual, n)
		for i := range v {
			v[i] = newReg()
			VMOVUPS(Mem{Base: p, Disp: bytes * i}, v[i])
			for stage, sign := range signs {
				w := newReg()
				exchange(stage, v[i], w)
				VFMADD231PS(sign, v[i], w)
				v[i] = w
			}
		}
		for h := 1; h < n; h *= 2 {
			for i := 0; i < n; i += 2 * h {
				for j := i; j < i+h; j++ {
					d := newReg()
					VSUBPS(v[j+h], v[j], d)
					VADDPS(v[j+h], v[j], v[j])
					v[j+h] = d
				}
			}
		}
		for i := range v {
			VMULPS(scale, v[i], v[i])
			VMOVUPS(v[i], Mem{Base: p, Disp: bytes * i})
		}
		ADDQ(U32(uint32(bytes*n)), p)
		DECQ(count)
		JNZ(LabelRef("block"))
		VZEROUPPER()
		RET()
	}
}

// exchange copies v to w with lanes 1<<stage apart exchanged.
func exchange(stage int, v, w VecVirtual) {
	ymm := v.Size() == 32
	switch stage {
	case 0:
		VPERMILPS(Imm(0xb1), v, w)
	case 1:
		VPERMILPS(Imm(0x4e), v, w)
	case 2:
		if ymm {
			VPERM2F128(Imm(1), v, v, w)
		} else {
			VSHUFF64X2(Imm(0xb1), v, v, w)
		}
	case 3:
		VSHUFF64X2(Imm(0x4e), v, v, w)
	}
}

// signVector holds -1 in the lanes that have bit h and 1 in the others.
func signVector(isa string, lanes, h int, newReg func() VecVirtual) VecVirtual {
	name := fmt.Sprintf("hadamardSign%d%s", h, isa)
	v := newReg()
	if m, ok := signTables[name]; ok {
		VMOVUPS(m, v)
		return v
	}
	m := GLOBL(name, RODATA|NOPTR)
	for i := range lanes {
		f := float32(1)
		if i&h != 0 {
			f = -1
		}
		DATA(4*i, F32(f))
	}
	signTables[name] = m
	VMOVUPS(m, v)
	return v
}

var signTables = map[string]Mem{}

// hadamardPass is one stage of width h over the whole vector in memory.
func hadamardPass(isa string, bytes int, newReg func() VecVirtual) {
	name := "hadamardPass" + isa
	TEXT(name, NOSPLIT, "func(x *float32, pairs uint64, h uint64, scale float32)")
	Pragma("noescape")
	Doc(name+" adds and subtracts pairs of runs of h floats, a multiple of the",
		"register, and multiplies the results by scale.")
	p := Load(Param("x"), GP64())
	pairs := Load(Param("pairs"), GP64())
	h := Load(Param("h"), GP64())
	s := Load(Param("scale"), XMM()).(VecVirtual)
	scale := newReg()
	VBROADCASTSS(s, scale)
	SHLQ(Imm(2), h)
	Label("pair")
	left := GP64()
	MOVQ(h, left)
	Label("step")
	a, b, d := newReg(), newReg(), newReg()
	VMOVUPS(Mem{Base: p}, a)
	VMOVUPS(Mem{Base: p, Index: h, Scale: 1}, b)
	VSUBPS(b, a, d)
	VADDPS(b, a, a)
	VMULPS(scale, a, a)
	VMULPS(scale, d, d)
	VMOVUPS(a, Mem{Base: p})
	VMOVUPS(d, Mem{Base: p, Index: h, Scale: 1})
	ADDQ(Imm(uint64(bytes)), p)
	SUBQ(Imm(uint64(bytes)), left)
	JNZ(LabelRef("step"))
	ADDQ(h, p)
	DECQ(pairs)
	JNZ(LabelRef("pair"))
	VZEROUPPER()
	RET()
}
