//go:build !noasm

#include "textflag.h"

// The assembler has no names for these: dot products of signed and of
// unsigned bytes in fours (FEAT_DotProd), and absolute differences of bytes.
#define SDOT(m, n, d) WORD $(0x4e809400 | m<<16 | n<<5 | d)
#define UDOT(m, n, d) WORD $(0x6e809400 | m<<16 | n<<5 | d)
#define UABD(m, n, d) WORD $(0x6e207400 | m<<16 | n<<5 | d)

// func prefetch(p *byte)
TEXT ·prefetch(SB), NOSPLIT, $0-8
	MOVD p+0(FP), R0
	PRFM (R0), PLDL1KEEP
	RET

// func dotS8Dotprod(code *uint8, query *int8, n uint64) int32
// sum((code-128)*query) of n bytes, a multiple of 16.
TEXT ·dotS8Dotprod(SB), NOSPLIT, $0-28
	MOVD code+0(FP), R0
	MOVD query+8(FP), R1
	MOVD n+16(FP), R2
	VEOR V16.B16, V16.B16, V16.B16
	VEOR V17.B16, V17.B16, V17.B16
	VEOR V18.B16, V18.B16, V18.B16
	VEOR V19.B16, V19.B16, V19.B16
	MOVD $0x80, R3
	VDUP R3, V20.B16

four:
	CMP  $64, R2
	BLO  one
	VLD1.P 64(R0), [V0.B16, V1.B16, V2.B16, V3.B16]
	VLD1.P 64(R1), [V4.B16, V5.B16, V6.B16, V7.B16]
	VEOR V20.B16, V0.B16, V0.B16
	VEOR V20.B16, V1.B16, V1.B16
	VEOR V20.B16, V2.B16, V2.B16
	VEOR V20.B16, V3.B16, V3.B16
	SDOT(4, 0, 16)
	SDOT(5, 1, 17)
	SDOT(6, 2, 18)
	SDOT(7, 3, 19)
	SUB  $64, R2
	B    four

one:
	CBZ  R2, sum
	VLD1.P 16(R0), [V0.B16]
	VLD1.P 16(R1), [V4.B16]
	VEOR V20.B16, V0.B16, V0.B16
	SDOT(4, 0, 16)
	SUB  $16, R2
	B    one

sum:
	VADD V17.S4, V16.S4, V16.S4
	VADD V19.S4, V18.S4, V18.S4
	VADD V18.S4, V16.S4, V16.S4
	VADDV V16.S4, V16
	VMOV V16.S[0], R0
	MOVW R0, ret+24(FP)
	RET

// func sumS8Dotprod(query *int8, n uint64) int32
// sum(query) of n bytes, a multiple of 16.
TEXT ·sumS8Dotprod(SB), NOSPLIT, $0-20
	MOVD query+0(FP), R1
	MOVD n+8(FP), R2
	VEOR V16.B16, V16.B16, V16.B16
	MOVD $1, R3
	VDUP R3, V20.B16

one:
	CBZ  R2, sum
	VLD1.P 16(R1), [V4.B16]
	SDOT(4, 20, 16)
	SUB  $16, R2
	B    one

sum:
	VADDV V16.S4, V16
	VMOV V16.S[0], R0
	MOVW R0, ret+16(FP)
	RET

// func l2SqU8Dotprod(a *uint8, b *uint8, n uint64) int32
// sum((a-b)^2) of n bytes, a multiple of 16.
TEXT ·l2SqU8Dotprod(SB), NOSPLIT, $0-28
	MOVD a+0(FP), R0
	MOVD b+8(FP), R1
	MOVD n+16(FP), R2
	VEOR V16.B16, V16.B16, V16.B16
	VEOR V17.B16, V17.B16, V17.B16
	VEOR V18.B16, V18.B16, V18.B16
	VEOR V19.B16, V19.B16, V19.B16

four:
	CMP  $64, R2
	BLO  one
	VLD1.P 64(R0), [V0.B16, V1.B16, V2.B16, V3.B16]
	VLD1.P 64(R1), [V4.B16, V5.B16, V6.B16, V7.B16]
	UABD(4, 0, 0)
	UABD(5, 1, 1)
	UABD(6, 2, 2)
	UABD(7, 3, 3)
	UDOT(0, 0, 16)
	UDOT(1, 1, 17)
	UDOT(2, 2, 18)
	UDOT(3, 3, 19)
	SUB  $64, R2
	B    four

