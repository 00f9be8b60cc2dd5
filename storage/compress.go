package storage

import (
	"bytes"
	"fmt"
	"sync"

	"github.com/klauspost/compress/zstd"
)

// maxPlain is the most that decompression may give. It is a guard against
// hostile files; what a Store takes in is limited by Options.MaxBlob.
const maxPlain = 1 << 30

// The codecs of stored bytes.
const (
	codecRaw  byte = 0
	codecZstd byte = 1
)

// compressor is the pair of zstd coders that all transactions of a Store
// share. EncodeAll and DecodeAll are safe for several goroutines.
type compressor struct {
	once sync.Once
	enc  *zstd.Encoder
	dec  *zstd.Decoder
	err  error
}

func (c *compressor) open() error {
	c.once.Do(func() {
		c.enc, c.err = zstd.NewWriter(nil, zstd.WithEncoderConcurrency(2), zstd.WithLowerEncoderMem(true), zstd.WithEncoderCRC(false))
		if c.err != nil {
			return
		}
		c.dec, c.err = zstd.NewReader(nil, zstd.WithDecoderConcurrency(2), zstd.WithDecoderMaxMemory(maxPlain), zstd.WithDecoderLowmem(true))
	})
	return c.err
}

func (c *compressor) close() {
	c.once.Do(func() {})
	if c.enc != nil {
		_ = c.enc.Close()
	}
	if c.dec != nil {
		c.dec.Close()
	}
}

// shrink returns data compressed, or nil when that saves less than a
// sixteenth: then the time to unpack it would be wasted.
func (c *compressor) shrink(data []byte) ([]byte, error) {
	if err := c.open(); err != nil {
		return nil, fmt.Errorf("zstd: %w", err)
	}
	packed := c.enc.EncodeAll(data, make([]byte, 0, len(data)))
	if len(packed) > len(data)-len(data)/16 {
		return nil, nil
	}
	return packed, nil
}

// expand is the reverse of shrink; size is what must come out.
func (c *compressor) expand(packed []byte, size uint64) ([]byte, error) {
	if size > maxPlain {
		return nil, damaged("%d bytes are declared", size)
	}
	if err := c.open(); err != nil {
		return nil, fmt.Errorf("zstd: %w", err)
	}
	var head zstd.Header
	if err := head.Decode(packed); err != nil {
		return nil, damaged("zstd: %v", err)
	}
	if head.HasFCS && head.FrameContentSize != size {
		return nil, damaged("zstd frame of %d bytes, %d are declared", head.FrameContentSize, size)
	}
	plain, err := c.dec.DecodeAll(packed, make([]byte, 0, size))
	if err != nil {
		return nil, damaged("zstd: %v", err)
	}
	if uint64(len(plain)) != size {
		return nil, damaged("zstd gave %d bytes, %d are declared", len(plain), size)
	}
	return plain, nil
}

// minShrink is the length from which compression is tried; shorter text has
// nothing that zstd could find twice.
const minShrink = 128

// packed lists the first bytes of formats that are compressed already.
var packed = []string{
	"\xff\xd8\xff",             // JPEG
	"\x89PNG\r\n\x1a\n",        // PNG
	"GIF8",                     // GIF
	"\x1f\x8b",                 // gzip
	"\x28\xb5\x2f\xfd",         // zstd
	"PK\x03\x04",               // zip
	"\xff\x0a",                 // JPEG XL
	"\x00\x00\x00\x0cJXL \r\n", // JPEG XL in a box
}

// compressible is a cheap look at the first bytes.
func compressible(data []byte) bool {
	for _, magic := range packed {
		if bytes.HasPrefix(data, []byte(magic)) {
			return false
		}
	}
	if len(data) >= 12 {
		riff := string(data[:4]) == "RIFF" && string(data[8:12]) == "WEBP"
		heif := string(data[4:8]) == "ftyp" // HEIC, AVIF
		if riff || heif {
			return false
		}
	}
	return len(data) >= minShrink
}
