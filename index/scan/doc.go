// Package scan is an index without a graph: 1-bit codes of all vectors, in the
// manner of RaBitQ (Gao and Long, SIGMOD 2024), are compared with every query,
// and the best are ranked by their exact vectors.
//
// It takes an eighth of a byte a component and eight bytes a vector, builds as
// fast as vectors are coded, forgets a deleted vector at once, and does not
// care whether queries lie where the vectors lie: text queries, which a graph
// serves badly, cost it little more than image queries. Its time grows with
// the collection; see docs/recall.md for where a graph overtakes it.
//
// # How many are ranked
//
// Query.Ef, when given, is the number of vectors ranked exactly, 4K+24 at least.
// Otherwise 4K+24 are ranked first, and then all whose estimate, with the error
// bound of the codes, may yet be among the K nearest: the bound is taken as wide
// as Query.Recall, or else Params.Recall, asks for (0.99 when neither does).
//
// Few vectors, and the few that a filter lets through, are compared exactly
// without codes.
//
// # Codes
//
// The codec (mean and rotation) is made from the first vectors, and looked at
// again each time eight times as many have been added as it was made from: when
// their mean has moved or their spread changed by more than a seventh of the
// spread, all codes are made anew.
//
// # Caveats
//
// Of Params it uses Dim, Seed, Recall and Vectors. Without Params.Vectors it
// keeps a float32 copy of every vector, which is most of its memory then; with
// it, the vector of a slot must be readable before Add is called for it, and
// each search reads some hundreds. Add, Delete and Checkpoint wait for each
// other; searches wait for none of them longer than a few hundred codes take
// to write.
package scan
