package truth

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
	"hash/crc32"
	"io/fs"
	"math"
	"os"
	"path/filepath"
	"unsafe"

	"github.com/google/renameio/v2/maybe"

	"github.com/clipdb/clipdb/bench/npy"
)

// ErrFormat is returned for a cached file that cannot be trusted.
var ErrFormat = errors.New("not a file of nearest neighbours")

const (
	magic   = "clipdb truth 1\n\x00"
	maxRows = 1 << 26
	maxK    = 1 << 20
)

// Cache keeps truths in a folder.
type Cache struct{ Dir string }

// UserCache is the cache in the user's cache folder.
func UserCache() (Cache, error) {
	dir, err := os.UserCacheDir()
	if err != nil {
		return Cache{}, err
	}
	return Cache{filepath.Join(dir, "clipdb", "bench")}, nil
}

// Find returns the truth kept for these vectors, or finds and keeps it. A file
// that is damaged is made anew; a folder that cannot be written to is no error.
// It reports whether the answer was kept already.
func (c Cache) Find(ctx context.Context, base, queries npy.Matrix, k int) (*Truth, bool, error) {
	path := filepath.Join(c.Dir, "truth-"+Key(base, queries, k)+".bin")
	if data, err := os.ReadFile(path); err == nil {
		if t, err := Unmarshal(data); err == nil && t.K == min(k, base.Rows) && t.Queries() == queries.Rows {
			return t, true, nil
		}
	} else if !errors.Is(err, fs.ErrNotExist) {
		return nil, false, fmt.Errorf("nearest neighbours kept on disk: %w", err)
	}
	t, err := Find(ctx, base, queries, k)
	if err != nil {
		return nil, false, err
	}
	if err := os.MkdirAll(c.Dir, 0o755); err == nil {
		_ = maybe.WriteFile(path, t.Marshal(), 0o644) // next time they are found again
	}
	return t, false, nil
}

// Key is the hash that stands for base, queries and k.
func Key(base, queries npy.Matrix, k int) string {
	h := sha256.New()
	h.Write([]byte(magic))
	for _, m := range []npy.Matrix{base, queries} {
		var b []byte
		b = binary.LittleEndian.AppendUint64(b, uint64(m.Rows))
		b = binary.LittleEndian.AppendUint64(b, uint64(m.Cols))
		h.Write(b)
		// In the machine's byte order: a cache does not travel.
		if len(m.Data) > 0 {
			h.Write(unsafe.Slice((*byte)(unsafe.Pointer(&m.Data[0])), 4*len(m.Data)))
		}
	}
	h.Write(binary.LittleEndian.AppendUint64(nil, uint64(k)))
	return hex.EncodeToString(h.Sum(nil)[:16])
}

// Marshal writes t: magic, queries and k as uint32, ids, scores, and a CRC-32C
// of all before it, little endian.
func (t *Truth) Marshal() []byte {
	b := make([]byte, 0, len(magic)+8+8*len(t.IDs)+4)
	b = append(b, magic...)
	b = binary.LittleEndian.AppendUint32(b, uint32(t.Queries()))
	b = binary.LittleEndian.AppendUint32(b, uint32(t.K))
	for _, id := range t.IDs {
		b = binary.LittleEndian.AppendUint32(b, id)
	}
	for _, s := range t.Scores {
		b = binary.LittleEndian.AppendUint32(b, math.Float32bits(s))
	}
	return binary.LittleEndian.AppendUint32(b, crc32.Checksum(b, castagnoli))
}

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// Unmarshal reads what Marshal wrote.
func Unmarshal(b []byte) (*Truth, error) {
	if len(b) < len(magic)+12 || !bytes.HasPrefix(b, []byte(magic)) {
		return nil, fmt.Errorf("%w: no header", ErrFormat)
	}
	body, sum := b[:len(b)-4], binary.LittleEndian.Uint32(b[len(b)-4:])
	if crc32.Checksum(body, castagnoli) != sum {
		return nil, fmt.Errorf("%w: wrong checksum", ErrFormat)
	}
	body = body[len(magic):]
	rows, k := binary.LittleEndian.Uint32(body), binary.LittleEndian.Uint32(body[4:])
	body = body[8:]
	if rows > maxRows || k < 1 || k > maxK || uint64(len(body)) != 8*uint64(rows)*uint64(k) {
		return nil, fmt.Errorf("%w: %d x %d in %d bytes", ErrFormat, rows, k, len(body))
	}
	n := int(rows) * int(k)
	t := &Truth{K: int(k), IDs: make([]uint32, n), Scores: make([]float32, n)}
	for i := range n {
		t.IDs[i] = binary.LittleEndian.Uint32(body[4*i:])
		t.Scores[i] = math.Float32frombits(binary.LittleEndian.Uint32(body[4*(n+i):]))
	}
	return t, nil
}
