//go:build !cgo || !linux

package onnx

// trimHeap has nothing to do: other systems give freed memory back themselves.
func trimHeap() {}
