// Package storagetest helps to test what is built on package storage: stores
// that are checked when a test ends, and processes that are killed while they
// write.
//
// # Caveats
//
// Killing needs the operating system to end a process at once (SIGKILL, or
// TerminateProcess on Windows). It loses nothing that was written to the
// kernel; what a power cut can lose is simulated in the tests of package
// storage itself.
package storagetest
