package quant

import (
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"math"
)

// ErrCodec is returned for the stored form of a codec, or of codes, that
// cannot be used. The codec must be trained anew and all codes made again.
var ErrCodec = errors.New("stored codec is damaged or of another kind")

// MaxDim bounds the dimension of vectors: below it no int32 sum of a kernel
// can overflow.
const MaxDim = 32768

// The stored form, little endian: "cqnt", kind, version, two zero bytes,
// dimension (uint32), seed (uint64), step (float32, 0 where there is none),
// the mean (float32 each), CRC-32C of all that.
const (
	storedMagic   = "cqnt"
	storedVersion = 1
	kindInt8      = 1
	kindBinary    = 2
	storedHead    = 24
)

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

type stored struct {
	kind uint8
	dim  int
	seed uint64
	step float32
	mean []float32
}

func (s stored) append(b []byte) []byte {
	start := len(b)
	b = append(b, storedMagic...)
	b = append(b, s.kind, storedVersion, 0, 0)
	b = binary.LittleEndian.AppendUint32(b, uint32(s.dim))
	b = binary.LittleEndian.AppendUint64(b, s.seed)
	b = binary.LittleEndian.AppendUint32(b, math.Float32bits(s.step))
	for _, m := range s.mean[:s.dim] {
		b = binary.LittleEndian.AppendUint32(b, math.Float32bits(m))
	}
	return binary.LittleEndian.AppendUint32(b, crc32.Checksum(b[start:], castagnoli))
}

func readStored(b []byte, kind uint8) (stored, error) {
	var s stored
	if len(b) < storedHead+4 || string(b[:4]) != storedMagic {
		return s, fmt.Errorf("%w: %d bytes without the mark %q", ErrCodec, len(b), storedMagic)
	}
	body := b[:len(b)-4]
	if crc32.Checksum(body, castagnoli) != binary.LittleEndian.Uint32(b[len(b)-4:]) {
		return s, fmt.Errorf("%w: wrong checksum", ErrCodec)
	}
	if b[4] != kind || b[5] != storedVersion || b[6] != 0 || b[7] != 0 {
		return s, fmt.Errorf("%w: kind %d version %d, want kind %d version %d", ErrCodec, b[4], b[5], kind, storedVersion)
	}
	dim := binary.LittleEndian.Uint32(b[8:])
	if dim < 1 || dim > MaxDim || len(body) != storedHead+4*int(dim) {
		return s, fmt.Errorf("%w: dimension %d in %d bytes", ErrCodec, dim, len(b))
	}
	s = stored{kind: kind, dim: int(dim), seed: binary.LittleEndian.Uint64(b[12:])}
	s.step = math.Float32frombits(binary.LittleEndian.Uint32(b[20:]))
	if kind == kindInt8 && !(s.step >= minStep && s.step <= 1) || kind != kindInt8 && s.step != 0 {
		return s, fmt.Errorf("%w: step %v", ErrCodec, s.step)
	}
	s.mean = make([]float32, dim)
	for i := range s.mean {
		m := math.Float32frombits(binary.LittleEndian.Uint32(body[storedHead+4*i:]))
		if !(m >= -1 && m <= 1) { // the mean of unit vectors
			return s, fmt.Errorf("%w: component %d of the mean is %v", ErrCodec, i, m)
		}
		s.mean[i] = m
	}
	return s, nil
}

// AppendBinary appends the stored form of c to b. The error is always nil.
func (c *Int8) AppendBinary(b []byte) ([]byte, error) {
	return stored{kindInt8, c.dim, c.seed, c.step, c.mean}.append(b), nil
}

// MarshalBinary returns the stored form of c. The error is always nil.
func (c *Int8) MarshalBinary() ([]byte, error) { return c.AppendBinary(nil) }

// ReadInt8 makes the codec that b is the stored form of. What it returns codes
// and scores to the bit as the codec that was stored, on every machine.
func ReadInt8(b []byte) (*Int8, error) {
	s, err := readStored(b, kindInt8)
	if err != nil {
		return nil, err
	}
	return newInt8(s.dim, s.seed, s.step, s.mean), nil
}

// AppendBinary appends the stored form of b to dst. The error is always nil.
func (b *Binary) AppendBinary(dst []byte) ([]byte, error) {
	return stored{kindBinary, b.dim, b.seed, 0, b.mean}.append(dst), nil
}

// MarshalBinary returns the stored form of b. The error is always nil.
func (b *Binary) MarshalBinary() ([]byte, error) { return b.AppendBinary(nil) }

// ReadBinary makes the codec that b is the stored form of, as ReadInt8 does.
func ReadBinary(b []byte) (*Binary, error) {
	s, err := readStored(b, kindBinary)
	if err != nil {
		return nil, err
	}
	return newBinary(s.dim, s.seed, s.mean), nil
}
