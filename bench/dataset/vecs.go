package dataset

import (
	"encoding/binary"
	"fmt"
	"io"
	"math"

	"github.com/clipdb/clipdb/bench/npy"
)

// ReadVecs reads the rows of an .fvecs, .bvecs or .ivecs file, little endian;
// r holds size bytes. All rows must be of one length.
func ReadVecs(r io.Reader, ext string, size int64) (npy.Matrix, error) {
	var width int64
	switch ext {
	case ".fvecs", ".ivecs":
		width = 4
	case ".bvecs":
		width = 1
	default:
		return npy.Matrix{}, fmt.Errorf("%w: %q is none of .fvecs, .bvecs, .ivecs", ErrFormat, ext)
	}
	head := make([]byte, 4)
	if _, err := io.ReadFull(r, head); err != nil {
		return npy.Matrix{}, fmt.Errorf("%w: shorter than one row's length", ErrFormat)
	}
	dim := int64(binary.LittleEndian.Uint32(head))
	rowBytes := 4 + dim*width
	if dim < 1 || dim > 1<<20 || size%rowBytes != 0 {
		return npy.Matrix{}, fmt.Errorf("%w: rows of %d components do not fill %d bytes", ErrFormat, dim, size)
	}
	rows := size / rowBytes
	if rows*dim > MaxValues {
		return npy.Matrix{}, fmt.Errorf("%w: %d x %d is more than the %d components allowed", ErrFormat, rows, dim, int64(MaxValues))
	}
	m := npy.Matrix{Rows: int(rows), Cols: int(dim), Data: make([]float32, 0, rows*dim)}
	buf := make([]byte, dim*width)
	for i := range m.Rows {
		if i > 0 {
			if _, err := io.ReadFull(r, head); err != nil {
				return npy.Matrix{}, fmt.Errorf("%w: cut off before row %d", ErrFormat, i)
			}
			if d := binary.LittleEndian.Uint32(head); int64(d) != dim {
				return npy.Matrix{}, fmt.Errorf("%w: row %d has %d components, row 0 has %d", ErrFormat, i, d, dim)
			}
		}
		if _, err := io.ReadFull(r, buf); err != nil {
			return npy.Matrix{}, fmt.Errorf("%w: cut off in row %d", ErrFormat, i)
		}
		switch ext {
		case ".bvecs":
			for _, b := range buf {
				m.Data = append(m.Data, float32(b))
			}
		case ".ivecs":
			for at := 0; at < len(buf); at += 4 {
				m.Data = append(m.Data, float32(int32(binary.LittleEndian.Uint32(buf[at:]))))
			}
		default:
			for at := 0; at < len(buf); at += 4 {
				m.Data = append(m.Data, math.Float32frombits(binary.LittleEndian.Uint32(buf[at:])))
			}
		}
	}
	return m, nil
}

// WriteFvecs writes m as .fvecs.
func WriteFvecs(w io.Writer, m npy.Matrix) error {
	buf := make([]byte, 4+4*m.Cols)
	for i := range m.Rows {
		binary.LittleEndian.PutUint32(buf, uint32(m.Cols))
		for j, v := range m.Row(i) {
			binary.LittleEndian.PutUint32(buf[4+4*j:], math.Float32bits(v))
		}
		if _, err := w.Write(buf); err != nil {
			return err
		}
	}
	return nil
}
