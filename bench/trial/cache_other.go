//go:build !linux

package trial

import (
	"errors"
	"os"
)

func dropCache(*os.File) error { return errors.ErrUnsupported }
