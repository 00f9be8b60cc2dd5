//go:build race

package library

// raced is set where the race detector makes unpacking ten times slower.
const raced = true
