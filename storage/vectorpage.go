package storage

import (
	"encoding/binary"
	"hash/crc32"
)

// A vectorPage is the value that holds the vectors of rows slots, of which the
// first is a multiple of rows:
//
//	 0  version (1), one byte
//	 1  zero, one byte
//	 2  rows, uint16
//	 4  components of a vector, uint32
//	 8  presence, uint64: bit i is set when row i holds a vector
//	16  CRC-32C of each row, rows x uint32, 0 for an empty row
//	 …  CRC-32C of the key and all before it
//	 …  rows x components x float32, empty rows zero
//
// Numbers are little-endian. Each row has its own checksum, seeded with its
// slot, since re-ranking reads one row here and one there.
type vectorPage struct {
	data  []byte
	rows  int
	dim   int
	first uint32 // slot of row 0
}

const (
	vectorPageVersion = 1
	maxRows           = 64
)

// headSize is where the rows of a page begin.
func headSize(rows int) int { return 16 + 4*rows + sumSize }

// rowsFor chooses how many vectors share a page. bbolt puts two to four large
// values on a leaf, rewrites the leaf whole, and wastes what is left of its
// last 4 KiB: more rows waste less space, fewer make single inserts write
// less. Of the counts that stay within 16 KiB the one that wastes least wins;
// docs/format.md has the measurements.
func rowsFor(dim int) int {
	const most = 16 << 10
	best, least := 1, 0.0
	for rows := 1; rows <= maxRows && (rows == 1 || rows*dim*4 <= most); rows++ {
		pair := 16 + 2*(16+4+headSize(rows)+rows*dim*4) // a leaf of two values
		waste := float64((pair+pageSize-1)/pageSize*pageSize) / float64(rows*dim)
		if rows == 1 || waste < least {
			best, least = rows, waste
		}
	}
	return best
}

func newVectorPage(rows, dim int) []byte {
	data := make([]byte, headSize(rows)+rows*dim*4)
	data[0] = vectorPageVersion
	binary.LittleEndian.PutUint16(data[2:], uint16(rows))
	binary.LittleEndian.PutUint32(data[4:], uint32(dim))
	return data
}

func (p vectorPage) check(key []byte) error {
	head := headSize(p.rows)
	switch {
	case len(p.data) != head+p.rows*p.dim*4:
		return damaged("it has %d bytes, not %d", len(p.data), head+p.rows*p.dim*4)
	case binary.LittleEndian.Uint32(p.data[head-sumSize:]) != checksum(key, p.data[:head-sumSize]):
		return damaged("checksum does not match")
	case p.data[0] != vectorPageVersion || p.data[1] != 0,
		int(binary.LittleEndian.Uint16(p.data[2:])) != p.rows,
		int(binary.LittleEndian.Uint32(p.data[4:])) != p.dim:
		return damaged("its head is of another version or shape")
	case p.rows < 64 && p.present()>>p.rows != 0:
		return damaged("it has more vectors than rows")
	}
	return nil
}

// sign writes the checksum of the head.
func (p vectorPage) sign(key []byte) {
	head := headSize(p.rows) - sumSize
	binary.LittleEndian.PutUint32(p.data[head:], checksum(key, p.data[:head]))
}

func (p vectorPage) present() uint64    { return binary.LittleEndian.Uint64(p.data[8:]) }
func (p vectorPage) has(row int) bool   { return p.present()>>row&1 != 0 }
func (p vectorPage) sum(row int) []byte { return p.data[16+4*row : 20+4*row] }

func (p vectorPage) row(row int) []byte {
	size := p.dim * 4
	start := headSize(p.rows) + row*size
	return p.data[start : start+size]
}

// rowSum is the CRC-32C of a row, begun with the slot instead of zero so that
// a row in the wrong place does not pass.
func rowSum(slot uint32, row []byte) uint32 {
	return crc32.Update(slot, castagnoli, row)
}

func (p vectorPage) verify(row int, slot uint32) bool {
	return binary.LittleEndian.Uint32(p.sum(row)) == rowSum(slot, p.row(row))
}

func (p vectorPage) set(row int, slot uint32, v []float32) {
	binary.LittleEndian.PutUint64(p.data[8:], p.present()|1<<row)
	b := p.row(row)
	putFloats(b, v)
	binary.LittleEndian.PutUint32(p.sum(row), rowSum(slot, b))
}

func (p vectorPage) clear(row int) {
	binary.LittleEndian.PutUint64(p.data[8:], p.present()&^(1<<row))
	clear(p.row(row))
	clear(p.sum(row))
}

func (p vectorPage) appendRow(row int, dst []float32) []float32 {
	return appendFloats(dst, p.row(row))
}

// parseVectorPage checks the head of a page; rows are verified one by one.
func (t *Tx) parseVectorPage(set vectorSet, key, value []byte) (p vectorPage, err error) {
	defer t.guard(&err, set.bucket)
	p = vectorPage{data: value, rows: int(*set.rows), dim: int(*set.dim)}
	if len(key) != 4 {
		return p, damaged("key of %d bytes", len(key))
	}
	page := binary.BigEndian.Uint32(key)
	if uint64(page)**set.rows > 1<<32-1 {
		return p, damaged("its number is too high")
	}
	p.first = page * uint32(*set.rows)
	return p, p.check(key)
}
