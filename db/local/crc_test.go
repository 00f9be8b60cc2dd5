package local_test

import "hash/crc32"

// crcOf is the checksum of a value under a key: CRC-32C over both.
func crcOf(key string, value []byte) uint32 {
	table := crc32.MakeTable(crc32.Castagnoli)
	return crc32.Update(crc32.Update(0, table, []byte(key)), table, value)
}
