// Package onnx runs the two towers of a model on ONNX Runtime.
//
// An Encoder is cheap to make: it loads the library (see package library), the
// tokenizer and each tower when they are first needed, or all at once by
// Warm. Encoders of the same model share one session for each tower, for as
// long as any of them is open; nothing is loaded or created per call.
//
// Each tower has a lane: callers in any number of goroutines prepare their
// texts and images themselves, and one worker runs what has come together in
// the meantime as one batch. A caller whose context ends leaves the queue at
// once; a run that nobody waits for any more is stopped.
//
// Without cgo the package builds and an Encoder can be made, but whatever
// needs a tower returns encoder.ErrNoRuntime.
//
// # Caveats
//
//   - Vectors of the same input differ in the last bits (below 1e-5 per
//     component) with the company they had in a batch and with the number of
//     threads.
//   - The first library that is loaded serves the whole process until every
//     encoder is closed; Options.Library of later encoders is not looked at
//     meanwhile.
//   - Weights stored as int8 with a scale are unfolded to float32 when a tower
//     is loaded; memory is that of the unfolded ones.
package onnx