one:
	CBZ  R2, sum
	VLD1.P 16(R0), [V0.B16]
	VLD1.P 16(R1), [V4.B16]
	UABD(4, 0, 0)
	UDOT(0, 0, 16)
	SUB  $16, R2
	B    one

sum:
	VADD V17.S4, V16.S4, V16.S4
	VADD V19.S4, V18.S4, V18.S4
	VADD V18.S4, V16.S4, V16.S4
	VADDV V16.S4, V16
	VMOV V16.S[0], R0
	MOVW R0, ret+24(FP)
	RET

// func dotF32NEON(a *float32, b *float32, n uint64, sums *[16]float32)
// Sums of products of n components, a multiple of 16, sixteen apart.
TEXT ·dotF32NEON(SB), NOSPLIT, $0-32
	MOVD a+0(FP), R0
	MOVD b+8(FP), R1
	MOVD n+16(FP), R2
	MOVD sums+24(FP), R3
	VEOR V16.B16, V16.B16, V16.B16
	VEOR V17.B16, V17.B16, V17.B16
	VEOR V18.B16, V18.B16, V18.B16
	VEOR V19.B16, V19.B16, V19.B16

four:
	CBZ  R2, sum
	VLD1.P 64(R0), [V0.S4, V1.S4, V2.S4, V3.S4]
	VLD1.P 64(R1), [V4.S4, V5.S4, V6.S4, V7.S4]
	VFMLA V0.S4, V4.S4, V16.S4
	VFMLA V1.S4, V5.S4, V17.S4
	VFMLA V2.S4, V6.S4, V18.S4
	VFMLA V3.S4, V7.S4, V19.S4
	SUB  $16, R2
	B    four

sum:
	VST1 [V16.S4, V17.S4, V18.S4, V19.S4], (R3)
	RET

// Rows r to r+15 of a column: two table look-ups, added, and summed as words.
#define COLUMN(rows, even, odd) \
	VAND  V31.B16, rows.B16, V6.B16 \
	VUSHR $4, rows.B16, rows.B16    \
	VTBL  V6.B16, [V4.B16], V6.B16  \
	VTBL  rows.B16, [V5.B16], V7.B16 \
	VADD  V7.B16, V6.B16, V6.B16    \
	VADD  V6.H8, even.H8, even.H8   \
	VUSHR $8, V6.H8, V6.H8          \
	VADD  V6.H8, odd.H8, odd.H8

// What spilled from odd bytes into the sums of even ones, taken off.
#define SPILL(even, odd) \
	VSHL $8, odd.H8, V6.H8 \
	VSUB V6.H8, even.H8, even.H8

// func bitSumsNEON(block *uint8, cols uint64, table *uint8, sums *[64]uint16)
// Sums of the table entries of 64 rows of cols bytes, at least one.
TEXT ·bitSumsNEON(SB), NOSPLIT, $0-32
	MOVD block+0(FP), R0
	MOVD cols+8(FP), R1
	MOVD table+16(FP), R2
	MOVD sums+24(FP), R3
	MOVD $15, R4
	VDUP R4, V31.B16
	VEOR V16.B16, V16.B16, V16.B16
	VEOR V17.B16, V17.B16, V17.B16
	VEOR V18.B16, V18.B16, V18.B16
	VEOR V19.B16, V19.B16, V19.B16
	VEOR V20.B16, V20.B16, V20.B16
	VEOR V21.B16, V21.B16, V21.B16
	VEOR V22.B16, V22.B16, V22.B16
	VEOR V23.B16, V23.B16, V23.B16

column:
	VLD1.P 64(R0), [V0.B16, V1.B16, V2.B16, V3.B16]
	VLD1.P 32(R2), [V4.B16, V5.B16]
	COLUMN(V0, V16, V20)
	COLUMN(V1, V17, V21)
	COLUMN(V2, V18, V22)
	COLUMN(V3, V19, V23)
	SUB  $1, R1
	CBNZ R1, column
	SPILL(V16, V20)
	SPILL(V17, V21)
	SPILL(V18, V22)
	SPILL(V19, V23)
	VST1.P [V16.H8, V17.H8, V18.H8, V19.H8], 64(R3)
	VST1   [V20.H8, V21.H8, V22.H8, V23.H8], (R3)
	RET
