package storage

import (
	"errors"
	"fmt"
)

// These errors are returned by Open.
var (
	// ErrLocked is returned when another process holds the file longer than
	// Options.LockTimeout.
	ErrLocked = errors.New("database is in use by another process")

	// ErrNotDatabase is returned for anything that is not a clipdb file: a
	// folder, an empty file opened for reading, a file of another program.
	ErrNotDatabase = errors.New("not a clipdb database")

	// ErrNewerFormat is returned for a file, or a value in it, that a newer
	// version of clipdb has written. Nothing was changed in it.
	ErrNewerFormat = errors.New("written by a newer version of clipdb")

	// ErrOlderFormat is returned when a file of an older format is opened for
	// reading only: opening it for writing once brings it up to date.
	ErrOlderFormat = errors.New("written by an older version of clipdb")
)

// These errors are returned by a Store or a transaction.
var (
	// ErrClosed is returned by every call on a closed Store.
	ErrClosed = errors.New("storage is closed")

	// ErrReadOnly is returned by calls that write when the Store was opened
	// with Options.ReadOnly, and by Tx methods that write inside a View.
	ErrReadOnly = errors.New("storage is read-only")

	// ErrCorrupt is returned when bytes in the file are not what was written:
	// a checksum, a length or the structure of the file is wrong. Check lists
	// all such places.
	ErrCorrupt = errors.New("database is damaged")

	// ErrFailed is returned by every write after a commit failed on the disk.
	// What the disk holds is then unknown until the Store is opened again;
	// reads go on.
	ErrFailed = errors.New("an earlier write to the disk failed; open the database again")

	// ErrTxDone is returned by the methods of a Tx whose function has ended.
	ErrTxDone = errors.New("transaction has ended")

	// ErrNotFound is returned when a record or blob is not there.
	ErrNotFound = errors.New("not found")

	// ErrDimension is returned when a vector has not the length of those that
	// are stored.
	ErrDimension = errors.New("wrong vector dimension")

	// ErrInvalid is returned for arguments that cannot be stored: an empty or
	// overlong id, text that is not UTF-8, an empty blob.
	ErrInvalid = errors.New("cannot be stored")

	// ErrTooLarge is returned for blobs, captions or attributes over the limit.
	ErrTooLarge = errors.New("too large to be stored")

	// ErrSlot is returned for a slot that NextSlot has not handed out, that is
	// in use by another record, or that is in use and should be released.
	ErrSlot = errors.New("slot cannot be used so")
)

// corrupt makes an ErrCorrupt that says where and what.
func corrupt(b bucketID, key, format string, args ...any) error {
	return fmt.Errorf("%w: %s %s: %s", ErrCorrupt, b.noun(), key, fmt.Sprintf(format, args...))
}

// damage is what a decoder finds wrong with a value; the caller knows where it
// lay.
type damage string

func (d damage) Error() string { return string(d) }

func damaged(format string, args ...any) error { return damage(fmt.Sprintf(format, args...)) }

// located turns the error of a decoder into one that says where the value lay.
func located(err error, b bucketID, key string) error {
	var d damage
	if errors.As(err, &d) {
		return corrupt(b, key, "%s", string(d))
	}
	return fmt.Errorf("%s %s: %w", b.noun(), key, err)
}
