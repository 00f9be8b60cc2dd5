package hdf5

import (
	"bytes"
	"compress/zlib"
	"encoding/binary"
	"fmt"
	"io"
	"math"

	"github.com/clipdb/clipdb/bench/npy"
)

// maxValues is how many numbers a dataset may hold.
const maxValues = 4 << 30

// layout is how a dataset lies in the file.
type layout struct {
	rows, cols uint64
	element    element
	filters    []filter
	chunk      [2]uint64 // rows and columns of a chunk
	rank       int
}

// Matrix reads a dataset of the root group; one of one dimension is a single
// row.
func (f *File) Matrix(name string) (npy.Matrix, error) {
	addr, ok := f.root[name]
	if !ok {
		return npy.Matrix{}, fmt.Errorf("%w %q: the file has %q", ErrNoDataset, name, f.Names())
	}
	m, err := f.matrix(addr)
	if err != nil {
		return npy.Matrix{}, fmt.Errorf("dataset %q: %w", name, err)
	}
	return m, nil
}

func (f *File) matrix(addr uint64) (npy.Matrix, error) {
	h, err := f.header(addr)
	if err != nil {
		return npy.Matrix{}, err
	}
	var l layout
	if err := l.dataspace(h[msgDataspace]); err != nil {
		return npy.Matrix{}, err
	}
	if l.element, err = elementOf(h[msgDatatype]); err != nil {
		return npy.Matrix{}, err
	}
	if l.filters, err = filtersOf(h[msgFilters]); err != nil {
		return npy.Matrix{}, err
	}
	total := l.rows * l.cols * l.element.size
	m := npy.Matrix{Rows: int(l.rows), Cols: int(l.cols)}
	// IV.A.2.i: the layout, version 3.
	b := h[msgLayout]
	if len(b) < 4 || b[0] != 3 {
		return m, fmt.Errorf("%w: no data layout of version 3", ErrUnsupported)
	}
	switch class := b[1]; class {
	case 0:
		n := uint64(binary.LittleEndian.Uint16(b[2:]))
		if n != total || uint64(len(b)-4) < n {
			return m, fmt.Errorf("%w: %d bytes of data, wanted %d", ErrFormat, n, total)
		}
		m.Data = l.element.append(nil, b[4:4+n])
		return m, nil
	case 1:
		if len(b) < 18 || u64(b[10:]) != total {
			return m, fmt.Errorf("%w: contiguous data are not %d bytes", ErrFormat, total)
		}
		return f.contiguous(m, &l, u64(b[2:]))
	case 2:
		if int(b[2]) != l.rank+1 || len(b) < 11+4*(l.rank+1) {
			return m, fmt.Errorf("%w: chunks of %d dimensions", ErrFormat, b[2])
		}
		return f.chunked(m, &l, u64(b[3:]), b[11:])
	default:
		return m, fmt.Errorf("%w: data layout of class %d", ErrUnsupported, class)
	}
}

// contiguous reads data that lie in one piece, a megabyte at a time.
func (f *File) contiguous(m npy.Matrix, l *layout, addr uint64) (npy.Matrix, error) {
	total := l.rows * l.cols * l.element.size
	if total == 0 {
		return m, nil
	}
	if at := addr + f.base; addr == undefined || at < addr || at > f.size || total > f.size-at {
		return m, fmt.Errorf("%w: %d bytes at %#x lie outside its %d bytes", ErrFormat, total, addr, f.size)
	}
	m.Data = make([]float32, 0, l.rows*l.cols)
	for from := uint64(0); from < total; from += 1 << 20 {
		b, err := f.at(addr+from, min(1<<20, total-from))
		if err != nil {
			return m, err
		}
		m.Data = l.element.append(m.Data, b)
	}
	return m, nil
}

// chunked reads data that lie in chunks, found through a B-tree.
func (f *File) chunked(m npy.Matrix, l *layout, tree uint64, dims []byte) (npy.Matrix, error) {
	l.chunk = [2]uint64{1, uint64(binary.LittleEndian.Uint32(dims))}
	if l.rank == 2 {
		l.chunk[0], l.chunk[1] = l.chunk[1], uint64(binary.LittleEndian.Uint32(dims[4:]))
	}
	n := l.chunk[0] * l.chunk[1]
	if l.chunk[0] == 0 || l.chunk[1] == 0 || n > maxChunk/8 || uint64(binary.LittleEndian.Uint32(dims[4*l.rank:])) != l.element.size {
		return m, fmt.Errorf("%w: chunks of %d x %d", ErrFormat, l.chunk[0], l.chunk[1])
	}
	// What deflate packs is at most some thousand times as large as it is.
	if l.rows*l.cols*l.element.size > f.size<<11 {
		return m, fmt.Errorf("%w: %d x %d cannot be packed into %d bytes", ErrFormat, l.rows, l.cols, f.size)
	}
	m.Data = make([]float32, l.rows*l.cols)
	if tree == undefined {
		return m, nil // nothing was ever written
	}
	nodes := 0
	return m, f.chunks(m, l, tree, 0, &nodes)
}

