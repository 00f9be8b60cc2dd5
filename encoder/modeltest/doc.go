// Package modeltest holds every family of models against its reference
// library: small models of the true architecture with random weights, exported
// to ONNX from transformers or open_clip, with the ids, pixels and vectors that
// these gave for 40 texts and 20 pictures.
//
// The folders of testdata are laid out as the exports of each family are; the
// scripts that made them are in golden, with the versions they need. The tests
// need no Python.
//
// # Caveats
//
// Random weights test the arithmetic, not the meaning. CLIP's vocabulary is
// cut after 2,000 merges, the SentencePiece and WordPiece ones are of the
// families' kinds but trained for these tests.
package modeltest
