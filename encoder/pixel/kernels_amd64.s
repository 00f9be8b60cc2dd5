//go:build !noasm

#include "textflag.h"

// Four pixels of 3 bytes, loaded into both halves of a register, become the
// 16-bit words R0 R1 G0 G1 B0 B1 0 0 in the lower half and R2 R3 G2 G3 B2 B3
// 0 0 in the upper one. 0x80 gives a zero.
DATA pixels<>+0(SB)/8, $0x8004800180038000
DATA pixels<>+8(SB)/8, $0x8080808080058002
DATA pixels<>+16(SB)/8, $0x800a800780098006
DATA pixels<>+24(SB)/8, $0x80808080800b8008
GLOBL pixels<>(SB), RODATA|NOPTR, $32

// Four 16-bit weights, loaded into every quarter, become pairs beside these:
// k0 k1 four times in the lower half, k2 k3 four times in the upper one.
DATA pairs<>+0(SB)/8, $0x0302010003020100
DATA pairs<>+8(SB)/8, $0x0302010003020100
DATA pairs<>+16(SB)/8, $0x0706050407060504
DATA pairs<>+24(SB)/8, $0x0706050407060504
GLOBL pairs<>(SB), RODATA|NOPTR, $32

// One half of the last bit of a weight's fraction, 1<<21.
DATA half<>+0(SB)/8, $0x0020000000200000
DATA half<>+8(SB)/8, $0x0020000000200000
GLOBL half<>(SB), RODATA|NOPTR, $16

// Order of 8-byte groups after packing within the halves of a register.
DATA unpack<>+0(SB)/8, $0x0000000400000000
DATA unpack<>+8(SB)/8, $0x0000000500000001
DATA unpack<>+16(SB)/8, $0x0000000600000002
DATA unpack<>+24(SB)/8, $0x0000000700000003
GLOBL unpack<>(SB), RODATA|NOPTR, $32

// func rowAVX2(dst, src *byte, starts, counts *int32, low, high *int16, stride, n int)
TEXT ·rowAVX2(SB), NOSPLIT, $0-64
	MOVQ dst+0(FP), DI
	MOVQ src+8(FP), SI
	MOVQ starts+16(FP), R8
	MOVQ counts+24(FP), R9
	MOVQ low+32(FP), R10
	MOVQ high+40(FP), R11
	MOVQ stride+48(FP), R12
	MOVQ n+56(FP), R13
	SHLQ $1, R12
	VMOVDQU pixels<>(SB), Y14
	VMOVDQU pairs<>(SB), Y15
	VMOVDQU half<>(SB), X13

pixel:
	MOVLQSX (R8), AX
	LEAQ (AX)(AX*2), AX
	ADDQ SI, AX            // first source pixel
	MOVLQSX (R9), CX       // taps left
	XORQ BX, BX            // offset of the weights
	VPXOR Y0, Y0, Y0
	VPXOR Y1, Y1, Y1

taps:
	VBROADCASTI128 (AX), Y2
	VPSHUFB Y14, Y2, Y2
	VPBROADCASTQ (R10)(BX*1), Y3
	VPSHUFB Y15, Y3, Y3
	VPBROADCASTQ (R11)(BX*1), Y4
	VPSHUFB Y15, Y4, Y4
	VPMADDWD Y2, Y3, Y3
	VPMADDWD Y2, Y4, Y4
	VPADDD Y3, Y0, Y0
	VPADDD Y4, Y1, Y1
	ADDQ $12, AX
	ADDQ $8, BX
	SUBQ $4, CX
	JG taps

	VPSLLD $15, Y1, Y1
	VPADDD Y1, Y0, Y0
	VEXTRACTI128 $1, Y0, X1
	VPADDD X1, X0, X0
	VPADDD X13, X0, X0
	VPSRAD $22, X0, X0
	VPACKUSDW X0, X0, X0
	VPACKUSWB X0, X0, X0
	VMOVD X0, AX
	MOVW AX, (DI)
	SHRL $16, AX
	MOVB AX, 2(DI)

	ADDQ $3, DI
	ADDQ $4, R8
	ADDQ $4, R9
	ADDQ R12, R10
	ADDQ R12, R11
	DECQ R13
	JNZ pixel
	VZEROUPPER
	RET

// func columnsAVX2(dst, src *byte, fixed *int32, taps, stride, width int)
TEXT ·columnsAVX2(SB), NOSPLIT, $0-48
	MOVQ dst+0(FP), DI
	MOVQ src+8(FP), SI
	MOVQ fixed+16(FP), R8
	MOVQ taps+24(FP), R9
	MOVQ stride+32(FP), R10
	MOVQ width+40(FP), R11
	VPBROADCASTD half<>(SB), Y15
	VMOVDQU unpack<>(SB), Y14

wide:
	CMPQ R11, $32
	JL narrow
	VMOVDQA Y15, Y0
	VMOVDQA Y15, Y1
	VMOVDQA Y15, Y2
	VMOVDQA Y15, Y3
	MOVQ SI, AX
	MOVQ R8, BX
	MOVQ R9, CX

widetaps:
	VPBROADCASTD (BX), Y4
	VPMOVZXBD (AX), Y5
	VPMOVZXBD 8(AX), Y6
	VPMOVZXBD 16(AX), Y7
	VPMOVZXBD 24(AX), Y8
	VPMULLD Y4, Y5, Y5
	VPMULLD Y4, Y6, Y6
	VPMULLD Y4, Y7, Y7
	VPMULLD Y4, Y8, Y8
	VPADDD Y5, Y0, Y0
	VPADDD Y6, Y1, Y1
	VPADDD Y7, Y2, Y2
	VPADDD Y8, Y3, Y3
	ADDQ R10, AX
	ADDQ $4, BX
	DECQ CX
	JNZ widetaps

	VPSRAD $22, Y0, Y0
	VPSRAD $22, Y1, Y1
	VPSRAD $22, Y2, Y2
	VPSRAD $22, Y3, Y3
	VPACKUSDW Y1, Y0, Y0
	VPACKUSDW Y3, Y2, Y2
	VPACKUSWB Y2, Y0, Y0
	VPERMD Y0, Y14, Y0
	VMOVDQU Y0, (DI)
	ADDQ $32, DI
	ADDQ $32, SI
	SUBQ $32, R11
	JMP wide

narrow:
	TESTQ R11, R11
	JLE done
	VMOVDQA Y15, Y0
	MOVQ SI, AX
	MOVQ R8, BX
	MOVQ R9, CX

narrowtaps:
	VPBROADCASTD (BX), Y4
	VPMOVZXBD (AX), Y5
	VPMULLD Y4, Y5, Y5
	VPADDD Y5, Y0, Y0
	ADDQ R10, AX
	ADDQ $4, BX
	DECQ CX
	JNZ narrowtaps

	VPSRAD $22, Y0, Y0
	VPACKUSDW Y0, Y0, Y0
	VPACKUSWB Y0, Y0, Y0
	VPERMD Y0, Y14, Y0
	VMOVQ X0, (DI)
	ADDQ $8, DI
	ADDQ $8, SI
	SUBQ $8, R11
	JMP narrow

done:
	VZEROUPPER
	RET
