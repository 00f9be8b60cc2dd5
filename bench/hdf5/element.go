package hdf5

import (
	"encoding/binary"
	"fmt"
	"math"
)

// element is the type of a dataset's numbers.
type element struct {
	class  byte // 0 integers, 1 floating point
	signed bool
	size   uint64 // bytes
}

// elementOf reads a datatype message (IV.A.2.d).
func elementOf(b []byte) (element, error) {
	if len(b) < 8 {
		return element{}, fmt.Errorf("%w: no datatype", ErrFormat)
	}
	e := element{class: b[0] & 15, signed: b[1]&8 != 0, size: uint64(binary.LittleEndian.Uint32(b[4:]))}
	if b[1]&1 != 0 || e.class == 1 && b[1]&64 != 0 {
		return e, fmt.Errorf("%w: big-endian numbers", ErrUnsupported)
	}
	switch {
	case e.class == 0 && (e.size == 1 || e.size == 2 || e.size == 4):
	case e.class == 1 && (e.size == 4 || e.size == 8):
	default:
		return e, fmt.Errorf("%w: datatype of class %d and %d bytes", ErrUnsupported, e.class, e.size)
	}
	return e, nil
}

// append appends the numbers in b.
func (e element) append(dst []float32, b []byte) []float32 {
	size := int(e.size)
	for ; len(b) >= size; b = b[size:] {
		switch {
		case e.class == 1 && size == 4:
			dst = append(dst, math.Float32frombits(binary.LittleEndian.Uint32(b)))
		case e.class == 1:
			dst = append(dst, float32(math.Float64frombits(binary.LittleEndian.Uint64(b))))
		default:
			dst = append(dst, e.integer(b))
		}
	}
	return dst
}

func (e element) integer(b []byte) float32 {
	var v uint32
	for i := range e.size {
		v |= uint32(b[i]) << (8 * i)
	}
	if e.signed {
		shift := 32 - 8*e.size
		return float32(int32(v<<shift) >> shift)
	}
	return float32(v)
}

// filter is what a chunk went through on its way into the file (VI.E).
type filter uint16

const (
	deflate    filter = 1
	shuffle    filter = 2
	fletcher32 filter = 3

	maxFilters = 32
	maxChunk   = 1 << 28 // bytes of an unpacked chunk
)

// filtersOf reads a filter pipeline message (IV.A.2.l); b is nil without one.
func filtersOf(b []byte) ([]filter, error) {
	if b == nil {
		return nil, nil
	}
	if len(b) < 2 || b[0] < 1 || b[0] > 2 || b[1] > maxFilters {
		return nil, fmt.Errorf("%w: filter pipeline", ErrFormat)
	}
	version, n := b[0], int(b[1])
	at, head := 8, 8
	if version == 2 {
		at, head = 2, 6
	}
	var out []filter
	for range n {
		if len(b) < at+head {
			return nil, fmt.Errorf("%w: filter pipeline cut off", ErrFormat)
		}
		id := filter(binary.LittleEndian.Uint16(b[at:]))
		if id != deflate && id != shuffle && id != fletcher32 {
			return nil, fmt.Errorf("%w: filter %d", ErrUnsupported, id)
		}
		out = append(out, id)
		// Version 2 leaves out the length of the name of filters below 256.
		name := 0
		if version == 1 {
			name = int(binary.LittleEndian.Uint16(b[at+2:]))
			at += 2
		}
		values := int(binary.LittleEndian.Uint16(b[at+4:]))
		at += 6
		if version == 1 {
			at += (name + 7) &^ 7
			values += values & 1
		}
		at += 4 * values
	}
	return out, nil
}
