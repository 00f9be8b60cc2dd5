package page

import (
	"encoding/binary"
	"hash/crc32"
	"slices"
)

// Reseal returns a copy of a page with key and checksum put right, for tests
// that try damage behind the checksum.
func Reseal(raw []byte, key uint32) []byte {
	p := slices.Clone(raw)
	if len(p) >= frame {
		binary.LittleEndian.PutUint32(p[4:], key)
		binary.LittleEndian.PutUint32(p, crc32.Checksum(p[4:], castagnoli))
	}
	return p
}
