package pixel

import "errors"

// Defaults of [Limits].
const (
	DefaultMaxBytes  = 64 << 20    // encoded bytes of one image
	DefaultMaxPixels = 100_000_000 // width times height of one image
)

// Limits bounds what [Decode] accepts. They are checked before the memory
// they speak of is allocated. The zero value means the defaults.
type Limits struct {
	Bytes  int64 // encoded bytes; 0 means DefaultMaxBytes
	Pixels int64 // width times height, whatever the frame count; 0 means DefaultMaxPixels
}

func (l Limits) withDefaults() Limits {
	if l.Bytes <= 0 {
		l.Bytes = DefaultMaxBytes
	}
	if l.Pixels <= 0 {
		l.Pixels = DefaultMaxPixels
	}
	return l
}

// Errors of [Decode]. ErrTruncated and ErrEmpty are kinds of ErrFormat:
// errors.Is(err, ErrFormat) holds for them too.
var (
	// ErrFormat is returned for bytes that are no image of a known format,
	// or a damaged one.
	ErrFormat = errors.New("not a readable image")

	// ErrTruncated is returned for an image whose bytes end too soon.
	ErrTruncated error = formatError("image is truncated")

	// ErrEmpty is returned for input without a single byte.
	ErrEmpty error = formatError("image is empty")

	// ErrTooLarge is returned for an image beyond [Limits].
	ErrTooLarge = errors.New("image is too large")

	// ErrSpec is returned by [Spec.Tensor] for a specification that gives no
	// square tensor, or a destination of another length.
	ErrSpec = errors.New("image preprocessing is ill specified")
)

// formatError is a sentinel of its own that also is ErrFormat.
type formatError string

func (e formatError) Error() string        { return string(e) }
func (e formatError) Is(target error) bool { return target == ErrFormat }
