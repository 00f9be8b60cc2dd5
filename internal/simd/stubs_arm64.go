//go:build !noasm

package simd

//go:noescape
func prefetch(p *byte)

//go:noescape
func dotS8Dotprod(code *uint8, query *int8, n uint64) int32

//go:noescape
func sumS8Dotprod(query *int8, n uint64) int32

//go:noescape
func l2SqU8Dotprod(a *uint8, b *uint8, n uint64) int32

//go:noescape
func dotF32NEON(a *float32, b *float32, n uint64, sums *[16]float32)

//go:noescape
func bitSumsNEON(block *uint8, cols uint64, table *uint8, sums *[64]uint16)
