// Package store keeps models on this machine, one folder each in the user's
// cache folder: clipdb/models/NAME with model.json and the files it names.
//
// A model comes in by Import, from a folder or an archive that somebody copied
// over, or by package pull. Either way it is put together beside the store's
// models and then renamed into place, so that a model is there whole or not at
// all; its model.json holds size and sha256 of every file, and Verify, as well
// as every later use, compares them.
//
// Registry lists models that are known by name, as data.
//
// # Caveats
//
// Files are copied, not linked: a model of a gigabyte takes a gigabyte. Two
// processes that import the same name at once race for the last rename; the
// loser gets ErrExists.
package store
