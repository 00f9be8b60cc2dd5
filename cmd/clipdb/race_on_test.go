//go:build race

package main

// raceDetector tells that the tests run with the race detector, and so shall
// the program.
const raceDetector = true
