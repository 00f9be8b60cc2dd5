package pixel

import (
	"context"
	"encoding/binary"

	"golang.org/x/image/tiff"
)

// tiffOrder returns the byte order of a TIFF.
func tiffOrder(data []byte) binary.ByteOrder {
	if data[0] == 'M' {
		return binary.BigEndian
	}
	return binary.LittleEndian
}

// framesTIFF counts the directories of a TIFF.
func framesTIFF(data []byte) int {
	if len(data) < 8 {
		return 1
	}
	order := tiffOrder(data)
	count := 0
	for at := int64(order.Uint32(data[4:])); at > 0 && at+2 <= int64(len(data)) && count < maxFrames; count++ {
		next := at + 2 + 12*int64(order.Uint16(data[at:]))
		if next+4 > int64(len(data)) {
			count++
			break
		}
		at = int64(order.Uint32(data[next:]))
	}
	return max(count, 1)
}

// decodeTIFF decodes the first directory. Package tiff gives fax codes the
// colours that they have where zero is white; where the file says that zero
// is black they are the other way round.
func decodeTIFF(ctx context.Context, data []byte, s size) (*RGB, error) {
	m, err := with(tiff.Decode)(ctx, data, s)
	if err == nil && faxBlackIsZero(data) {
		for i, v := range m.Pix {
			m.Pix[i] = 255 - v
		}
	}
	return m, err
}

// faxBlackIsZero reports whether the first directory of a TIFF holds CCITT
// codes of a picture in which zero is black.
func faxBlackIsZero(data []byte) bool {
	const compression, photometric = 259, 262
	if len(data) < 8 {
		return false
	}
	order := tiffOrder(data)
	at := int64(order.Uint32(data[4:]))
	if at+2 > int64(len(data)) {
		return false
	}
	fax, blackIsZero := false, false
	for n := order.Uint16(data[at:]); n > 0; n-- {
		entry := at + 2 + 12*int64(n-1)
		if entry+12 > int64(len(data)) {
			continue
		}
		value := order.Uint16(data[entry+8:])
		switch order.Uint16(data[entry:]) {
		case compression:
			fax = value == 3 || value == 4
		case photometric:
			blackIsZero = value == 1
		}
	}
	return fax && blackIsZero
}
