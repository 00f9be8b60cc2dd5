package storage

import "encoding/hex"

// Hash is the SHA-256 of a blob's bytes, which is also its name.
type Hash [32]byte

// String is the hash in hexadecimal.
func (h Hash) String() string { return hex.EncodeToString(h[:]) }

// IsZero reports whether h names no blob.
func (h Hash) IsZero() bool { return h == Hash{} }
