package storage

import (
	"encoding/binary"
	"fmt"
)

var (
	formatKey = []byte("format")
	stateKey  = []byte("state")
)

// state holds what would otherwise have to be counted: it is written once per
// transaction, with the changes it counts, and Check counts again.
type state struct {
	dim       uint64 // components of a vector; 0 before the first
	rows      uint64 // vectors in a page
	slotLimit uint64 // slots below it were handed out
	freeSlots uint64
	lastLog   uint64 // newest sequence number ever given
	lastBlob  uint64 // newest blob number ever given

	records, recordBytes       uint64
	vectors, vectorBytes       uint64
	images, imageBytes         uint64 // blobs that records show as their image; bytes as stored
	thumbnails, thumbnailBytes uint64
	pages, pageBytes           uint64
	logEntries, logBytes       uint64
	failures, failureBytes     uint64

	served                   uint64 // 0: bucketVectors is served, 1: bucketVectors2
	nextDim, nextRows        uint64 // of the vectors beside the served ones; 0 when there are none
	nextVectors, nextBytes   uint64
	lastAudit                uint64 // newest sequence number ever given
	auditEntries, auditBytes uint64
}

const stateVersion = 2

// stateFields1 is how many fields the state of format 1 had.
const stateFields1 = 20

func (s *state) fields() []*uint64 {
	return []*uint64{
		&s.dim, &s.rows, &s.slotLimit, &s.freeSlots, &s.lastLog, &s.lastBlob,
		&s.records, &s.recordBytes, &s.vectors, &s.vectorBytes,
		&s.images, &s.imageBytes, &s.thumbnails, &s.thumbnailBytes,
		&s.pages, &s.pageBytes, &s.logEntries, &s.logBytes, &s.failures, &s.failureBytes,
		&s.served, &s.nextDim, &s.nextRows, &s.nextVectors, &s.nextBytes,
		&s.lastAudit, &s.auditEntries, &s.auditBytes,
	}
}

func (s *state) encode() []byte {
	b := []byte{stateVersion}
	for _, f := range s.fields() {
		b = binary.LittleEndian.AppendUint64(b, *f)
	}
	return seal(stateKey, b)
}

func decodeState(value []byte) (state, error) {
	return decodeStateOf(value, stateVersion, len(new(state).fields()))
}

// decodeStateOf reads a state of a version that had n fields.
func decodeStateOf(value []byte, version byte, n int) (state, error) {
	var s state
	body, err := unseal(stateKey, value)
	if err != nil {
		return s, err
	}
	fields := s.fields()[:n]
	if len(body) < 1 || body[0] != version || len(body) != 1+8*n {
		return s, damaged("%d bytes of an unknown version", len(body))
	}
	for i, f := range fields {
		*f = binary.LittleEndian.Uint64(body[1+8*i:])
	}
	return s, s.validate()
}

// validate refuses numbers that code would trip over.
func (s *state) validate() error {
	switch {
	case s.dim > MaxDim, s.dim > 0 && (s.rows < 1 || s.rows > maxRows):
		return damaged("vectors of %d components, %d in a page", s.dim, s.rows)
	case s.served > 1, s.nextDim > MaxDim, s.nextDim > 0 && (s.nextRows < 1 || s.nextRows > maxRows):
		return damaged("vectors of %d components beside the served ones, %d in a page", s.nextDim, s.nextRows)
	case s.slotLimit > 1<<32, s.freeSlots > s.slotLimit:
		return damaged("%d slots, %d of them free", s.slotLimit, s.freeSlots)
	}
	return nil
}

// encodeFormat writes the format number. This value keeps its layout for ever:
// every version of clipdb must be able to read it in every file.
func encodeFormat(version uint32) []byte {
	return seal(formatKey, binary.LittleEndian.AppendUint32(nil, version))
}

func decodeFormat(value []byte) (int, error) {
	body, err := unseal(formatKey, value)
	if err != nil {
		return 0, fmt.Errorf("%w: format number: %w", ErrCorrupt, err)
	}
	if len(body) != 4 {
		return 0, fmt.Errorf("%w: format number has %d bytes", ErrCorrupt, len(body))
	}
	return int(binary.LittleEndian.Uint32(body)), nil
}
