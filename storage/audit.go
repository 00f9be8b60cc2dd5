package storage

import (
	"encoding/binary"
	"fmt"
	"iter"
	"time"
	"unicode/utf8"
)

// The audit log says what was done to which ids, in the transaction that did
// it. Nothing is ever taken out of it; RedactAudit replaces ids by hashes.

// Limits of an audit entry.
const (
	MaxAuditOp  = 32   // bytes of the name of an operation
	MaxAuditIDs = 4096 // ids of one entry
)

// AuditEntry is one change and the ids that it was made to.
type AuditEntry struct {
	Seq   uint64 // rises by one with each entry, from 1, for the life of the file
	Time  time.Time
	Op    string    // what was done, a word of the caller's
	Model string    // fingerprint of the model, where it matters
	IDs   []AuditID // none for changes of the whole file
}

// AuditID names an item of an audit entry: by its id, or by a hash that has
// taken the id's place.
type AuditID struct {
	ID   string
	Hash []byte // nil while the id stands
}

const (
	auditVersion = 1
	maxAuditHash = 64
)

// AppendAudit adds an entry and returns its sequence number. Seq of the entry
// is not looked at.
func (t *Tx) AppendAudit(e AuditEntry) (uint64, error) {
	st, err := t.writing()
	if err != nil {
		return 0, err
	}
	if err := e.validate(); err != nil {
		return 0, err
	}
	key := key64(st.lastAudit + 1)
	value := encodeAudit(key, e)
	st.lastAudit++
	st.auditEntries++
	st.auditBytes += uint64(len(key) + len(value))
	t.changed()
	return st.lastAudit, t.put(bucketAudit, key, value)
}

func (e *AuditEntry) validate() error {
	switch {
	case e.Op == "" || len(e.Op) > MaxAuditOp || !utf8.ValidString(e.Op):
		return fmt.Errorf("%w: audit operation of %d bytes (1 to %d, UTF-8)", ErrInvalid, len(e.Op), MaxAuditOp)
	case len(e.Model) > MaxModel || !utf8.ValidString(e.Model):
		return fmt.Errorf("%w: model fingerprint of %d bytes (limit %d)", ErrInvalid, len(e.Model), MaxModel)
	case len(e.IDs) > MaxAuditIDs:
		return fmt.Errorf("%w: audit entry of %d ids (limit %d)", ErrTooLarge, len(e.IDs), MaxAuditIDs)
	case e.Time.IsZero() || !storable(e.Time):
		return fmt.Errorf("%w: the time of an audit entry is before 1678 or after 2261", ErrInvalid)
	}
	for _, id := range e.IDs {
		if id.Hash == nil && (id.ID == "" || len(id.ID) > MaxID || !utf8.ValidString(id.ID)) || len(id.Hash) > maxAuditHash || id.Hash != nil && len(id.Hash) == 0 {
			return fmt.Errorf("%w: audited id of %d bytes (1 to %d, UTF-8), hash of %d", ErrInvalid, len(id.ID), MaxID, len(id.Hash))
		}
	}
	return nil
}

// An entry is: version, then time, operation, model, number of ids; for each
// id twice its length, plus 1 when it is a hash, and its bytes.
func encodeAudit(key []byte, e AuditEntry) []byte {
	size := 64 + len(e.Op) + len(e.Model)
	for _, id := range e.IDs {
		size += 2 + len(id.ID) + len(id.Hash)
	}
	b := append(make([]byte, 0, size), auditVersion)
	b = binary.AppendVarint(b, e.Time.UnixNano())
	for _, s := range [...]string{e.Op, e.Model} {
		b = binary.AppendUvarint(b, uint64(len(s)))
		b = append(b, s...)
	}
	b = binary.AppendUvarint(b, uint64(len(e.IDs)))
	for _, id := range e.IDs {
		if id.Hash != nil {
			b = binary.AppendUvarint(b, uint64(len(id.Hash))<<1|1)
			b = append(b, id.Hash...)
			continue
		}
		b = binary.AppendUvarint(b, uint64(len(id.ID))<<1)
		b = append(b, id.ID...)
	}
	return seal(key, b)
}

