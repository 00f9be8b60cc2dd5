// Package trial builds an index from a named configuration and measures what
// its searches find and cost.
//
// A configuration is written as the kind of index and its settings:
//
//	hnsw
//	hnsw:M=16,efc=200,quant=int8,ef=20/40/80
//	coder:M=64,ef=100
//	scan:ef=100/500,recall=0.95
//	flat
//
// Exact vectors for re-ranking are read from the base matrix, as a database
// reads them from its file; with vectors=own the index keeps a copy of its own
// and its memory counts it.
//
// A setting with ef runs the same index with that beam. Rounds are taken in
// turn over all settings, and the medians of the rounds are what counts.
//
// # Caveats
//
// One thread means one goroutine that searches; Go's garbage collector may use
// another core unless GOMAXPROCS is 1. Opening is measured through Checkpoint
// and Restore with pages in a plain file; a cold open asks the system to drop
// that file from its cache first, which works on Linux alone.
package trial
