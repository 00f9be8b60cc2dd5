package storage

import (
	"encoding/binary"
	"fmt"
	"strconv"

	"go.etcd.io/bbolt"
)

// bucketID names one of the top-level buckets of the file.
type bucketID uint8

const (
	bucketClipdb   bucketID = iota // "format" and "state"
	bucketMeta                     // key -> value, crc
	bucketModels                   // number u32 -> model fingerprint, crc
	bucketRecords                  // id -> record
	bucketSlots                    // slot u32 -> id
	bucketFree                     // slot u32 -> crc: slots to hand out again
	bucketVectors                  // page u32 -> rows of several slots
	bucketBlobs                    // sha256 -> header: number, codec, sizes, references
	bucketData                     // blob number u64 -> bucket of chunk u32 -> bytes
	bucketLog                      // sequence u64 -> operation, slot
	bucketSpaces                   // space name -> bucket of page u32 -> bytes, crc
	bucketFailures                 // id -> reason, time
	bucketVectors2                 // as bucketVectors: of the two one is served, see state.served
	bucketAudit                    // sequence u64 -> what was done to which ids
	bucketCount
)

var bucketNames = [bucketCount]string{
	"clipdb", "meta", "models", "records", "slots", "free", "vectors",
	"blobs", "data", "log", "spaces", "failures", "vectors2", "audit",
}

// bucketNouns are what errors and problems call one entry of each bucket.
var bucketNouns = [bucketCount]string{
	"header", "meta value", "model", "record", "slot", "free slot", "vector page",
	"blob", "blob data", "log entry", "index page", "failure", "vector page", "audit entry",
}

func (b bucketID) name() []byte { return []byte(bucketNames[b]) }
func (b bucketID) noun() string { return bucketNouns[b] }

// fill is how full the pages of a bucket are packed when its keys come in
// order: full where keys only ever grow, with some room where they do not.
func (b bucketID) fill() float64 {
	switch b {
	case bucketData, bucketVectors, bucketVectors2, bucketLog, bucketAudit:
		return 1
	}
	return 0.9
}

// createBuckets makes every bucket that is not there yet.
func createBuckets(tx *bbolt.Tx) error {
	for b := range bucketCount {
		if _, err := tx.CreateBucketIfNotExists(b.name()); err != nil {
			return fmt.Errorf("creating bucket %s: %w", bucketNames[b], err)
		}
	}
	return nil
}

func key32(n uint32) []byte { return binary.BigEndian.AppendUint32(nil, n) }
func key64(n uint64) []byte { return binary.BigEndian.AppendUint64(nil, n) }

// number prints a numeric key; keys of a wrong length are shown as they are.
func number(key []byte) string {
	switch len(key) {
	case 4:
		return strconv.FormatUint(uint64(binary.BigEndian.Uint32(key)), 10)
	case 8:
		return strconv.FormatUint(binary.BigEndian.Uint64(key), 10)
	}
	return fmt.Sprintf("%q", key)
}