func decodeAudit(key, value []byte) (e AuditEntry, err error) {
	if len(key) != 8 {
		return e, damaged("key of %d bytes", len(key))
	}
	body, err := unseal(key, value)
	if err != nil {
		return e, err
	}
	if len(body) < 1 {
		return e, damaged("it is empty")
	}
	if body[0] != auditVersion {
		return e, fmt.Errorf("%w: version %d", ErrNewerFormat, body[0])
	}
	e.Seq = binary.BigEndian.Uint64(key)
	rest := body[1:]
	ns, n := binary.Varint(rest)
	if n <= 0 {
		return e, damaged("it has no time")
	}
	rest, e.Time = rest[n:], time.Unix(0, ns).UTC()
	cut := func(length uint64) (string, bool) {
		if length > uint64(len(rest)) {
			return "", false
		}
		s := string(rest[:length])
		rest = rest[length:]
		return s, true
	}
	number := func() (uint64, bool) {
		v, n := binary.Uvarint(rest)
		if n <= 0 {
			return 0, false
		}
		rest = rest[n:]
		return v, true
	}
	for _, s := range [...]*string{&e.Op, &e.Model} {
		length, ok := number()
		if ok {
			*s, ok = cut(length)
		}
		if !ok {
			return e, damaged("it ends early")
		}
	}
	count, ok := number()
	if !ok || count > MaxAuditIDs {
		return e, damaged("it names %d ids", count)
	}
	if count > 0 {
		e.IDs = make([]AuditID, 0, min(count, uint64(len(rest))))
	}
	for range count {
		length, ok := number()
		var s string
		if ok {
			s, ok = cut(length >> 1)
		}
		switch {
		case !ok:
			return e, damaged("it ends early")
		case length&1 == 1:
			e.IDs = append(e.IDs, AuditID{Hash: []byte(s)})
		default:
			e.IDs = append(e.IDs, AuditID{ID: s})
		}
	}
	if len(rest) > 0 {
		return e, damaged("%d bytes too many", len(rest))
	}
	if e.validate() != nil {
		return e, damaged("it holds what no entry can")
	}
	return e, nil
}

// Audit yields the entries with a sequence number above after, in order. A
// damaged entry is yielded as an error and the walk goes on; entries that are
// missing end it with an error.
func (t *Tx) Audit(after uint64) iter.Seq2[AuditEntry, error] {
	return func(yield func(AuditEntry, error) bool) {
		st, err := t.counters()
		if err != nil {
			yield(AuditEntry{}, err)
			return
		}
		if after >= st.lastAudit {
			return
		}
		next, stop := after+1, false
		err = t.scan(bucketAudit, key64(next), func(k, v []byte) bool {
			e, bad := decodeAudit(k, v)
			if bad == nil && e.Seq != next {
				bad = damaged("it stands where %d should", next)
			}
			if bad != nil {
				bad = located(bad, bucketAudit, number(k))
			}
			next++
			stop = !yield(e, bad)
			return !stop
		})
		if err == nil && !stop && next != st.lastAudit+1 {
			err = corrupt(bucketAudit, number(key64(next)), "it is missing")
		}
		if err != nil && !stop {
			yield(AuditEntry{}, err)
		}
	}
}

// RedactAudit puts hashes in the place of the ids that gone reports, and
// returns how many ids it replaced. A damaged entry is left as it is.
func (t *Tx) RedactAudit(gone func(id string) (bool, error), hash func(id string) []byte) (int, error) {
	st, err := t.writing()
	if err != nil {
		return 0, err
	}
	type redacted struct{ key, value []byte }
	n, change := 0, []redacted(nil)
	var bad error
	err = t.scan(bucketAudit, nil, func(k, v []byte) bool {
		e, err := decodeAudit(k, v)
		if err != nil {
			return true // Check reports it
		}
		before := n
		for i, id := range e.IDs {
			if id.Hash != nil {
				continue
			}
			var away bool
			if away, bad = gone(id.ID); bad != nil {
				return false
			}
			if away {
				e.IDs[i] = AuditID{Hash: hash(id.ID)}
				n++
			}
		}
		if n > before {
			key := append([]byte(nil), k...)
			value := encodeAudit(key, e)
			st.auditBytes += uint64(len(value)) - uint64(len(v))
			t.changed()
			change = append(change, redacted{key, value})
		}
		return true
	})
	if err == nil {
		err = bad
	}
	for _, c := range change {
		if err != nil {
			break
		}
		err = t.put(bucketAudit, c.key, c.value)
	}
	return n, err
}
