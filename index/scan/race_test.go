//go:build race

package scan

func init() { raceDetector = true }
