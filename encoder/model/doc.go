// Package model reads the manifest of a model, model.json: which files make
// it up, what they must hash to, and how pictures and words are prepared for
// them.
//
// A manifest comes from a folder or an archive that somebody else made, so it
// is read as foreign bytes: bounded, validated field by field, and its file
// names may not leave the folder. Manifest.Verify compares the files with
// their sizes and hashes and names the first that differs.
//
// Manifest.Fingerprint is the identity of a model for a database: equal
// fingerprints mean interchangeable vectors. It covers the content of the
// files, the tokenizer, the preprocessing and the dimension, and leaves out
// names, licence and the like.
//
// # Caveats
//
// Unknown fields are ignored, so that a manifest written by a newer clipdb
// stays readable; a newer kind of tokenizer or preprocessing is an error and
// not a guess. Only bicubic interpolation is known.
package model
