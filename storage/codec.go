package storage

import (
	"encoding/binary"
	"fmt"
	"math"
	"time"
	"unicode/utf8"
)

// The value of a record, version 1. Integers are varints (zigzag where they
// may be negative), so the common record takes few bytes:
//
//	version (1), one byte
//	flags, one byte
//	slot
//	model number, 0 for none
//	created, nanoseconds since 1970, when flagCreated
//	updated, likewise, as its difference to created, when flagUpdated
//	image, when flagImage:
//	    SHA-256 of the original, 32 bytes
//	    image flags, one byte
//	    format: length, bytes
//	    width, height, size, frames
//	    blob, 32 bytes, when imageBlob and it is not the SHA-256 above
//	    thumbnail, 32 bytes, when imageThumbnail
//	caption length, attributes length
//	when flagPacked: length, zstd of caption and attributes together
//	else: caption, attributes
//	CRC-32C of the id and all before it, uint32 little-endian
//
// Equal records give equal bytes. A reader refuses versions and flags that it
// does not know: they come with a new format number of the file, and guessing
// at half of a record would lose the other half at the next write.
const recordVersion = 1

const (
	flagCreated byte = 1 << iota
	flagUpdated
	flagImage
	flagPacked
	flagsKnown = 1<<iota - 1
)

const (
	imageBlob      byte = 1 << iota // the original is kept
	imageOther                      // ... under another hash than its SHA-256
	imageThumbnail                  // there is a thumbnail
	imageKnown     = 1<<iota - 1
)

func encodeRecord(r *Record, model uint64, z *compressor) ([]byte, error) {
	text := append([]byte(r.Caption), r.Attrs...)
	var small []byte
	if len(text) >= minShrink {
		var err error
		if small, err = z.shrink(text); err != nil {
			return nil, fmt.Errorf("record %q: %w", r.ID, err)
		}
	}
	var flags byte
	for flag, set := range map[byte]bool{
		flagCreated: !r.Created.IsZero(), flagUpdated: !r.Updated.IsZero(),
		flagImage: r.Image != nil, flagPacked: small != nil,
	} {
		if set {
			flags |= flag
		}
	}
	b := make([]byte, 0, 192+len(text))
	b = append(b, recordVersion, flags)
	b = binary.AppendUvarint(b, uint64(r.Slot))
	b = binary.AppendUvarint(b, model)
	var created int64
	if flags&flagCreated != 0 {
		created = r.Created.UnixNano()
		b = binary.AppendVarint(b, created)
	}
	if flags&flagUpdated != 0 {
		b = binary.AppendVarint(b, r.Updated.UnixNano()-created)
	}
	if r.Image != nil {
		b = appendImage(b, r.Image)
	}
	b = binary.AppendUvarint(b, uint64(len(r.Caption)))
	b = binary.AppendUvarint(b, uint64(len(r.Attrs)))
	if small != nil {
		b = binary.AppendUvarint(b, uint64(len(small)))
		b = append(b, small...)
	} else {
		b = append(b, text...)
	}
	return seal([]byte(r.ID), b), nil
}

func appendImage(b []byte, i *ImageRef) []byte {
	var flags byte
	if !i.Blob.IsZero() {
		flags |= imageBlob
		if i.Blob != i.SHA256 {
			flags |= imageOther
		}
	}
	if !i.Thumbnail.IsZero() {
		flags |= imageThumbnail
	}
	b = append(b, i.SHA256[:]...)
	b = append(b, flags)
	b = binary.AppendUvarint(b, uint64(len(i.Format)))
	b = append(b, i.Format...)
	for _, n := range []uint64{uint64(i.Width), uint64(i.Height), uint64(i.Size), uint64(i.Frames)} {
		b = binary.AppendUvarint(b, n)
	}
	if flags&imageOther != 0 {
		b = append(b, i.Blob[:]...)
	}
	if flags&imageThumbnail != 0 {
		b = append(b, i.Thumbnail[:]...)
	}
	return b
}

