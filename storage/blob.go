package storage

import (
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"fmt"
	"slices"
)

// chunkSize is how much of a blob one value holds.
const chunkSize = 64 << 10

// blobHead is the value of bucket blobs under the hash of the content.
type blobHead struct {
	number     uint64 // key in bucket data
	codec      byte
	size       uint64 // of the content
	stored     uint64 // of the chunks together
	chunk      uint64 // size of each chunk but the last
	images     uint64 // records that have it as their image
	thumbnails uint64 // records that have it as their thumbnail
}

const blobVersion = 1

func (h *blobHead) encode(key Hash) []byte {
	b := []byte{blobVersion, h.codec}
	for _, n := range []uint64{h.number, h.size, h.stored, h.chunk, h.images, h.thumbnails} {
		b = binary.AppendUvarint(b, n)
	}
	return seal(key[:], b)
}

func decodeBlobHead(key, value []byte) (*blobHead, error) {
	if len(key) != sha256.Size {
		return nil, damaged("key of %d bytes", len(key))
	}
	body, err := unseal(key, value)
	if err != nil {
		return nil, err
	}
	if len(body) < 2 || body[0] != blobVersion {
		return nil, damaged("its head is of an unknown version")
	}
	h := &blobHead{codec: body[1]}
	d := decoder{b: body[2:]}
	for _, n := range []*uint64{&h.number, &h.size, &h.stored, &h.chunk, &h.images, &h.thumbnails} {
		*n = d.uvarint()
	}
	if err := d.end(); err != nil {
		return nil, err
	}
	switch {
	case h.codec != codecRaw && h.codec != codecZstd:
		return nil, damaged("codec %d is unknown", h.codec)
	case h.codec == codecRaw && h.size != h.stored,
		h.size == 0 || h.size > maxPlain || h.stored == 0 || h.stored > maxPlain,
		h.chunk == 0 || h.chunk > maxPlain:
		return nil, damaged("%d bytes stored as %d in chunks of %d", h.size, h.stored, h.chunk)
	}
	return h, nil
}

func (h *blobHead) used() bool { return h.images+h.thumbnails > 0 }

// PutBlob stores bytes under their SHA-256 and returns it. Bytes that are
// there already are not stored again. A blob that no record refers to when the
// transaction ends is dropped. The bytes are copied.
func (t *Tx) PutBlob(data []byte) (Hash, error) {
	if err := t.open(true); err != nil {
		return Hash{}, err
	}
	switch {
	case len(data) == 0:
		return Hash{}, fmt.Errorf("%w: an empty blob", ErrInvalid)
	case int64(len(data)) > t.s.maxBlob:
		return Hash{}, fmt.Errorf("%w: blob of %d bytes (limit %d)", ErrTooLarge, len(data), t.s.maxBlob)
	}
	hash := Hash(sha256.Sum256(data))
	head, err := t.blobHead(hash)
	if head != nil || err != nil {
		return hash, err
	}
	st, err := t.state()
	if err != nil {
		return Hash{}, err
	}
	stored, codec, err := t.pack(data)
	if err != nil {
		return Hash{}, err
	}
	st.lastBlob++
	t.changed()
	head = &blobHead{
		number: st.lastBlob, codec: codec,
		size: uint64(len(data)), stored: uint64(len(stored)), chunk: chunkSize,
	}
	if err := t.putChunks(head.number, stored); err != nil {
		return Hash{}, err
	}
	t.unused(hash)
	return hash, t.put(bucketBlobs, hash[:], head.encode(hash))
}

// pack compresses data when that pays, and copies it otherwise.
func (t *Tx) pack(data []byte) ([]byte, byte, error) {
	if compressible(data) {
		small, err := t.s.zstd.shrink(data)
		if err != nil {
			return nil, 0, err
		}
		if small != nil {
			return small, codecZstd, nil
		}
	}
	return bytes.Clone(data), codecRaw, nil
}

// putChunks gives each blob a bucket of its own: bbolt rewrites a leaf whole,
// so chunks of different blobs in one leaf would be written again and again.
func (t *Tx) putChunks(number uint64, stored []byte) (err error) {
	defer t.guard(&err, bucketData)
	t.dirty = true
	b, err := t.bucket(bucketData).CreateBucket(key64(number))
	if err != nil {
		return fmt.Errorf("writing blob %d: %w", number, err)
	}
	b.FillPercent = 1
	n := uint32(0)
	for chunk := range slices.Chunk(stored, chunkSize) {
		if err := b.Put(key32(n), chunk); err != nil {
			return fmt.Errorf("writing chunk %d of blob %d: %w", n, number, err)
		}
		n++
	}
	return nil
}

// Blob returns the bytes stored under a hash, verified against it.
func (t *Tx) Blob(h Hash) ([]byte, error) {
	if err := t.open(false); err != nil {
		return nil, err
	}
	head, err := t.blobHead(h)
	if err != nil {
		return nil, err
	}
	if head == nil {
		return nil, fmt.Errorf("blob %s: %w", h, ErrNotFound)
	}
	data, err := t.readBlob(h, head)
	if err != nil {
		return nil, located(err, bucketBlobs, h.String())
	}
	return data, nil
}

