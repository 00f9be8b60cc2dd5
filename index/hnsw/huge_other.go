//go:build !linux

package hnsw

import "unsafe"

func adviseHuge(unsafe.Pointer, int) {}

func collapseHuge(unsafe.Pointer, int) {}
