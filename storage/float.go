package storage

import (
	"encoding/binary"
	"math"
	"slices"
	"unsafe"
)

// littleEndian says whether float32 lie in memory as they lie in the file.
var littleEndian = binary.NativeEndian.Uint16([]byte{1, 0}) == 1

// floatBytes views floats as the bytes they are made of, in native order.
func floatBytes(v []float32) []byte {
	return unsafe.Slice((*byte)(unsafe.Pointer(unsafe.SliceData(v))), len(v)*4)
}

// putFloats writes v little-endian; b has four bytes for each component.
func putFloats(b []byte, v []float32) {
	if littleEndian {
		copy(b, floatBytes(v))
		return
	}
	for i, f := range v {
		binary.LittleEndian.PutUint32(b[4*i:], math.Float32bits(f))
	}
}

// appendFloats appends what putFloats wrote. b may lie at any address.
func appendFloats(dst []float32, b []byte) []float32 {
	n := len(b) / 4
	start := len(dst)
	dst = slices.Grow(dst, n)[:start+n]
	if littleEndian {
		copy(floatBytes(dst[start:]), b)
		return dst
	}
	for i := range n {
		dst[start+i] = math.Float32frombits(binary.LittleEndian.Uint32(b[4*i:]))
	}
	return dst
}
