// Package encodertest holds the suite that every encoder.Encoder passes, and
// the check of an encoder against golden vectors of the framework that
// trained its model.
//
// A new encoder's test is one line:
//
//	encodertest.Run(t, func(t testing.TB) encoder.Encoder { return open(t) })
//
// # Caveats
//
// The suite asks what is true of any model: unit vectors, order, equal answers
// to equal questions. It does not ask whether the vectors mean anything; that
// is for golden vectors and for measured retrieval.
package encodertest
