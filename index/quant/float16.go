package quant

import (
	"encoding/binary"
	"fmt"

	"github.com/clipdb/clipdb/internal/simd"
)

// Float16 keeps a vector as IEEE 754 binary16, two bytes a component: what
// exact re-ranking needs at half the size. A component loses at most 2^-11 of
// itself, the cosine of two unit vectors 2^-11 at most and a few 1e-5
// in practice. It has no state and its methods are safe for several goroutines.
type Float16 struct{}

// Encode writes v to dst, of the same length.
func (Float16) Encode(dst []uint16, v []float32) { simd.F32ToF16(dst, v) }

// Decode writes the vector that code stands for to dst, of the same length.
func (Float16) Decode(dst []float32, code []uint16) { simd.F16ToF32(dst, code) }

// Score is the cosine of a unit query and a coded unit vector.
func (Float16) Score(code []uint16, query []float32) float32 { return simd.DotF16(code, query) }

// AppendBytes appends code in the byte order of files, little endian.
func (Float16) AppendBytes(dst []byte, code []uint16) []byte {
	for _, h := range code {
		dst = binary.LittleEndian.AppendUint16(dst, h)
	}
	return dst
}

// ReadBytes reads len(dst) components from b, which must hold exactly those.
// Stored bits that are infinite or no number are refused.
func (Float16) ReadBytes(dst []uint16, b []byte) error {
	if len(b) != 2*len(dst) {
		return fmt.Errorf("%w: %d bytes for %d float16 components", ErrCodec, len(b), len(dst))
	}
	for i := range dst {
		h := binary.LittleEndian.Uint16(b[2*i:])
		if h&0x7c00 == 0x7c00 {
			return fmt.Errorf("%w: float16 component %d is not finite", ErrCodec, i)
		}
		dst[i] = h
	}
	return nil
}
