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

// ResealAll puts all checksums right in pages, the ones in the header
// included, for tests that try damage behind the checksums.
func ResealAll(pages map[uint32][]byte) {
	for key, p := range pages {
		if key != 0 {
			pages[key] = Reseal(p, key)
		}
	}
	head := slices.Clone(pages[0])
	if len(head) >= frame+20 {
		at := uint64(frame) + 20 + uint64(binary.LittleEndian.Uint32(head[frame+16:])) + 4
		for ; at+8 <= uint64(len(head)); at += 8 {
			if p := pages[binary.LittleEndian.Uint32(head[at:])]; len(p) >= frame {
				copy(head[at+4:], p[:4])
			}
		}
	}
	pages[0] = Reseal(head, 0)
}