func (t *Tx) readBlob(h Hash, head *blobHead) ([]byte, error) {
	data, err := t.readChunks(head)
	if err != nil {
		return nil, err
	}
	if head.codec == codecZstd {
		if data, err = t.s.zstd.expand(data, head.size); err != nil {
			return nil, err
		}
	}
	if sha256.Sum256(data) != h {
		return nil, damaged("its bytes do not have this hash")
	}
	return data, nil
}

func (t *Tx) readChunks(head *blobHead) (_ []byte, err error) {
	defer t.guard(&err, bucketData)
	if !t.writable && head.stored > uint64(t.b.Size()) { // before anything is allocated
		return nil, damaged("%d bytes are more than the file has", head.stored)
	}
	b := t.bucket(bucketData).Bucket(key64(head.number))
	if b == nil {
		return nil, damaged("its data (number %d) is missing", head.number)
	}
	data := make([]byte, 0, head.stored)
	n := uint32(0)
	c := b.Cursor()
	for k, v := c.First(); k != nil; k, v = c.Next() {
		rest := head.stored - uint64(len(data))
		if !bytes.Equal(k, key32(n)) || uint64(len(v)) != min(head.chunk, rest) || rest == 0 {
			return nil, damaged("chunk %s has %d bytes where chunk %d of %d bytes should be", number(k), len(v), n, min(head.chunk, rest))
		}
		data = append(data, v...)
		n++
	}
	if uint64(len(data)) != head.stored {
		return nil, damaged("it has %d bytes of %d", len(data), head.stored)
	}
	return data, nil
}

// BlobSize is the length of the content of a blob, false when there is none.
func (t *Tx) BlobSize(h Hash) (int64, bool) {
	if err := t.open(false); err != nil {
		t.fail(err)
		return 0, false
	}
	head, err := t.blobHead(h)
	if err != nil {
		t.fail(err)
	}
	if head == nil {
		return 0, false
	}
	return int64(head.size), true
}

// blobHead is nil when there is no such blob.
func (t *Tx) blobHead(h Hash) (*blobHead, error) {
	v, err := t.get(bucketBlobs, h[:])
	if v == nil || err != nil {
		return nil, err
	}
	head, err := decodeBlobHead(h[:], v)
	if err != nil {
		return nil, located(err, bucketBlobs, h.String())
	}
	return head, nil
}

// blobUse is the part a blob plays in a record.
type blobUse uint8

const (
	useImage blobUse = iota
	useThumbnail
)

// refer adds by (1 or -1) to the references of a blob.
func (t *Tx) refer(h Hash, use blobUse, by int) error {
	if h.IsZero() {
		return nil
	}
	head, err := t.blobHead(h)
	if err != nil {
		return err
	}
	if head == nil {
		return fmt.Errorf("blob %s: %w: PutBlob comes before PutRecord", h, ErrNotFound)
	}
	st, err := t.state()
	if err != nil {
		return err
	}
	count := &head.images
	if use == useThumbnail {
		count = &head.thumbnails
	}
	if by < 0 && *count == 0 {
		return corrupt(bucketBlobs, h.String(), "it has fewer references than records")
	}
	st.account(head, -1)
	*count += uint64(by)
	st.account(head, 1)
	t.changed()
	if !head.used() {
		t.unused(h)
	}
	return t.put(bucketBlobs, h[:], head.encode(h))
}

// account adds a blob to the counters of its kind, or takes it away: a blob in
// use as an image counts as one, even if it is a thumbnail as well.
func (s *state) account(head *blobHead, by int) {
	n, size := &s.images, &s.imageBytes
	if head.images == 0 {
		n, size = &s.thumbnails, &s.thumbnailBytes
	}
	if head.used() {
		*n += uint64(by)
		*size += uint64(by) * head.stored
	}
}

func (t *Tx) unused(h Hash) {
	if t.zero == nil {
		t.zero = make(map[Hash]struct{})
	}
	t.zero[h] = struct{}{}
}

// dropUnused deletes the blobs that lost their last reference in this
// transaction, or never got one.
func (t *Tx) dropUnused() error {
	hashes := make([]Hash, 0, len(t.zero))
	for h := range t.zero {
		hashes = append(hashes, h)
	}
	slices.SortFunc(hashes, func(a, b Hash) int { return bytes.Compare(a[:], b[:]) })
	for _, h := range hashes {
		head, err := t.blobHead(h)
		if err != nil {
			return err
		}
		if head == nil || head.used() {
			continue
		}
		if err := t.dropBlob(h, head); err != nil {
			return err
		}
	}
	t.zero = nil
	return nil
}

func (t *Tx) dropBlob(h Hash, head *blobHead) (err error) {
	defer t.guard(&err, bucketData)
	if err := t.bucket(bucketData).DeleteBucket(key64(head.number)); err != nil {
		return corrupt(bucketBlobs, h.String(), "deleting its data (number %d): %v", head.number, err)
	}
	return t.delete(bucketBlobs, h[:])
}
