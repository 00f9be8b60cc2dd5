package jpeg

import (
	"encoding/binary"
	"io"
)

// lookBits is the length of codes that one look at the table decodes; nearly
// all codes of real files are within it.
const lookBits = 9

// huffman is one table of codes, section C.
type huffman struct {
	// look gives for the next lookBits bits the length of the code, above
	// eight bits of its value, or 0 where the code is longer.
	look [1 << lookBits]uint16
	// short gives for the same bits, where run, size and the coefficient
	// itself all fit into them, the coefficient above four bits of run and
	// four of length, or 0.
	short  [1 << lookBits]int16
	limit  [18]uint32 // first 16-bit word beyond the codes of a length
	offset [17]int32  // index of a length's first value, less its first code
	values [256]byte
	count  int32
}

// huffmanTables reads tables of codes, section B.2.4.2.
func (d *decoder) huffmanTables(body []byte) error {
	for len(body) > 0 {
		if len(body) < 17 {
			return FormatError("Huffman table cut short")
		}
		class, id := body[0]>>4, body[0]&15
		n := 0
		for _, c := range body[1:17] {
			n += int(c)
		}
		if class > 1 || id > 3 || n > 256 || len(body) < 17+n {
			return FormatError("Huffman table")
		}
		t := new(huffman)
		if !t.build([16]byte(body[1:17]), body[17:17+n], class == 1) {
			return FormatError("Huffman codes overflow")
		}
		if class == 0 {
			d.dc[id] = t
		} else {
			d.ac[id] = t
		}
		body = body[17+n:]
	}
	return nil
}

// build fills the table with counts of codes of each length and their values.
// It reports false for more codes than there is room for.
func (t *huffman) build(counts [16]byte, values []byte, ac bool) bool {
	t.count = int32(copy(t.values[:], values))
	code, k := uint32(0), int32(0)
	for n := 1; n <= 16; n++ {
		t.offset[n] = k - int32(code)
		for range counts[n-1] {
			if code >= 1<<n {
				return false
			}
			if n <= lookBits {
				first := code << (lookBits - n)
				for i := range uint32(1) << (lookBits - n) {
					t.look[first+i] = uint16(n)<<8 | uint16(t.values[k])
				}
			}
			code++
			k++
		}
		t.limit[n] = code << (16 - n)
		code <<= 1
	}
	t.limit[17] = 1 << 16
	if !ac {
		return true
	}
	for i, entry := range t.look {
		length, run, size := int(entry>>8), int(entry>>4&15), int(entry&15)
		if length == 0 || size == 0 || length+size > lookBits {
			continue
		}
		v := extend(int32(i>>(lookBits-length-size))&(1<<size-1), size)
		if v >= -128 && v <= 127 {
			t.short[i] = int16(v<<8 | int32(run)<<4 | int32(length+size))
		}
	}
	return true
}

// extend gives a coefficient its sign, figure F.12.
func extend(v int32, size int) int32 {
	if v < 1<<(size-1) {
		v += -1<<size + 1
	}
	return v
}

// bits reads the data of a scan bit by bit.
type bits struct {
	data []byte
	pos  int
	acc  uint64 // the next bits, from the top
	n    int    // how many of them are valid
	// pad counts bits that were made up after the data of the scan ended. It
	// is an error once any of them is used, which is looked into after each
	// block instead of at each bit.
	pad int
}

// fill makes at least 56 bits valid.
func (b *bits) fill() {
	if b.pos+8 <= len(b.data) {
		v := binary.BigEndian.Uint64(b.data[b.pos:])
		// No byte of v is 0xff, else one may be stuffed or a marker.
		if x := ^v; (x-0x0101010101010101)&^x&0x8080808080808080 == 0 {
			b.acc |= v >> b.n
			k := (64 - b.n) >> 3
			b.pos += k
			b.n += 8 * k
			return
		}
	}
	for b.n <= 56 {
		v, ok := b.next()
		if !ok {
			b.pad += 8
		}
		b.acc |= uint64(v) << (56 - b.n)
		b.n += 8
	}
}

// next returns the next byte of the scan's data, and false at its end.
func (b *bits) next() (byte, bool) {
	if b.pos >= len(b.data) {
		return 0, false
	}
	v := b.data[b.pos]
	if v != 0xff {
		b.pos++
		return v, true
	}
	i := b.pos + 1
	for i < len(b.data) && b.data[i] == 0xff {
		i++
	}
	if i < len(b.data) && b.data[i] == 0 {
		b.pos = i + 1
		return 0xff, true
	}
	return 0, false // a marker, or the end of the file
}

// used returns an error if bits beyond the end of the data were used.
func (b *bits) used() error {
	if b.pad <= b.n {
		return nil
	}
	if b.pos+1 >= len(b.data) || b.data[b.pos+1] == markerEOI {
		return io.ErrUnexpectedEOF
	}
	return FormatError("a marker within a block")
}

// drop forgets the bits left of the byte, or what was made up.
func (b *bits) drop() { b.acc, b.n, b.pad = 0, 0, 0 }

// take returns the next n bits, at most 16.
func (b *bits) take(n int) int32 {
	if b.n < n {
		b.fill()
	}
	v := int32(b.acc >> (64 - n))
	b.acc <<= n
	b.n -= n
	return v
}

// receive reads a coefficient of the given size, section F.2.2.1.
func (b *bits) receive(size int) int32 {
	if size == 0 {
		return 0
	}
	return extend(b.take(size), size)
}

// code reads the value of one code; false where there is no such code.
func (b *bits) code(t *huffman) (byte, bool) {
	if b.n < 16 {
		b.fill()
	}
	if entry := t.look[b.acc>>(64-lookBits)]; entry != 0 {
		n := int(entry >> 8)
		b.acc <<= n
		b.n -= n
		return byte(entry), true
	}
	word := uint32(b.acc >> 48)
	n := lookBits + 1
	for word >= t.limit[n] {
		n++
	}
	if n > 16 {
		return 0, false
	}
	i := int32(word>>(16-n)) + t.offset[n]
	if i < 0 || i >= t.count {
		return 0, false
	}
	b.acc <<= n
	b.n -= n
	return t.values[i], true
}
