package library

import (
	"errors"
	"fmt"
	"strings"

	"github.com/clipdb/clipdb/encoder"
)

// Env is the environment variable that names the library, a file or a folder.
const Env = "CLIPDB_ONNXRUNTIME"

// mend is the one command that puts a library in place.
const mend = "clipdb runtime install"

var (
	// ErrUnpinned is returned for a file whose hash is not known to this
	// package. InstallOptions.AllowUnpinned accepts such a file.
	ErrUnpinned = errors.New("file has no pinned hash")

	// ErrAltered is returned for a file whose hash is not the one pinned or
	// recorded for it. No option accepts such a file.
	ErrAltered = errors.New("file is not the one expected")

	// ErrUnsupported is returned where no prebuilt library can run.
	ErrUnsupported = errors.New("platform without a prebuilt ONNX Runtime")

	// ErrArchive is returned for an archive that is broken, holds no library
	// for the platform, or breaks a limit.
	ErrArchive = errors.New("unusable archive")
)

// Attempt is one place where Find looked.
type Attempt struct {
	Path    string `json:"path"`              // absolute; ends in a pattern where a folder held no match
	Origin  Origin `json:"origin"`            // why this place was looked at
	Version string `json:"version,omitempty"` // version of the library found there, "" when none or unknown
	Reason  string `json:"reason"`            // why it was passed over
}

// NotFoundError is returned when no library fits. It wraps
// encoder.ErrNoRuntime.
type NotFoundError struct {
	Tried []Attempt
}

// Error lists every place tried, the versions wanted and found, and the
// command that mends it.
func (e *NotFoundError) Error() string {
	var b strings.Builder
	fmt.Fprintf(&b, "%v: wanted the ONNX Runtime library %s (%s or newer), tried", encoder.ErrNoRuntime, Version, MinVersion)
	for _, a := range e.Tried {
		fmt.Fprintf(&b, "\n  %s (%s): %s", a.Path, a.Origin, a.Reason)
	}
	b.WriteString("\nTo mend it, run: " + mend)
	if n := len(e.Tried); n > 0 {
		switch e.Tried[n-1].Origin {
		case FromEnv:
			b.WriteString(" and unset " + Env + ", or make it name a library that fits")
		case FromOption:
			b.WriteString(" and leave the option away, or name a library that fits")
		}
	}
	return b.String()
}

// Unwrap returns encoder.ErrNoRuntime.
func (e *NotFoundError) Unwrap() error { return encoder.ErrNoRuntime }
