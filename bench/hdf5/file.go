package hdf5

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
)

var (
	// ErrFormat is returned for what is no HDF5 file, or a damaged one.
	ErrFormat = errors.New("not a readable HDF5 file")
	// ErrUnsupported is returned for parts of HDF5 that this package leaves out.
	ErrUnsupported = errors.New("HDF5 feature is not read")
	// ErrNoDataset is returned for a name that the root group has not.
	ErrNoDataset = errors.New("no such dataset")
)

const (
	signature = "\x89HDF\r\n\x1a\n"
	undefined = ^uint64(0) // address of what was never written

	maxNodes    = 1 << 20 // nodes of a B-tree that are walked
	maxMessages = 1 << 12 // messages of an object header
	maxDepth    = 32
)

// Sniff reports whether a file that starts with head is HDF5.
func Sniff(head []byte) bool { return strings.HasPrefix(string(head), signature) }

// File is an HDF5 file. It reads on demand and is safe for several goroutines
// when its io.ReaderAt is.
type File struct {
	r    io.ReaderAt
	size uint64
	base uint64
	root map[string]uint64 // addresses of the object headers in the root group
}

// New reads the root group of the file in r, which holds size bytes.
func New(r io.ReaderAt, size int64) (*File, error) {
	f := &File{r: r, size: uint64(max(size, 0)), root: map[string]uint64{}}
	// II.A: the superblock of version 0 and the root group's entry in it.
	sb, err := f.at(0, 96)
	if err != nil || !Sniff(sb) {
		return nil, fmt.Errorf("%w: no superblock", ErrFormat)
	}
	if sb[8] != 0 {
		return nil, fmt.Errorf("%w: superblock of version %d (libver=\"latest\")", ErrUnsupported, sb[8])
	}
	if sb[13] != 8 || sb[14] != 8 {
		return nil, fmt.Errorf("%w: offsets of %d and lengths of %d bytes", ErrUnsupported, sb[13], sb[14])
	}
	f.base = u64(sb[24:])
	if f.base > f.size {
		return nil, fmt.Errorf("%w: base address %d", ErrFormat, f.base)
	}
	h, err := f.header(u64(sb[64:]))
	if err != nil {
		return nil, err
	}
	table, ok := h[msgSymbolTable]
	if !ok || len(table) < 16 {
		return nil, fmt.Errorf("%w: the root group is no symbol table", ErrUnsupported)
	}
	heap, err := f.heap(u64(table[8:]))
	if err != nil {
		return nil, err
	}
	nodes := 0
	if err := f.group(u64(table), heap, 0, &nodes); err != nil {
		return nil, err
	}
	return f, nil
}

// Names are the objects in the root group, sorted.
func (f *File) Names() []string {
	names := make([]string, 0, len(f.root))
	for n := range f.root {
		names = append(names, n)
	}
	slices.Sort(names)
	return names
}

// at reads n bytes at an address.
func (f *File) at(addr, n uint64) ([]byte, error) {
	at := addr + f.base
	if addr == undefined || at < addr || at > f.size || n > f.size-at {
		return nil, fmt.Errorf("%w: %d bytes at %#x lie outside its %d bytes", ErrFormat, n, addr, f.size)
	}
	b := make([]byte, n)
	if _, err := f.r.ReadAt(b, int64(at)); err != nil && (err != io.EOF || at+n != f.size) {
		return nil, fmt.Errorf("%w: %v", ErrFormat, err)
	}
	return b, nil
}

// heap reads a local heap (III.D), which holds names.
func (f *File) heap(addr uint64) ([]byte, error) {
	h, err := f.at(addr, 32)
	if err != nil {
		return nil, err
	}
	if string(h[:4]) != "HEAP" {
		return nil, fmt.Errorf("%w: no local heap at %#x", ErrFormat, addr)
	}
	return f.at(u64(h[24:]), u64(h[8:]))
}

// group walks the B-tree of a group (III.A.1) down to its symbol table nodes
// (III.B) and fills root.
func (f *File) group(addr uint64, heap []byte, depth int, nodes *int) error {
	if *nodes++; depth > maxDepth || *nodes > maxNodes {
		return fmt.Errorf("%w: the tree of the root group does not end", ErrFormat)
	}
	head, err := f.at(addr, 8)
	if err != nil {
		return err
	}
	switch string(head[:4]) {
	case "TREE":
		used := uint64(binary.LittleEndian.Uint16(head[6:]))
		if head[4] != 0 {
			return fmt.Errorf("%w: node type %d in a group", ErrFormat, head[4])
		}
		body, err := f.at(addr+24, 8+used*16)
		if err != nil {
			return err
		}
		for i := range used {
			if err := f.group(u64(body[8+16*i:]), heap, depth+1, nodes); err != nil {
				return err
			}
		}
		return nil
	case "SNOD":
		used := uint64(binary.LittleEndian.Uint16(head[6:]))
		body, err := f.at(addr+8, 40*used)
		if err != nil {
			return err
		}
		for ; len(body) > 0; body = body[40:] {
			at := u64(body)
			if at >= uint64(len(heap)) {
				return fmt.Errorf("%w: a name at %d of a heap of %d bytes", ErrFormat, at, len(heap))
			}
			name, _, ok := strings.Cut(string(heap[at:min(at+256, uint64(len(heap)))]), "\x00")
			if ok {
				f.root[name] = u64(body[8:])
			}
		}
		return nil
	}
	return fmt.Errorf("%w: no node at %#x", ErrFormat, addr)
}

// Header messages (IV.A.2) that are looked at.
const (
	msgDataspace    = 0x01
	msgDatatype     = 0x03
	msgLayout       = 0x08
	msgFilters      = 0x0b
	msgContinuation = 0x10
	msgSymbolTable  = 0x11
)

// header reads the messages of an object header of version 1 (IV.A.1.a), the
// first of each type.
func (f *File) header(addr uint64) (map[uint16][]byte, error) {
	h, err := f.at(addr, 16)
	if err != nil {
		return nil, err
	}
	if h[0] != 1 {
		return nil, fmt.Errorf("%w: object header of version %d", ErrUnsupported, h[0])
	}
	type block struct{ addr, n uint64 }
	blocks := []block{{addr + 16, uint64(binary.LittleEndian.Uint32(h[8:]))}}
	out := map[uint16][]byte{}
	for seen := 0; len(blocks) > 0; blocks = blocks[1:] {
		b, err := f.at(blocks[0].addr, blocks[0].n)
		if err != nil {
			return nil, err
		}
		for len(b) >= 8 {
			if seen++; seen > maxMessages {
				return nil, fmt.Errorf("%w: an object header that does not end", ErrFormat)
			}
			kind, n := binary.LittleEndian.Uint16(b), int(binary.LittleEndian.Uint16(b[2:]))
			if n > len(b)-8 {
				return nil, fmt.Errorf("%w: a header message of %d bytes", ErrFormat, n)
			}
			data := b[8 : 8+n]
			if kind == msgContinuation && n >= 16 {
				blocks = append(blocks, block{u64(data), u64(data[8:])})
			} else if _, twice := out[kind]; !twice {
				out[kind] = data
			}
			b = b[8+n:]
		}
	}
	return out, nil
}

func u64(b []byte) uint64 { return binary.LittleEndian.Uint64(b) }
