package quant

import (
	"math"

	"github.com/clipdb/clipdb/internal/simd"
)

// BinaryCodes holds 1-bit codes with their factors by row, in memory laid out
// for scans: Bytes plus 8 bytes a row. It grows by chunks and never moves them.
// Rows may have holes. Put and Delete want no other call at the same time.
type BinaryCodes struct {
	bytes  int
	rows   int // one more than the highest row that was ever put
	chunks []binaryChunk

	padded, meanSq    float32
	maxMul, maxSpread float32 // of all factors that were ever put
}

// chunkRows are the rows of a chunk, whole blocks of the kernel.
const chunkRows = 4096

type binaryChunk struct {
	blocks   []uint8
	mul, add []float32 // mul is NaN in rows without a code
}

// NewCodes returns an empty store for codes of b.
func (b *Binary) NewCodes() *BinaryCodes {
	return &BinaryCodes{bytes: b.Bytes(), padded: float32(b.rot.padded), meanSq: b.meanSq}
}

// Put writes the code of a row, putting another one in its place.
func (s *BinaryCodes) Put(row uint32, code []uint8, f Factors) {
	at := int(row) / chunkRows
	for len(s.chunks) <= at {
		c := binaryChunk{make([]uint8, chunkRows*s.bytes), make([]float32, chunkRows), make([]float32, chunkRows)}
		for i := range c.mul {
			c.mul[i] = float32(math.NaN())
		}
		s.chunks = append(s.chunks, c)
	}
	c, i := &s.chunks[at], int(row)%chunkRows
	simd.PutBits(c.blocks, i, code[:s.bytes])
	c.mul[i], c.add[i] = f.Mul, f.Add
	s.rows = max(s.rows, int(row)+1)
	s.maxMul, s.maxSpread = max(s.maxMul, f.Mul), max(s.maxSpread, f.spread(s.padded, s.meanSq))
}

// Get reads the code of a row to code and returns its factors, or false when
// there is none.
func (s *BinaryCodes) Get(code []uint8, row uint32) (Factors, bool) {
	if int(row) >= s.rows {
		return Factors{}, false
	}
	c, i := &s.chunks[int(row)/chunkRows], int(row)%chunkRows
	if c.mul[i] != c.mul[i] {
		return Factors{}, false
	}
	simd.GetBits(code[:s.bytes], c.blocks, i)
	return Factors{Mul: c.mul[i], Add: c.add[i]}, true
}

// Delete takes a row out of later scans.
func (s *BinaryCodes) Delete(row uint32) {
	if int(row) < s.rows {
		s.chunks[int(row)/chunkRows].mul[int(row)%chunkRows] = float32(math.NaN())
	}
}

// Rows is one more than the highest row that was ever put.
func (s *BinaryCodes) Rows() int { return s.rows }

// Size is the memory in bytes that the codes take.
func (s *BinaryCodes) Size() int64 { return int64(len(s.chunks)) * chunkRows * int64(s.bytes+8) }
