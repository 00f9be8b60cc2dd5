package hnsw

import (
	"unsafe"

	"golang.org/x/sys/unix"
)

// adviseHuge asks for 2 MiB pages under b: codes are read at random, and a
// search spends a tenth of its time on walks of the page table otherwise. It
// must be called before b is touched to be of use at once.
func adviseHuge(b []uint8) {
	const page = 4096
	if len(b) < 4<<20 {
		return
	}
	start := (uintptr(unsafe.Pointer(unsafe.SliceData(b))) + page - 1) &^ (page - 1)
	off := int(start - uintptr(unsafe.Pointer(unsafe.SliceData(b))))
	n := (len(b) - off) &^ (page - 1)
	// A kernel without the feature says so; nothing is lost.
	_ = unix.Madvise(b[off:off+n], unix.MADV_HUGEPAGE)
}
