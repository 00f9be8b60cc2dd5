// Package peer is the conversation between a comparison and the libraries it
// compares: each runs in a process of its own, reads a request a line from
// standard input and writes a reply a line to standard output, both JSON.
// Between requests it waits and uses no processor.
//
// bench/peers/peers.py speaks it for libraries from PyPI, and Serve for those
// in Go.
//
// # Caveats
//
// Whatever else the process prints must go to standard error.
package peer
