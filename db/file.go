package db

import (
	"io"
	"io/fs"
	"os"
	"sync"
)

// File returns a reader of the file at path that opens it at the first Read
// and closes it at its end or at the first error. So a sequence of a million
// items holds as many files open as are being read.
//
// Errors of opening come from the first Read.
func File(path string) io.Reader { return &fileReader{path: path} }

type fileReader struct {
	path string

	mu   sync.Mutex
	file *os.File
	err  error // what every later Read returns
}

// Name is the path.
func (f *fileReader) Name() string { return f.path }

// Read implements io.Reader.
func (f *fileReader) Read(p []byte) (int, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if err := f.open(); err != nil {
		return 0, err
	}
	n, err := f.file.Read(p)
	if err != nil {
		f.file.Close() // only read from: nothing to lose
		f.file, f.err = nil, err
	}
	return n, err
}

// Stat describes the file, which it opens.
func (f *fileReader) Stat() (fs.FileInfo, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if err := f.open(); err != nil {
		return nil, err
	}
	return f.file.Stat()
}

// open must run under mu.
func (f *fileReader) open() error {
	if f.err == nil && f.file == nil {
		f.file, f.err = os.Open(f.path)
	}
	return f.err
}

// Close ends reading early. It is called for readers that were not read to
// their end.
func (f *fileReader) Close() error {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.err == nil {
		f.err = fs.ErrClosed
	}
	if f.file == nil {
		return nil
	}
	err := f.file.Close()
	f.file = nil
	return err
}
