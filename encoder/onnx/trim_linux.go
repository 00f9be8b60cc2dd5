//go:build cgo && linux

package onnx

/*
#include <stddef.h>

// Weak, since only glibc has it.
extern int malloc_trim(size_t pad) __attribute__((weak));

static void trim(void) {
	if (malloc_trim) malloc_trim(0);
}
*/
import "C"

// trimHeap gives memory that was freed back to the system. Creating a session
// parses and unfolds weights, and glibc keeps the room: 50 MB for a text tower
// of 22 MB.
func trimHeap() { C.trim() }
