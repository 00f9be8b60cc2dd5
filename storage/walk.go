package storage

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"time"
)

// walker visits the trees of a file.
type walker struct {
	l     *layout
	used  pageSet // pages met so far
	free  pageSet
	fault func(error) // told of each fault

	// budget is how many pages are read, most of them branches: leaves are not
	// read then. Negative reads everything.
	budget int
	until  time.Time // a walk with a budget ends then

	buf []byte // of the page that is looked at
}

// quickBudget and quickTime limit what Open looks at: 16 MiB of branches, which
// lead to some 200,000 leaves, and less from a disk that takes its time.
var quickBudget = 4096

const quickTime = 100 * time.Millisecond

// checkQuick looks at the list of free pages and the upper part of the trees,
// so that opening a big file stays quick. It returns the first fault.
func (l *layout) checkQuick() error {
	var first error
	w, err := l.walker(quickBudget, func(err error) {
		if first == nil {
			first = err
		}
	})
	if err == nil {
		err = w.bucket(context.Background(), l.root)
	}
	if first != nil {
		return first
	}
	return err
}

// checkAll looks at every page, and reports pages that are neither used nor
// free. The error is that of ctx.
func (l *layout) checkAll(ctx context.Context, fault func(error)) error {
	w, err := l.walker(-1, fault)
	if err != nil {
		fault(err)
		return nil
	}
	if err := w.bucket(ctx, l.root); err != nil || l.freelist == noFreelist {
		return err
	}
	for id := uint64(2); id < l.limit; id++ {
		if !w.used.has(id) && !w.free.has(id) {
			fault(fmt.Errorf("page %d is neither in use nor free", id))
		}
	}
	return nil
}

// checkPassable looks at every page of a damaged file. The result is an error
// when bbolt could be led in circles; other faults are reported.
func (l *layout) checkPassable(fault func(error)) error {
	var circle error
	w := &walker{
		l: l, used: newPageSet(max(l.limit, 2)), free: newPageSet(l.limit), budget: -1, buf: make([]byte, l.pageSize),
		fault: func(err error) {
			if circle == nil && (errors.Is(err, errTwice) || errors.Is(err, errDeep)) {
				circle = err
			}
			fault(err)
		},
	}
	_ = w.bucket(context.Background(), l.root)
	return circle
}

// walker readies a walk, with the list of free pages.
func (l *layout) walker(budget int, fault func(error)) (*walker, error) {
	if !l.whole() {
		return nil, fmt.Errorf("the file has %d bytes of %d", l.size, int64(l.limit)*l.pageSize)
	}
	free, _, err := l.freePages()
	if err != nil {
		return nil, err
	}
	used, err := l.reserved()
	if err != nil {
		return nil, err
	}
	return &walker{
		l: l, used: used, free: free, fault: fault,
		budget: budget, until: time.Now().Add(quickTime), buf: make([]byte, l.pageSize),
	}, nil
}

// node is a page to visit, with the bounds of its keys.
type node struct {
	id        uint64
	depth     int
	low, high []byte // low <= keys < high; nil is no bound
}

// bucket visits the tree of a bucket and then the buckets in it.
func (w *walker) bucket(ctx context.Context, root uint64) error {
	leaves := maxDepth
	if w.quick() {
		depth, err := w.depth(root)
		if err != nil {
			w.fault(err)
			return nil
		}
		leaves = max(depth, 1) // the root is always read
	}
	return w.visit(ctx, node{id: root}, leaves)
}

func (w *walker) quick() bool { return w.budget >= 0 }

// visit reads a page and goes down from it. Pages at the depth of leaves are
// only noted.
func (w *walker) visit(ctx context.Context, n node, leaves int) error {
	if n.depth >= leaves {
		if !w.quick() {
			w.fault(fmt.Errorf("page %d %w", n.id, errDeep))
			return nil
		}
		w.mark(n.id, 0)
		return nil
	}
	if w.quick() {
		if w.budget == 0 || w.budget&63 == 0 && time.Now().After(w.until) {
			w.budget = 0
			return nil
		}
		w.budget--
	}
	if err := ctx.Err(); err != nil {
		return err
	}
	p, err := w.l.readPage(n.id, w.buf)
	if err != nil {
		w.fault(err)
		return nil
	}
	if !w.mark(n.id, p.overflow) {
		return nil
	}
	children, buckets, err := w.elements(p, n)
	if err != nil {
		w.fault(err)
		return nil
	}
	for _, child := range children {
		if err := w.visit(ctx, child, leaves); err != nil {
			return err
		}
	}
	for _, root := range buckets {
		if err := w.bucket(ctx, root); err != nil {
			return err
		}
	}
	return nil
}

