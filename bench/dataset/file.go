package dataset

import (
	"bufio"
	"compress/gzip"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"

	"github.com/clipdb/clipdb/bench/hdf5"
	"github.com/clipdb/clipdb/bench/npy"
	"github.com/clipdb/clipdb/index"
)

// MaxValues is how many components a file may hold: 16 GiB of float32.
const MaxValues = 4 << 30

// ReadFile reads the matrix in the file at path; of an HDF5 file it takes
// "train".
func ReadFile(path string) (npy.Matrix, error) {
	m, _, err := readFile(path, "train")
	return m, err
}

// ReadQueries reads query vectors; of an HDF5 file it takes "test".
func ReadQueries(path string) (npy.Matrix, error) {
	m, _, err := readFile(path, "test")
	return m, err
}

// Open makes a set of a file of base vectors and, unless it is empty, one of
// queries from the given side. Without queries, those of an HDF5 file are
// taken, or else a tenth of the vectors is held out, 1,000 at most.
func Open(base, queries string, side index.Side, seed uint64) (*Set, error) {
	b, inside, err := readFile(base, "train")
	if err != nil {
		return nil, err
	}
	var q npy.Matrix
	switch {
	case queries != "":
		q, err = ReadQueries(queries)
	case inside:
		q, _, err = readFile(base, "test")
	default:
		b, q, err = HoldOut(b, min(1000, b.Rows/10), seed)
	}
	if err != nil {
		if queries == "" {
			err = fmt.Errorf("%s: %w", base, err)
		}
		return nil, err
	}
	name := filepath.Base(base)
	return New(strings.TrimSuffix(name, filepath.Ext(name)), b, Queries{side, q})
}

// readFile reads a matrix and reports whether the file holds several by name.
func readFile(path, name string) (m npy.Matrix, named bool, err error) {
	f, err := os.Open(path)
	if err != nil {
		return m, false, err
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return m, false, err
	}
	if info.IsDir() {
		return m, false, fmt.Errorf("%s is a folder: %w", path, ErrFormat)
	}
	head := make([]byte, 8)
	n, err := f.ReadAt(head, 0)
	if err != nil && err != io.EOF {
		return m, false, err
	}
	head = head[:n]
	if hdf5.Sniff(head) {
		file, err := hdf5.New(f, info.Size())
		if err != nil {
			return m, true, fmt.Errorf("%s: %w", path, err)
		}
		if m, err = file.Matrix(name); err != nil {
			err = fmt.Errorf("%s: %w", path, err)
		}
		return m, true, err
	}
	m, err = read(f, head, path, info.Size())
	if err != nil && !errors.Is(err, npy.ErrFormat) {
		err = fmt.Errorf("%s: %w", path, err)
	}
	return m, false, err
}

func read(f *os.File, head []byte, path string, size int64) (npy.Matrix, error) {
	name := strings.ToLower(filepath.Base(path))
	r := bufio.NewReaderSize(f, 1<<20)
	switch {
	case strings.HasPrefix(string(head), "\x93NUMPY"):
		return npy.Read(r, size)
	case len(head) >= 2 && head[0] == 0x1f && head[1] == 0x8b:
		z, err := gzip.NewReader(r)
		if err != nil {
			return npy.Matrix{}, fmt.Errorf("%w: %v", ErrFormat, err)
		}
		// Of what is packed the header alone tells the size; idx is the only
		// format whose header ReadIDX grows along with.
		return ReadIDX(z)
	case strings.HasSuffix(name, "vecs"):
		return ReadVecs(r, filepath.Ext(name), size)
	case len(head) >= 4 && head[0] == 0 && head[1] == 0 && head[2] == idxUint8:
		return ReadIDX(r)
	}
	return npy.Matrix{}, fmt.Errorf("%w: neither .npy, .fvecs, .bvecs, .ivecs, HDF5 nor idx", ErrFormat)
}
