//go:build unix

package pixel

import (
	"errors"
	"syscall"
)

// isFolder reports whether reading failed because a folder was opened.
func isFolder(err error) bool { return errors.Is(err, syscall.EISDIR) }
