// Package encoder turns images and words into unit vectors of one shared space.
//
// It holds the [Encoder] interface and nothing that runs a model: the rooms
// below it do. Package pixel decodes and resizes pictures, token turns text
// into ids, onnx runs a pair of towers on ONNX Runtime, model reads the
// manifest of a model, and builtin is the model that ships with clipdb.
//
// # Caveats
//
// Vectors of two models never compare, even of equal dimension: [Model]'s
// Fingerprint tells models apart, and a database refuses to mix them.
// Scores are cosines, not probabilities; their range differs from model to
// model and between text and image queries.
package encoder
