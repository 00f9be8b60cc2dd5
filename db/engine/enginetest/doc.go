// Package enginetest holds the suite that every engine.Engine passes.
//
// Run it from a test of the engine's package:
//
//	enginetest.Run(t, enginetest.Harness{Open: func(t *testing.T, dir string, readOnly bool) engine.Engine { ... }})
//
// Answers are compared with a plain model in memory: maps, loops and float64
// sums that share no code with any engine, a naive evaluator of filters among
// them. Each engine that a test opens is verified before it is closed.
//
// # Caveats
//
// The suite keeps to a few thousand vectors of 16 to 32 components, so it
// finds what is wrong, not what is slow.
package enginetest
