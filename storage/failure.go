package storage

import (
	"encoding/binary"
	"fmt"
	"iter"
	"strings"
	"time"
	"unicode/utf8"
)

// MaxReason is the longest reason of a failure, in bytes; more is cut.
const MaxReason = 4096

// Failure tells why an item could not be taken in.
type Failure struct {
	ID     string // 1 to MaxID bytes of UTF-8
	Reason string
	Time   time.Time
}

const failureVersion = 1

// PutFailure stores a failure under its id, replacing an earlier one.
func (t *Tx) PutFailure(f Failure) error {
	if err := t.open(true); err != nil {
		return err
	}
	switch {
	case f.ID == "" || len(f.ID) > MaxID || !utf8.ValidString(f.ID):
		return fmt.Errorf("%w: failure id of %d bytes (1 to %d, UTF-8)", ErrInvalid, len(f.ID), MaxID)
	case !storable(f.Time):
		return fmt.Errorf("%w: the time of failure %q is before 1678 or after 2261", ErrInvalid, f.ID)
	}
	st, err := t.state()
	if err != nil {
		return err
	}
	if err := t.forgetFailure(st, f.ID); err != nil {
		return err
	}
	value := encodeFailure(f)
	st.failures++
	st.failureBytes += uint64(len(f.ID) + len(value))
	t.changed()
	return t.put(bucketFailures, []byte(f.ID), value)
}

// DeleteFailure removes the failure of an id; there need not be one.
func (t *Tx) DeleteFailure(id string) error {
	if err := t.open(true); err != nil {
		return err
	}
	st, err := t.state()
	if err != nil {
		return err
	}
	if old, err := t.get(bucketFailures, []byte(id)); old == nil || err != nil {
		return err
	}
	if err := t.forgetFailure(st, id); err != nil {
		return err
	}
	return t.delete(bucketFailures, []byte(id))
}

func (t *Tx) forgetFailure(st *state, id string) error {
	old, err := t.get(bucketFailures, []byte(id))
	if old == nil || err != nil {
		return err
	}
	st.failures -= min(1, st.failures)
	st.failureBytes -= min(uint64(len(id)+len(old)), st.failureBytes)
	t.changed()
	return nil
}

// Failures yields the failures by id. A damaged one is yielded as an error,
// and the walk goes on.
func (t *Tx) Failures() iter.Seq2[Failure, error] {
	return func(yield func(Failure, error) bool) {
		if err := t.open(false); err != nil {
			yield(Failure{}, err)
			return
		}
		stop := false
		err := t.scan(bucketFailures, nil, func(k, v []byte) bool {
			f, err := decodeFailure(k, v)
			if err != nil {
				err = located(err, bucketFailures, fmt.Sprintf("%q", k))
			}
			stop = !yield(f, err)
			return !stop
		})
		if err != nil && !stop {
			yield(Failure{}, err)
		}
	}
}

// encodeFailure: version, flag of a time, nanoseconds as a varint, reason,
// CRC-32C of id and all before.
func encodeFailure(f Failure) []byte {
	b := []byte{failureVersion, 0}
	if !f.Time.IsZero() {
		b[1] = 1
		b = binary.AppendVarint(b, f.Time.UnixNano())
	}
	reason := strings.ToValidUTF8(f.Reason, "\uFFFD")
	if len(reason) > MaxReason {
		reason = strings.ToValidUTF8(reason[:MaxReason], "")
	}
	return seal([]byte(f.ID), append(b, reason...))
}

func decodeFailure(key, value []byte) (Failure, error) {
	f := Failure{ID: string(key)}
	body, err := unseal(key, value)
	if err != nil {
		return f, err
	}
	d := decoder{b: body}
	if v, flag := d.byte(), d.byte(); v != failureVersion || flag > 1 {
		return f, fmt.Errorf("%w: version %d, flags %#x", ErrNewerFormat, v, flag)
	} else if flag == 1 {
		f.Time = time.Unix(0, d.varint()).UTC()
	}
	reason := d.rest()
	if len(reason) > MaxReason || !utf8.Valid(reason) || !utf8.Valid(key) {
		return f, damaged("its text is not UTF-8 or too long")
	}
	f.Reason = string(reason)
	return f, d.end()
}
