package storage

import (
	"encoding/binary"
	"fmt"
	"iter"
)

// LogOp says what happened to a slot.
type LogOp uint8

// The operations of the log.
const (
	LogAdd    LogOp = 1
	LogDelete LogOp = 2
)

func (op LogOp) String() string {
	switch op {
	case LogAdd:
		return "add"
	case LogDelete:
		return "delete"
	}
	return fmt.Sprintf("LogOp(%d)", uint8(op))
}

// LogEntry is one change after the last checkpoint of an index.
type LogEntry struct {
	Seq  uint64 // rises by one with each entry, from 1, for the life of the file
	Op   LogOp
	Slot uint32
}

const logEntrySize = 8 + 5 + sumSize // key and value

// AppendLog adds an entry and returns its sequence number.
func (t *Tx) AppendLog(op LogOp, slot uint32) (uint64, error) {
	if err := t.open(true); err != nil {
		return 0, err
	}
	if op != LogAdd && op != LogDelete {
		return 0, fmt.Errorf("%w: log operation %d", ErrInvalid, op)
	}
	st, err := t.state()
	if err != nil {
		return 0, err
	}
	if uint64(slot) >= st.slotLimit {
		return 0, fmt.Errorf("%w: %d was never handed out", ErrSlot, slot)
	}
	st.lastLog++
	st.logEntries++
	st.logBytes += logEntrySize
	t.changed()
	key := key64(st.lastLog)
	return st.lastLog, t.put(bucketLog, key, seal(key, encodeLog(op, slot)))
}

func encodeLog(op LogOp, slot uint32) []byte {
	return binary.LittleEndian.AppendUint32([]byte{byte(op)}, slot)
}

func decodeLog(key, value []byte) (LogEntry, error) {
	if len(key) != 8 {
		return LogEntry{}, damaged("key of %d bytes", len(key))
	}
	body, err := unseal(key, value)
	if err != nil {
		return LogEntry{}, err
	}
	if len(body) != 5 || body[0] != byte(LogAdd) && body[0] != byte(LogDelete) {
		return LogEntry{}, damaged("it holds % x", body)
	}
	return LogEntry{
		Seq:  binary.BigEndian.Uint64(key),
		Op:   LogOp(body[0]),
		Slot: binary.LittleEndian.Uint32(body[1:]),
	}, nil
}

// Log yields the entries with a sequence number above after, in order. An
// error ends it: an entry that is damaged or missing, since what follows it is
// not all there is.
func (t *Tx) Log(after uint64) iter.Seq2[LogEntry, error] {
	return func(yield func(LogEntry, error) bool) {
		st, err := t.counters()
		if err != nil {
			yield(LogEntry{}, err)
			return
		}
		if after >= st.lastLog {
			return
		}
		// Entries are trimmed from the front only, so the rest has no gap.
		next := max(after, st.lastLog-min(st.logEntries, st.lastLog)) + 1
		stop := false
		var bad error
		err = t.scan(bucketLog, key64(next), func(k, v []byte) bool {
			var e LogEntry
			if e, bad = decodeLog(k, v); bad == nil && e.Seq != next {
				bad = damaged("it stands where %d should", next)
			}
			if bad != nil {
				bad = located(bad, bucketLog, number(k))
				return false
			}
			next++
			stop = !yield(e, nil)
			return !stop
		})
		if err == nil {
			err = bad
		}
		if err == nil && !stop && next != st.lastLog+1 {
			err = corrupt(bucketLog, number(key64(next)), "it is missing")
		}
		if err != nil && !stop {
			yield(LogEntry{}, err)
		}
	}
}

// LastLog is the sequence number of the newest entry ever appended, 0 when
// there was none. Trimming does not change it.
func (t *Tx) LastLog() uint64 {
	if err := t.open(false); err != nil {
		t.fail(err)
		return 0
	}
	st, err := t.state()
	if err != nil {
		t.fail(err)
		return 0
	}
	return st.lastLog
}

// TrimLog removes the entries up to and including upTo.
func (t *Tx) TrimLog(upTo uint64) error {
	if err := t.open(true); err != nil {
		return err
	}
	st, err := t.state()
	if err != nil {
		return err
	}
	var keys [][]byte
	err = t.scan(bucketLog, nil, func(k, _ []byte) bool {
		if len(k) == 8 && binary.BigEndian.Uint64(k) > upTo {
			return false
		}
		keys = append(keys, append([]byte(nil), k...))
		return true
	})
	if err != nil {
		return err
	}
	for _, k := range keys {
		if err := t.delete(bucketLog, k); err != nil {
			return err
		}
	}
	if n := uint64(len(keys)); n > 0 {
		st.logEntries -= min(n, st.logEntries)
		st.logBytes -= min(n*logEntrySize, st.logBytes)
		t.changed()
	}
	return nil
}
