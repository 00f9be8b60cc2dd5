// Package db turns pictures and words into vectors, and queries into matches.
//
// It is the part of clipdb that is the same for every model and every place
// where records live. [Open] joins an engine (see package db/engine; package
// db/local keeps everything in one file) with an encoder, and the methods of
// [DB] are what programs use. Programs that want the built-in model and a
// file call clipdb.Open, the root package, instead: it wires both and links
// the model; this package links no model.
//
// # Items
//
// An [Item] is a picture with a caption and typed attributes, or the caller's
// own vector with the same. [DB.Insert] stores one and returns when it is
// durable, [DB.InsertAll] stores many: it decodes beside the model's work,
// commits in groups, reports each item, skips what is there already and so
// continues where an earlier run was cut off.
//
// # Queries
//
// [DB.SearchByText] and [DB.SearchByImage] are the common ones. [DB.Search]
// takes a [Query], which weighs several texts, pictures, stored items and
// vectors, wanted and unwanted. A filter on attributes is applied inside the
// search, so K matches come back whenever K items pass it.
//
// # Models
//
// The first item decides whose vectors the database holds: the encoder's
// model, or the caller's own. From then on vectors of another model are
// refused with ErrModelMismatch naming both, because scores between two
// models mean nothing. A database without items takes any model.
//
// # Caveats
//
// Scores are cosines. Their range differs from model to model and between
// text and picture queries, and they are not probabilities; see
// [SearchOptions].MinScore.
//
// One process opens a file at a time, except that several may read it.
//
// Readers given to the package are read to their end or to the limit of
// bytes, and not closed, but for those of [File], which close themselves.
package db
