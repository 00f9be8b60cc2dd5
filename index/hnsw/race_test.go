//go:build race

package hnsw_test

func init() { raceDetector = true }
