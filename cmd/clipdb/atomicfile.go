package main

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"math/rand/v2"
	"os"
	"path/filepath"
)

// errFileExists is returned by writeFile when the name is taken.
var errFileExists = errors.New("the file exists already")

// writeFile lets write fill a file that appears under its name only when it is
// whole and on disk. Without replace a file that is there already is kept.
func writeFile(name string, replace bool, write func(io.Writer) error) error {
	// What the user's mask leaves of it.
	return writeFileMode(name, replace, 0o666, write)
}

// writeFileMode is writeFile for a file of that mode.
func writeFileMode(name string, replace bool, mode fs.FileMode, write func(io.Writer) error) (err error) {
	if !replace {
		if _, err := os.Lstat(name); err == nil {
			return fmt.Errorf("%s: %w; use --force to replace it", name, errFileExists)
		} else if !errors.Is(err, fs.ErrNotExist) {
			return err
		}
	}
	dir := filepath.Dir(name)
	// Not os.CreateTemp: its files are always for their owner alone.
	tmpName := filepath.Join(dir, fmt.Sprintf(".%s.%016x.tmp", filepath.Base(name), rand.Uint64()))
	tmp, err := os.OpenFile(tmpName, os.O_WRONLY|os.O_CREATE|os.O_EXCL, mode)
	if err != nil {
		return fmt.Errorf("cannot write in the folder %s: %w", dir, plainPathError(err))
	}
	defer func() {
		if err != nil {
			tmp.Close()
			os.Remove(tmpName)
		}
	}()
	if err := write(tmp); err != nil {
		return err
	}
	if err := tmp.Sync(); err != nil {
		return err
	}
	if err := tmp.Close(); err != nil {
		return err
	}
	if !replace {
		// A link, unlike a rename, never replaces what came in between. Where
		// the file system has no links the check above must do.
		if err := os.Link(tmpName, name); err == nil {
			os.Remove(tmpName)
			return nil
		} else if errors.Is(err, fs.ErrExist) {
			return fmt.Errorf("%s: %w; use --force to replace it", name, errFileExists)
		}
	}
	return os.Rename(tmpName, name)
}
