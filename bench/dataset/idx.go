package dataset

import (
	"encoding/binary"
	"fmt"
	"io"
	"path/filepath"

	"github.com/clipdb/clipdb/bench/npy"
	"github.com/clipdb/clipdb/index"
)

const idxUint8 = 8 // type code of unsigned bytes

// ReadIDX reads pictures or labels in the idx format, big endian, unsigned
// bytes: the first dimension counts the rows, all others together are their
// components, as values from 0 to 255.
func ReadIDX(r io.Reader) (npy.Matrix, error) {
	head := make([]byte, 4)
	if _, err := io.ReadFull(r, head); err != nil || head[0] != 0 || head[1] != 0 {
		return npy.Matrix{}, fmt.Errorf("%w: no idx header", ErrFormat)
	}
	if head[2] != idxUint8 || head[3] < 1 || head[3] > 4 {
		return npy.Matrix{}, fmt.Errorf("%w: idx of type %#x with %d dimensions; wanted unsigned bytes, 1 to 4", ErrFormat, head[2], head[3])
	}
	dims := make([]byte, 4*int(head[3]))
	if _, err := io.ReadFull(r, dims); err != nil {
		return npy.Matrix{}, fmt.Errorf("%w: idx header cut off", ErrFormat)
	}
	rows, cols := int64(binary.BigEndian.Uint32(dims)), int64(1)
	for at := 4; at < len(dims); at += 4 {
		cols *= int64(binary.BigEndian.Uint32(dims[at:]))
		if cols < 1 || cols > 1<<20 {
			return npy.Matrix{}, fmt.Errorf("%w: idx rows of %d components", ErrFormat, cols)
		}
	}
	if rows*cols > MaxValues {
		return npy.Matrix{}, fmt.Errorf("%w: %d x %d is more than the %d components allowed", ErrFormat, rows, cols, int64(MaxValues))
	}
	// Memory grows with what is really there, since r may be a gzip stream.
	m := npy.Matrix{Rows: int(rows), Cols: int(cols)}
	buf := make([]byte, cols)
	for i := range m.Rows {
		if _, err := io.ReadFull(r, buf); err != nil {
			return npy.Matrix{}, fmt.Errorf("%w: idx cut off in row %d of %d", ErrFormat, i, rows)
		}
		for _, b := range buf {
			m.Data = append(m.Data, float32(b))
		}
	}
	return m, nil
}

// FashionMNISTDir is where Debian's package dataset-fashion-mnist puts its
// files.
const FashionMNISTDir = "/usr/share/datasets/fashion-mnist"

// FashionMNIST reads the 60,000 training pictures of Fashion-MNIST (Xiao, Rasul
// and Vollgraf 2017, arXiv:1708.07747) as base vectors of 784 components, and
// the first n of the 10,000 test pictures as image queries.
func FashionMNIST(dir string, n int) (*Set, error) {
	base, err := ReadFile(filepath.Join(dir, "train-images-idx3-ubyte.gz"))
	if err != nil {
		return nil, fmt.Errorf("Fashion-MNIST (Debian package dataset-fashion-mnist): %w", err)
	}
	test, err := ReadFile(filepath.Join(dir, "t10k-images-idx3-ubyte.gz"))
	if err != nil {
		return nil, fmt.Errorf("Fashion-MNIST: %w", err)
	}
	n = min(n, test.Rows)
	test.Rows, test.Data = n, test.Data[:n*test.Cols]
	return New("fashion-mnist", base, Queries{index.SideImage, test})
}
