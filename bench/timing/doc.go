// Package timing runs a search over and over, on one goroutine or several, and
// keeps how long each answer took.
//
// # Caveats
//
// Two readings of the clock, some 80 ns, are part of every latency.
package timing
