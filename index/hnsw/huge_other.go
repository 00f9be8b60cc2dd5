//go:build !linux

package hnsw

func adviseHuge([]uint8) {}
