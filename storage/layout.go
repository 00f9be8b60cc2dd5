package storage

import (
	"encoding/binary"
	"errors"
	"fmt"
	"hash/fnv"
	"io"
)

// What follows reads the structure of a bbolt file (format version 2) without
// bbolt. bbolt trusts its pages: a page number out of range is a memory fault
// there, and a branch that leads to itself an endless recursion, which no
// recover can catch. So the structure is looked at before bbolt walks it.

const (
	boltMagic      = 0xED0CDAED
	boltVersion    = 2
	pageHeaderSize = 16
	elementSize    = 16
	bucketHeadSize = 16
	metaSize       = 64

	flagBranch   = 0x01
	flagLeaf     = 0x02
	flagMeta     = 0x04
	flagFreelist = 0x10

	noFreelist = 1<<64 - 1 // the list of free pages was not written
	maxDepth   = 64        // of a tree; four levels hold a terabyte
)

// layout is the structure of a file as one of its two meta pages gives it.
type layout struct {
	r        io.ReaderAt
	size     int64 // of the file
	pageSize int64
	root     uint64 // page of the root bucket
	freelist uint64 // page of the list of free pages
	limit    uint64 // pages in use or free lie below it
	txid     uint64
	spoilt   bool // one of the two meta pages is not as bbolt writes it
}

var (
	errNoMeta  = errors.New("no meta page")           // nothing of bbolt's in it
	errBadMeta = errors.New("both heads are damaged") // bbolt's once
)

// readLayout reads the newer valid meta page.
func readLayout(r io.ReaderAt, size int64) (*layout, error) {
	best, seen, err := (*layout)(nil), false, error(nil)
	// The second meta page lies one page into the file, whose size the first
	// tells, if it is whole.
	offsets := []int64{0}
	for shift := 10; shift <= 24; shift++ {
		offsets = append(offsets, 1<<shift)
	}
	buf := make([]byte, pageHeaderSize+metaSize)
	for _, off := range offsets {
		if off+int64(len(buf)) > size {
			break
		}
		if _, err = r.ReadAt(buf, off); err != nil {
			return nil, err
		}
		l, magic := parseMeta(buf[pageHeaderSize:])
		seen = seen || magic
		if l == nil || off != 0 && l.pageSize != off {
			continue
		}
		if best == nil || l.txid > best.txid {
			best = l
		}
	}
	switch {
	case best != nil:
		best.r, best.size = r, size
		best.spoilt = !best.headFits(0) || !best.headFits(1)
		return best, nil
	case seen:
		return nil, errBadMeta
	}
	return nil, errNoMeta
}

// headFits reports whether one of the two meta pages is whole. A power cut may
// spoil the one that was being written; the other one is the file's head then.
func (l *layout) headFits(id uint64) bool {
	buf := make([]byte, pageHeaderSize+metaSize)
	if _, err := l.r.ReadAt(buf, int64(id)*l.pageSize); err != nil {
		return false
	}
	m, _ := parseMeta(buf[pageHeaderSize:])
	p := parsePage(buf)
	return m != nil && m.pageSize == l.pageSize && p.id == id && p.flags == flagMeta
}

// parseMeta returns nil when the page is not a valid head; magic tells whether
// it ever was one.
func parseMeta(b []byte) (l *layout, magic bool) {
	n := binary.NativeEndian
	if n.Uint32(b) != boltMagic {
		return nil, false
	}
	sum := fnv.New64a()
	sum.Write(b[:56])
	pageSize := n.Uint32(b[8:])
	if n.Uint32(b[4:]) != boltVersion || n.Uint64(b[56:]) != sum.Sum64() ||
		pageSize < 1<<10 || pageSize > 1<<24 || pageSize&(pageSize-1) != 0 {
		return nil, true
	}
	return &layout{
		pageSize: int64(pageSize),
		root:     n.Uint64(b[16:]),
		freelist: n.Uint64(b[32:]),
		limit:    n.Uint64(b[40:]),
		txid:     n.Uint64(b[48:]),
	}, true
}

// whole reports whether the file is as long as its head says.
func (l *layout) whole() bool {
	return l.limit < 1<<48 && int64(l.limit)*l.pageSize <= l.size
}

// page is the head of a page and the elements on it.
type page struct {
	id       uint64
	flags    uint16
	count    int
	overflow uint64
	head     []byte // from the start of the page, at least to the end of the elements
	offset   int64  // of the page in the file; of an inline page, in its value
	bytes    int64  // with overflow
	inline   []byte // the page itself when it lies inside a value
}

// readPage reads the head of a page and its elements, and checks that they lie
// inside the page.
func (l *layout) readPage(id uint64, buf []byte) (*page, error) {
	if id < 2 || id >= l.limit {
		return nil, fmt.Errorf("page %d does not exist", id)
	}
	off := int64(id) * l.pageSize
	buf = buf[:l.pageSize]
	if _, err := l.r.ReadAt(buf, off); err != nil {
		return nil, fmt.Errorf("page %d: %w", id, err)
	}
	p := parsePage(buf)
	p.offset = off
	p.bytes = int64(p.overflow+1) * l.pageSize
	if p.id != id {
		return nil, fmt.Errorf("page %d says it is page %d", id, p.id)
	}
	if p.overflow >= l.limit-id {
		return nil, fmt.Errorf("page %d reaches beyond the end", id)
	}
	if p.flags == flagFreelist {
		return p, nil
	}
	need := int64(pageHeaderSize + p.count*elementSize)
	if need > p.bytes {
		return nil, fmt.Errorf("page %d: %d elements do not fit", id, p.count)
	}
	if need > l.pageSize {
		p.head = make([]byte, need)
		if _, err := l.r.ReadAt(p.head, off); err != nil {
			return nil, fmt.Errorf("page %d: %w", id, err)
		}
	}
	return p, p.check()
}

