// Package index finds the nearest of many unit vectors.
//
// Vectors go in under a slot, a number that the caller chooses; slots and
// scores come out. The package knows nothing of images, captions or files.
// [Flat] scans exactly and is the oracle that every other index is measured
// against; package hnsw holds the graph, package scan the comparison
// of 1-bit codes, package coder an adapter of github.com/coder/hnsw, package quant
// the codes, and package indextest the
// suite that every index passes.
//
// # Caveats
//
// Recall of an approximate index is always stated against Flat on the same
// vectors. Returning fewer than K candidates is normal when fewer live or
// allowed vectors exist, and never an error.
package index