// decodeRecord returns the record, which shares no memory with value, and the
// number of its model.
func decodeRecord(id string, value []byte, z *compressor) (*Record, uint64, error) {
	if len(id) == 0 || len(id) > MaxID || !utf8.ValidString(id) {
		return nil, 0, damaged("id of %d bytes", len(id))
	}
	if len(value) > 2*(MaxCaption+MaxAttrs) {
		return nil, 0, damaged("%d bytes", len(value))
	}
	body, err := unseal([]byte(id), value)
	if err != nil {
		return nil, 0, err
	}
	if len(body) < 2 {
		return nil, 0, damaged("%d bytes", len(body))
	}
	if body[0] != recordVersion || body[1]&^flagsKnown != 0 {
		return nil, 0, fmt.Errorf("%w: version %d, flags %#x", ErrNewerFormat, body[0], body[1])
	}
	flags := body[1]
	d := decoder{b: body[2:]}
	r := &Record{ID: id, Slot: uint32(d.below(1 << 32))}
	model := d.uvarint()
	var created int64
	if flags&flagCreated != 0 {
		created = d.varint()
		r.Created = time.Unix(0, created).UTC()
	}
	if flags&flagUpdated != 0 {
		r.Updated = time.Unix(0, created+d.varint()).UTC()
	}
	if flags&flagImage != 0 {
		if r.Image, err = decodeImage(&d); err != nil {
			return nil, 0, err
		}
	}
	caption, attrs := d.below(MaxCaption+1), d.below(MaxAttrs+1)
	text := d.rest()
	if flags&flagPacked != 0 {
		d = decoder{b: text, err: d.err}
		text = d.bytes(d.uvarint())
		if err := d.end(); err != nil {
			return nil, 0, err
		}
		if text, err = z.expand(text, caption+attrs); err != nil {
			return nil, 0, err
		}
	}
	switch {
	case d.err != nil:
		return nil, 0, d.err
	case uint64(len(text)) != caption+attrs:
		return nil, 0, damaged("%d bytes of text, %d are declared", len(text), caption+attrs)
	}
	r.Caption = string(text[:caption])
	if !utf8.ValidString(r.Caption) {
		return nil, 0, damaged("its caption is not UTF-8")
	}
	if attrs > 0 {
		r.Attrs = append(make([]byte, 0, attrs), text[caption:]...)
	}
	return r, model, nil
}

func decodeImage(d *decoder) (*ImageRef, error) {
	i := &ImageRef{}
	copy(i.SHA256[:], d.bytes(32))
	flags := d.byte()
	if d.err == nil && flags&^imageKnown != 0 {
		return nil, fmt.Errorf("%w: image flags %#x", ErrNewerFormat, flags)
	}
	i.Format = string(d.bytes(d.below(MaxFormat + 1)))
	if !utf8.ValidString(i.Format) {
		d.fail("its image format is not UTF-8")
	}
	i.Width, i.Height = int(d.below(1<<31)), int(d.below(1<<31))
	i.Size = int64(d.below(math.MaxInt64))
	i.Frames = int(d.below(1 << 31))
	switch {
	case flags&imageOther != 0:
		copy(i.Blob[:], d.bytes(32))
	case flags&imageBlob != 0:
		i.Blob = i.SHA256
	}
	if flags&imageThumbnail != 0 {
		copy(i.Thumbnail[:], d.bytes(32))
	}
	return i, d.err
}

// decoder reads the parts of a value; after the first error it gives zeros.
type decoder struct {
	b   []byte
	err error
}

func (d *decoder) fail(format string, args ...any) {
	if d.err == nil {
		d.err = damaged(format, args...)
	}
	d.b = nil
}

func (d *decoder) uvarint() uint64 {
	n, size := binary.Uvarint(d.b)
	if size <= 0 {
		d.fail("it ends inside a number")
		return 0
	}
	d.b = d.b[size:]
	return n
}

func (d *decoder) varint() int64 {
	n, size := binary.Varint(d.b)
	if size <= 0 {
		d.fail("it ends inside a number")
		return 0
	}
	d.b = d.b[size:]
	return n
}

// below is uvarint with a limit that the number must stay under.
func (d *decoder) below(limit uint64) uint64 {
	n := d.uvarint()
	if n >= limit {
		d.fail("%d where less than %d should be", n, limit)
		return 0
	}
	return n
}

func (d *decoder) byte() byte {
	if b := d.bytes(1); len(b) == 1 {
		return b[0]
	}
	return 0
}

// bytes returns the next n bytes, which lie in the value.
func (d *decoder) bytes(n uint64) []byte {
	if n > uint64(len(d.b)) {
		d.fail("it ends %d bytes early", n-uint64(len(d.b)))
		return nil
	}
	b := d.b[:n:n]
	d.b = d.b[n:]
	return b
}

func (d *decoder) rest() []byte { return d.bytes(uint64(len(d.b))) }

// end reports the first error, or bytes that nothing has asked for.
func (d *decoder) end() error {
	if d.err == nil && len(d.b) > 0 {
		d.fail("%d bytes too many", len(d.b))
	}
	return d.err
}
