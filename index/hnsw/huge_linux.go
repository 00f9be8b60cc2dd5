package hnsw

import (
	"unsafe"

	"golang.org/x/sys/unix"
)

// adviseHuge asks for 2 MiB pages under the n bytes at p, which have not been
// touched yet: they are read at random, and a search spends a tenth of its
// time on walks of the page table otherwise.
func adviseHuge(p unsafe.Pointer, n int) {
	if n < 4<<20 {
		return
	}
	// A kernel without the feature says so; nothing is lost.
	_ = unix.Madvise(pagesOf(p, n), unix.MADV_HUGEPAGE)
}

// collapseHuge moves the n bytes at p, which have been written, into large
// pages, should they not be there yet because the heap has used the memory
// before.
func collapseHuge(p unsafe.Pointer, n int) {
	if n >= 4<<20 {
		_ = unix.Madvise(pagesOf(p, n), unix.MADV_COLLAPSE)
	}
}

// pagesOf returns the whole pages within the n bytes at p.
func pagesOf(p unsafe.Pointer, n int) []byte {
	const page = 4096
	off := int(-uintptr(p) & (page - 1))
	return unsafe.Slice((*byte)(p), n)[off : off+(n-off)&^(page-1)]
}