func parsePage(b []byte) *page {
	n := binary.NativeEndian
	return &page{
		id: n.Uint64(b), flags: n.Uint16(b[8:]), count: int(n.Uint16(b[10:])),
		overflow: uint64(n.Uint32(b[12:])), head: b, bytes: int64(len(b)),
	}
}

// element is one entry of a page; offsets are from the start of the page.
type element struct {
	child      uint64 // page, on a branch
	bucket     bool   // on a leaf: the value is the head of a bucket
	key, value int64
	end        int64
}

func (p *page) element(i int) element {
	n := binary.NativeEndian
	at := int64(pageHeaderSize + i*elementSize)
	b := p.head[at:]
	if p.flags == flagBranch {
		key := at + int64(n.Uint32(b))
		end := key + int64(n.Uint32(b[4:]))
		return element{child: n.Uint64(b[8:]), key: key, value: end, end: end}
	}
	key := at + int64(n.Uint32(b[4:]))
	value := key + int64(n.Uint32(b[8:]))
	return element{bucket: n.Uint32(b)&1 != 0, key: key, value: value, end: value + int64(n.Uint32(b[12:]))}
}

// check looks at every element: bbolt lays keys and values out one after the
// other behind the elements.
func (p *page) check() error {
	if p.flags != flagBranch && p.flags != flagLeaf {
		return fmt.Errorf("page %d is of kind %#x where a branch or leaf should be", p.id, p.flags)
	}
	if p.flags == flagBranch && p.count == 0 {
		return fmt.Errorf("page %d is a branch without children", p.id)
	}
	at := int64(pageHeaderSize + p.count*elementSize)
	for i := range p.count {
		e := p.element(i)
		if e.key != at || e.value <= e.key || e.end < e.value || e.end > p.bytes {
			return fmt.Errorf("page %d: element %d does not lie where it should", p.id, i)
		}
		at = e.end
	}
	return nil
}

// read returns a piece of a page.
func (l *layout) read(p *page, from, to int64) ([]byte, error) {
	if p.inline != nil {
		return p.inline[from:to], nil
	}
	if to <= int64(len(p.head)) {
		return p.head[from:to], nil
	}
	b := make([]byte, to-from)
	_, err := l.r.ReadAt(b, p.offset+from)
	return b, err
}

// pageSet is a set of pages, one bit each.
type pageSet []uint64

func newPageSet(limit uint64) pageSet { return make(pageSet, (limit+63)/64) }

func (s pageSet) has(id uint64) bool { return s[id>>6]>>(id&63)&1 != 0 }

// add reports whether the page is new to the set.
func (s pageSet) add(id uint64) bool {
	if s.has(id) {
		return false
	}
	s[id>>6] |= 1 << (id & 63)
	return true
}

// freePages reads the list of free pages. It is empty when none was written.
func (l *layout) freePages() (pageSet, int, error) {
	free := newPageSet(l.limit)
	if l.freelist == noFreelist {
		return free, 0, nil
	}
	p, err := l.readPage(l.freelist, make([]byte, l.pageSize))
	if err != nil {
		return nil, 0, err
	}
	if p.flags != flagFreelist {
		return nil, 0, fmt.Errorf("page %d is of kind %#x where the free pages should be listed", p.id, p.flags)
	}
	b := make([]byte, p.bytes)
	if _, err := l.r.ReadAt(b, p.offset); err != nil {
		return nil, 0, fmt.Errorf("page %d: %w", p.id, err)
	}
	n := binary.NativeEndian
	count, at := uint64(p.count), pageHeaderSize
	if count == 0xFFFF {
		count, at = n.Uint64(b[at:]), at+8
	}
	if count > uint64(len(b)-at)/8 {
		return nil, 0, fmt.Errorf("page %d lists %d free pages, more than it can", p.id, count)
	}
	last := uint64(1)
	for i := range count {
		id := n.Uint64(b[at+int(i)*8:])
		if id <= last || id >= l.limit {
			return nil, 0, fmt.Errorf("page %d: free page %d is out of order or does not exist", p.id, id)
		}
		free.add(id)
		last = id
	}
	return free, int(count), nil
}

// reserved is the set of pages that are no part of any tree.
func (l *layout) reserved() (pageSet, error) {
	used := newPageSet(max(l.limit, 2))
	used.add(0)
	used.add(1)
	if l.freelist != noFreelist {
		p, err := l.readPage(l.freelist, make([]byte, l.pageSize))
		if err != nil {
			return nil, err
		}
		for i := range p.overflow + 1 {
			used.add(p.id + i)
		}
	}
	return used, nil
}
