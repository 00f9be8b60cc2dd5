// Package coder is an adapter of github.com/coder/hnsw, for comparison and for
// those who want a graph in plain Go without assembly of this module. It is not
// the default: docs/recall.md shows what it finds.
//
// The library has faults that the adapter keeps out of reach: it never deletes
// from the library's graph nor adds a key twice, since both panic or bring dead
// keys back; deleted vectors are skipped among the answers, and the graph is
// built anew when half of it is dead. The library's answers are unsorted and
// miss much, so the adapter asks for several times as many, scores them
// exactly and sorts. A panic inside the library becomes a rebuild, and a second
// one an error.
//
// # Caveats
//
// Recall is low and does not grow with ef as an HNSW's does; ask for M of 64 at
// least. An answer shorter than K, or with a filter, is completed by an exact
// scan. Every vector is held twice in memory, beside maps of links. Checkpoints
// hold the vectors alone: Restore builds the graph again, which takes as long
// as at first. One Add at a time, and searches wait for it.
package coder
