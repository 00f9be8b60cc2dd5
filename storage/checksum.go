package storage

import (
	"encoding/binary"
	"hash/crc32"
)

// castagnoli is CRC-32C (RFC 3720, appendix B.4), which amd64 and arm64
// compute in hardware.
var castagnoli = crc32.MakeTable(crc32.Castagnoli)

const sumSize = 4

// checksum covers the key with the value, so that a value under another key is
// as wrong as a value with a flipped bit.
func checksum(key, body []byte) uint32 {
	return crc32.Update(crc32.Update(0, castagnoli, key), castagnoli, body)
}

// seal appends the checksum to a value.
func seal(key, body []byte) []byte {
	return binary.LittleEndian.AppendUint32(body, checksum(key, body))
}

// unseal checks and removes the checksum of a value.
func unseal(key, value []byte) ([]byte, error) {
	if len(value) < sumSize {
		return nil, damaged("%d bytes are too few for a checksum", len(value))
	}
	body := value[: len(value)-sumSize : len(value)-sumSize]
	if binary.LittleEndian.Uint32(value[len(body):]) != checksum(key, body) {
		return nil, damaged("checksum does not match")
	}
	return body, nil
}
