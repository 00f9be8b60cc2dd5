package main

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"

	"github.com/clipdb/clipdb/db"
	"github.com/clipdb/clipdb/encoder/pixel"
)

// picture reads a picture named on the command line; - is standard input.
func (a *app) picture(name string) ([]byte, error) {
	if name == "-" {
		return a.readInput()
	}
	return readPicture(name)
}

func (a *app) readInput() ([]byte, error) {
	data, err := readLimited(a.in)
	if err != nil {
		return nil, fmt.Errorf("standard input: %w", err)
	}
	return data, nil
}

// readPicture reads a regular file within the limit of bytes. A pipe or a
// device is refused: reading it could wait for ever.
func readPicture(name string) ([]byte, error) {
	info, err := os.Stat(name)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil, fmt.Errorf("there is no file %s", name)
	case err != nil:
		return nil, fmt.Errorf("%s: %w", name, plainPathError(err))
	case !info.Mode().IsRegular():
		return nil, fmt.Errorf("%s is %s, not a picture; name a file", name, kindOfFile(info.Mode()))
	}
	f, err := os.Open(name)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", name, plainPathError(err))
	}
	defer f.Close()
	data, err := readLimited(f)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	return data, nil
}

func readLimited(r io.Reader) ([]byte, error) {
	data, err := io.ReadAll(io.LimitReader(r, pixel.DefaultMaxBytes+1))
	switch {
	case err != nil:
		return nil, err
	case len(data) > pixel.DefaultMaxBytes:
		return nil, fmt.Errorf("%w: more than %s", db.ErrImageTooLarge, byteCount(pixel.DefaultMaxBytes))
	case len(data) == 0:
		return nil, db.ErrImageEmpty
	}
	return data, nil
}
