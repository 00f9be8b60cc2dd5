// Package npy reads and writes matrices of float32 in NumPy's .npy format,
// versions 1 to 3, C order, little endian.
//
// The format is described in NumPy's numpy.lib.format.
//
// # Caveats
//
// Other types, Fortran order and other ranks than one and two are refused.
package npy

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"math"
	"os"
	"regexp"
	"strconv"
	"strings"
)

// ErrFormat is returned for input that is no matrix this package reads.
var ErrFormat = errors.New("not a float32 .npy matrix")

// Matrix is a matrix of Rows x Cols, one row after the other.
type Matrix struct {
	Rows, Cols int
	Data       []float32 // Rows*Cols values
}

// Row is row i, without a copy.
func (m Matrix) Row(i int) []float32 { return m.Data[i*m.Cols : (i+1)*m.Cols : (i+1)*m.Cols] }

const (
	magic     = "\x93NUMPY"
	maxHeader = 64 << 10
)

var (
	descr = regexp.MustCompile(`'descr':\s*'([^']*)'`)
	order = regexp.MustCompile(`'fortran_order':\s*(True|False)`)
	shape = regexp.MustCompile(`'shape':\s*\(([^)]*)\)`)
)

// ReadFile reads the matrix in the file at path.
func ReadFile(path string) (Matrix, error) {
	f, err := os.Open(path)
	if err != nil {
		return Matrix{}, err
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return Matrix{}, err
	}
	m, err := Read(f, info.Size())
	if err != nil {
		return Matrix{}, fmt.Errorf("%s: %w", path, err)
	}
	return m, nil
}

// Read reads a matrix from r, which holds at most size bytes: a header that
// promises more is refused before anything is allocated for it.
func Read(r io.Reader, size int64) (Matrix, error) {
	rows, cols, err := readHeader(r)
	if err != nil {
		return Matrix{}, err
	}
	if rows < 0 || cols <= 0 || int64(rows) > size/4/int64(cols) {
		return Matrix{}, fmt.Errorf("%w: %d x %d does not fit into %d bytes", ErrFormat, rows, cols, size)
	}
	m := Matrix{Rows: rows, Cols: cols, Data: make([]float32, rows*cols)}
	buf := make([]byte, 64<<10)
	for at := 0; at < len(m.Data); {
		n := min(len(buf)/4, len(m.Data)-at)
		if _, err := io.ReadFull(r, buf[:4*n]); err != nil {
			return Matrix{}, fmt.Errorf("%w: cut off after %d of %d values", ErrFormat, at, len(m.Data))
		}
		for i := range n {
			m.Data[at+i] = math.Float32frombits(binary.LittleEndian.Uint32(buf[4*i:]))
		}
		at += n
	}
	return m, nil
}

func readHeader(r io.Reader) (rows, cols int, err error) {
	head := make([]byte, 8)
	if _, err := io.ReadFull(r, head); err != nil || string(head[:6]) != magic {
		return 0, 0, fmt.Errorf("%w: no NumPy magic", ErrFormat)
	}
	width := 2
	if head[6] >= 2 {
		width = 4
	}
	size := make([]byte, 4)
	if _, err := io.ReadFull(r, size[:width]); err != nil {
		return 0, 0, fmt.Errorf("%w: cut off in the header", ErrFormat)
	}
	n := binary.LittleEndian.Uint32(size)
	if n > maxHeader {
		return 0, 0, fmt.Errorf("%w: header of %d bytes", ErrFormat, n)
	}
	text := make([]byte, n)
	if _, err := io.ReadFull(r, text); err != nil {
		return 0, 0, fmt.Errorf("%w: cut off in the header", ErrFormat)
	}
	d, o, s := descr.FindSubmatch(text), order.FindSubmatch(text), shape.FindSubmatch(text)
	if d == nil || o == nil || s == nil {
		return 0, 0, fmt.Errorf("%w: header %q", ErrFormat, text)
	}
	if string(d[1]) != "<f4" {
		return 0, 0, fmt.Errorf("%w: values are %q, wanted '<f4'", ErrFormat, d[1])
	}
	if string(o[1]) != "False" {
		return 0, 0, fmt.Errorf("%w: Fortran order", ErrFormat)
	}
	var dims []int
	for part := range strings.SplitSeq(string(s[1]), ",") {
		if part = strings.TrimSpace(part); part == "" {
			continue
		}
		v, err := strconv.Atoi(part)
		if err != nil || v < 0 || v > math.MaxInt32 {
			return 0, 0, fmt.Errorf("%w: shape (%s)", ErrFormat, s[1])
		}
		dims = append(dims, v)
	}
	switch len(dims) {
	case 1:
		return 1, dims[0], nil
	case 2:
		return dims[0], dims[1], nil
	}
	return 0, 0, fmt.Errorf("%w: shape (%s)", ErrFormat, s[1])
}

// Write writes m in version 1 of the format.
func Write(w io.Writer, m Matrix) error {
	header := fmt.Sprintf("{'descr': '<f4', 'fortran_order': False, 'shape': (%d, %d), }", m.Rows, m.Cols)
	// The header ends in a newline, and the data begin at a multiple of 64.
	pad := 63 - (len(magic)+4+len(header))%64
	header += strings.Repeat(" ", pad) + "\n"
	out := append([]byte(magic), 1, 0)
	out = binary.LittleEndian.AppendUint16(out, uint16(len(header)))
	out = append(out, header...)
	for _, v := range m.Data {
		if len(out) > 64<<10 {
			if _, err := w.Write(out); err != nil {
				return err
			}
			out = out[:0]
		}
		out = binary.LittleEndian.AppendUint32(out, math.Float32bits(v))
	}
	_, err := w.Write(out)
	return err
}
