package simd

import "encoding/binary"

// 1-bit codes are scored against queries of 4 bits a component as RaBitQ does
// it (Gao and Long 2024, section 3.3.2), with the paper's second way of doing
// so: tables of the sums of four components, looked up by nibbles of many
// codes at once (André, Kermarrec and Le Scouarnec 2015). Counting ones of
// planes of the query, its first way, takes 2.8 ns a code of 512 bits with
// VPOPCNTB on the machine this was written on, tables half of that, and
// machines without AVX-512 gain more.
//
// Codes therefore lie in blocks of BitBlock rows. Byte k of all rows of a
// block, the components 8k to 8k+7, lowest bit first, lies together: rows 0 to
// 31 in even places and rows 32 to 63 in odd ones.

// BitBlock is the number of rows in a block of 1-bit codes.
const BitBlock = 64

// PutBits writes code, whose length is the bytes of a code, to a row of blocks.
func PutBits(blocks []uint8, row int, code []uint8) {
	at := row / BitBlock * BitBlock * len(code)
	block := blocks[at : at+BitBlock*len(code)]
	for k, c := range code {
		block[k*BitBlock+bitLane(row)] = c
	}
}

// GetBits reads the code of a row of blocks to code.
func GetBits(code []uint8, blocks []uint8, row int) {
	at := row / BitBlock * BitBlock * len(code)
	block := blocks[at : at+BitBlock*len(code)]
	for k := range code {
		code[k] = block[k*BitBlock+bitLane(row)]
	}
}

func bitLane(row int) int { return row%32*2 + row/32%2 }

// BitTable writes the table of a query's components, each from -8 to 7, eight
// to a byte of the code: for each nibble of a code the 16 sums that it may
// pick, 32 added to each. len(table) is 4*len(components), a multiple of 32.
func BitTable(table []uint8, components []int8) {
	if len(components)%8 != 0 || len(table) != 4*len(components) {
		panic("simd: BitTable of different lengths")
	}
	// Sixteen entries at once as bytes of two words. Components are made
	// positive, so that no byte borrows from the next: entry m starts at
	// bitBias less 8 for each bit of m.
	const (
		bit0, bit1, bit2 = 0x0100010001000100, 0x0101000001010000, 0x0101010100000000
		all              = 0x0101010101010101
		start            = bitBias*all - 8*bit0 - 8*bit1 - 8*bit2
	)
	for i := 0; i < len(components); i += 4 {
		u := components[i : i+4 : i+4]
		low := start + uint64(u[0]+8)*bit0 + uint64(u[1]+8)*bit1 + uint64(u[2]+8)*bit2
		t := table[4*i : 4*i+16 : 4*i+16]
		binary.LittleEndian.PutUint64(t, low)
		binary.LittleEndian.PutUint64(t[8:], low-8*all+uint64(u[3]+8)*all)
	}
}

// bitBias makes table entries positive: they lie between 0 and 60.
const bitBias = 32

// DotBits returns the sum of the query's components where code has a one.
func DotBits(code, table []uint8) int32 {
	if len(table) != 32*len(code) {
		panic("simd: DotBits needs 32 bytes of table for a byte of code")
	}
	var s int32
	for k, c := range code {
		t := table[32*k : 32*k+32]
		s += int32(t[c&15]) + int32(t[16+c>>4])
	}
	return s - 2*bitBias*int32(len(code))
}

// BitQuery turns the dot product of a 1-bit code into an estimate of what it
// stands for: estimate = mul*(A*dot + B) + T*add, where mul and add belong to
// the code. Each operation is rounded to float32 on its own.
type BitQuery struct {
	Table   []uint8 // as BitTable writes it
	A, B, T float32
}

// EstimateBits writes the estimates of the first len(est) rows of blocks. mul
// and add have an entry for each; a NaN among them makes the estimate one.
func EstimateBits(est []float32, blocks []uint8, mul, add []float32, q *BitQuery) {
	cols, n := len(q.Table)/32, len(est)
	if cols == 0 || len(q.Table)%32 != 0 {
		panic("simd: EstimateBits needs a table")
	}
	if len(blocks)/(cols*BitBlock) < (n+BitBlock-1)/BitBlock || len(mul) < n || len(add) < n {
		panic("simd: EstimateBits of different lengths")
	}
	whole := n / BitBlock * BitBlock
	if whole > 0 {
		estimateBits(est[:whole], blocks, mul, add, q)
	}
	if whole < n {
		var e, m, a [BitBlock]float32
		copy(m[:], mul[whole:n])
		copy(a[:], add[whole:n])
		estimateBits(e[:], blocks[whole*cols:], m[:], a[:], q)
		copy(est[whole:], e[:])
	}
}

// MaskAbove sets bit i%64 of masks[i/64] where x[i] is above threshold and
// clears it where it is not or is NaN. masks has an entry for every 64
// elements begun; bits behind the last element are zero.
func MaskAbove(masks []uint64, x []float32, threshold float32) {
	if len(masks) != (len(x)+63)/64 {
		panic("simd: MaskAbove of different lengths")
	}
	done := maskAbove(masks, x, threshold) // whole masks
	for i := done; i < len(masks); i++ {
		var m uint64
		for j, v := range x[64*i : min(len(x), 64*i+64)] {
			if v > threshold {
				m |= 1 << j
			}
		}
		masks[i] = m
	}
}

func estimateBitsGeneric(est []float32, blocks []uint8, mul, add []float32, q *BitQuery) {
	cols := len(q.Table) / 32
	for first := 0; first < len(est); first += BitBlock {
		block := blocks[first*cols : (first+BitBlock)*cols]
		var sums [BitBlock]int32
		for k := range cols {
			t := q.Table[32*k : 32*k+32 : 32*k+32]
			column := block[k*BitBlock : (k+1)*BitBlock : (k+1)*BitBlock]
			for r := range 32 {
				c, d := column[2*r], column[2*r+1]
				sums[r] += int32(t[c&15]) + int32(t[16+c>>4])
				sums[32+r] += int32(t[d&15]) + int32(t[16+d>>4])
			}
		}
		q.estimate(est[first:first+BitBlock], &sums, mul[first:], add[first:])
	}
}

// estimate turns biased sums into estimates.
func (q *BitQuery) estimate(est []float32, sums *[BitBlock]int32, mul, add []float32) {
	bias := 2 * bitBias * int32(len(q.Table)/32)
	mul, add = mul[:len(est)], add[:len(est)]
	for i := range est {
		est[i] = q.of(sums[i]-bias, mul[i], add[i])
	}
}

// of rounds after every operation, on machines too whose compiler would fuse
// a product and a sum.
func (q *BitQuery) of(dot int32, mul, add float32) float32 {
	e := float32(q.A*float32(dot)) + q.B
	return float32(mul*e) + float32(q.T*add)
}
