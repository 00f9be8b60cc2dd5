package pixel

import "encoding/binary"

// maxFrames bounds the count of pictures in one file; a hostile list of TIFF
// directories could go round in a circle.
const maxFrames = 1 << 16

// framesGIF counts the images of a GIF. A file that ends too soon counts as
// far as it goes.
func framesGIF(data []byte) int {
	count, i := 0, 13
	table := func(flags byte) int {
		if flags&0x80 == 0 {
			return 0
		}
		return 3 << (1 + flags&7)
	}
	if len(data) < i {
		return 1
	}
	i += table(data[10])
	blocks := func() { // runs of bytes, each after its length
		for i < len(data) && data[i] != 0 {
			i += 1 + int(data[i])
		}
		i++
	}
	for i+10 < len(data) && count < maxFrames {
		switch data[i] {
		case 0x21: // extension
			i += 2
			blocks()
		case 0x2c: // image
			count++
			i += 10 + table(data[i+9]) + 1
			blocks()
		default:
			return max(count, 1)
		}
	}
	return max(count, 1)
}

// framesPNG returns the number of frames of an animated PNG, which stands
// before the picture, or 1.
func framesPNG(data []byte) int {
	for i := 8; i+12 <= len(data); {
		n := int64(binary.BigEndian.Uint32(data[i:]))
		switch string(data[i+4 : i+8]) {
		case "acTL":
			if n == 8 && i+16 <= len(data) {
				return int(min(max(binary.BigEndian.Uint32(data[i+8:]), 1), maxFrames))
			}
		case "IDAT":
			return 1
		}
		if n > int64(len(data)-i-12) {
			return 1
		}
		i += int(n) + 12
	}
	return 1
}

// framesWebP counts the frames of an animation.
func framesWebP(data []byte) int {
	count := 0
	if len(data) > 12 {
		chunks(data[12:], func(id string, _ []byte) bool {
			if id == "ANMF" {
				count++
			}
			return count < maxFrames
		})
	}
	return max(count, 1)
}