// chunks walks the B-tree of the chunks (III.A.1, node type 1).
func (f *File) chunks(m npy.Matrix, l *layout, addr uint64, depth int, nodes *int) error {
	if *nodes++; depth > maxDepth || *nodes > maxNodes {
		return fmt.Errorf("%w: the tree of the chunks does not end", ErrFormat)
	}
	head, err := f.at(addr, 24)
	if err != nil {
		return err
	}
	if string(head[:4]) != "TREE" || head[4] != 1 {
		return fmt.Errorf("%w: no chunk node at %#x", ErrFormat, addr)
	}
	key := uint64(8 + 8*(l.rank+1))
	used := uint64(binary.LittleEndian.Uint16(head[6:]))
	body, err := f.at(addr+24, used*(key+8)+key)
	if err != nil {
		return err
	}
	for ; used > 0; used, body = used-1, body[key+8:] {
		child := u64(body[key:])
		if head[5] > 0 {
			if err := f.chunks(m, l, child, depth+1, nodes); err != nil {
				return err
			}
			continue
		}
		if *nodes++; *nodes > maxNodes {
			return fmt.Errorf("%w: more than %d chunks", ErrUnsupported, maxNodes)
		}
		row, col := uint64(0), u64(body[8:])
		if l.rank == 2 {
			row, col = col, u64(body[16:])
		}
		if row >= l.rows || col >= l.cols {
			return fmt.Errorf("%w: a chunk at %d, %d of %d x %d", ErrFormat, row, col, l.rows, l.cols)
		}
		raw, err := f.at(child, uint64(binary.LittleEndian.Uint32(body)))
		if err != nil {
			return err
		}
		values, err := l.unpack(raw, binary.LittleEndian.Uint32(body[4:]))
		if err != nil {
			return err
		}
		// Chunks at the edges reach beyond the matrix.
		w := min(l.chunk[1], l.cols-col)
		for i := uint64(0); i < l.chunk[0] && row+i < l.rows; i++ {
			copy(m.Data[(row+i)*l.cols+col:][:w], values[i*l.chunk[1]:])
		}
	}
	return nil
}

// unpack undoes the filters, last first, but for those of the mask.
func (l *layout) unpack(b []byte, mask uint32) ([]float32, error) {
	want := l.chunk[0] * l.chunk[1] * l.element.size
	for i := len(l.filters) - 1; i >= 0; i-- {
		if mask>>i&1 != 0 {
			continue
		}
		switch l.filters[i] {
		case deflate:
			z, err := zlib.NewReader(bytes.NewReader(b))
			if err != nil {
				return nil, fmt.Errorf("%w: deflated chunk: %v", ErrFormat, err)
			}
			// Four bytes more, should a fletcher32 sum lie inside.
			if b, err = io.ReadAll(io.LimitReader(z, int64(want)+4)); err != nil {
				return nil, fmt.Errorf("%w: deflated chunk: %v", ErrFormat, err)
			}
		case shuffle:
			b = unshuffle(b, int(l.element.size))
		case fletcher32:
			b = b[:max(0, len(b)-4)]
		}
	}
	if uint64(len(b)) != want {
		return nil, fmt.Errorf("%w: a chunk of %d bytes, wanted %d", ErrFormat, len(b), want)
	}
	return l.element.append(make([]float32, 0, want/l.element.size), b), nil
}

// unshuffle puts the bytes of each element together again.
func unshuffle(b []byte, size int) []byte {
	n := len(b) / size
	out := make([]byte, len(b))
	for i := range n {
		for j := range size {
			out[i*size+j] = b[j*n+i]
		}
	}
	copy(out[n*size:], b[n*size:])
	return out
}

// dataspace reads the dimensions (IV.A.2.b).
func (l *layout) dataspace(b []byte) error {
	if len(b) < 4 {
		return fmt.Errorf("%w: no dataspace", ErrFormat)
	}
	at := 8
	if b[0] == 2 {
		at = 4
	} else if b[0] != 1 {
		return fmt.Errorf("%w: dataspace of version %d", ErrUnsupported, b[0])
	}
	l.rank = int(b[1])
	if l.rank != 1 && l.rank != 2 {
		return fmt.Errorf("%w: %d dimensions", ErrUnsupported, l.rank)
	}
	if len(b) < at+8*l.rank {
		return fmt.Errorf("%w: dataspace cut off", ErrFormat)
	}
	l.rows, l.cols = 1, u64(b[at:])
	if l.rank == 2 {
		l.rows, l.cols = l.cols, u64(b[at+8:])
	}
	if l.cols == 0 || l.cols > math.MaxInt32 || l.rows > maxValues || l.rows*l.cols > maxValues {
		return fmt.Errorf("%w: %d x %d", ErrUnsupported, l.rows, l.cols)
	}
	return nil
}