// depth follows the first children down to a leaf.
func (w *walker) depth(root uint64) (int, error) {
	for depth := range maxDepth {
		w.budget = max(w.budget-1, 0)
		p, err := w.l.readPage(root, w.buf)
		if err != nil {
			return 0, err
		}
		if p.flags == flagLeaf {
			return depth, nil
		}
		root = p.element(0).child
	}
	return 0, fmt.Errorf("page %d %w", root, errDeep)
}

// These are the faults that nobody may walk past: they can be a circle.
var (
	errTwice = errors.New("in use twice")
	errDeep  = errors.New("lies too deep")
)

// mark enters a page, with its overflow, as used. A page met twice would lead
// bbolt in a circle, or be freed twice.
func (w *walker) mark(id, overflow uint64) bool {
	for i := id; i <= id+overflow; i++ {
		switch {
		case i < 2 || i >= w.l.limit:
			w.fault(fmt.Errorf("page %d does not exist", i))
			return false
		case w.free.has(i):
			w.fault(fmt.Errorf("page %d is in use and listed as free", i))
			return false
		case !w.used.add(i):
			w.fault(fmt.Errorf("page %d is %w", i, errTwice))
			return false
		}
	}
	return true
}

// elements checks the keys of a page and returns what lies below it.
func (w *walker) elements(p *page, n node) (children []node, buckets []uint64, err error) {
	var last []byte
	for i := range p.count {
		e := p.element(i)
		key, err := w.l.read(p, e.key, e.value)
		if err != nil {
			return nil, nil, fmt.Errorf("page %d: %w", p.id, err)
		}
		switch {
		case i > 0 && bytes.Compare(last, key) >= 0,
			n.low != nil && bytes.Compare(key, n.low) < 0,
			n.high != nil && bytes.Compare(key, n.high) >= 0:
			return nil, nil, fmt.Errorf("page %d: key %d is out of order", p.id, i)
		}
		last = append(last[:0], key...)
		switch {
		case p.flags == flagBranch:
			key = bytes.Clone(key)
			if i > 0 {
				children[i-1].high = key
			}
			children = append(children, node{id: e.child, depth: n.depth + 1, low: key, high: n.high})
		case e.bucket:
			root, err := w.inner(p, e)
			if err != nil {
				return nil, nil, fmt.Errorf("page %d: bucket %q: %w", p.id, key, err)
			}
			if root != 0 {
				buckets = append(buckets, root)
			}
		}
	}
	return children, buckets, nil
}

// inner returns the root page of a bucket, or 0 after checking one that lies
// inline in its parent's page.
func (w *walker) inner(p *page, e element) (uint64, error) {
	if e.end-e.value < bucketHeadSize || e.end-e.value > w.l.pageSize {
		return 0, fmt.Errorf("a head of %d bytes", e.end-e.value)
	}
	b, err := w.l.read(p, e.value, e.end)
	if err != nil {
		return 0, err
	}
	if root := binary.NativeEndian.Uint64(b); root != 0 {
		return root, nil
	}
	b = b[bucketHeadSize:]
	if len(b) < pageHeaderSize {
		return 0, fmt.Errorf("an inline page of %d bytes", len(b))
	}
	in := parsePage(b)
	in.inline = b
	switch {
	case in.flags != flagLeaf || in.overflow != 0 || in.id != 0:
		return 0, fmt.Errorf("an inline page of kind %#x", in.flags)
	case pageHeaderSize+in.count*elementSize > len(b):
		return 0, fmt.Errorf("%d elements do not fit", in.count)
	}
	if err := in.check(); err != nil {
		return 0, err
	}
	_, buckets, err := w.elements(in, node{})
	if err == nil && len(buckets) > 0 {
		err = fmt.Errorf("a bucket inside an inline page")
	}
	return 0, err
}
