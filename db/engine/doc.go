// Package engine is the seam between the database's face and the place where
// records live.
//
// Package db turns pictures and words into vectors; an [Engine] keeps records
// with their vectors and finds the nearest ones. Package db/local is the
// engine of one file on one machine. Another engine implements the same
// interface, passes the suite in package enginetest, and is handed to
// db.Open.
//
// The package also holds the values that cross the seam: [Record], the typed
// attribute [Value], the [Filter] tree, [Query] and [Hit].
//
// # Caveats
//
// Nothing here tells how an engine numbers or stores its rows; a program that
// needs those details belongs behind the seam.
//
// A [Filter] is data, not code: an engine may translate it into another query
// language, so its meaning is exactly what the documentation of the
// constructors says, [Filter.Match] being the reference.
package engine
