// Package truth finds the exact nearest neighbours of queries by cosine, and
// keeps them on disk under the hash of base vectors, queries and k.
//
// # Caveats
//
// Scores are sums of float32 products; vectors closer to each other than 1e-6
// count as equally good, so that an answer is not called wrong for the order
// of a sum, nor for taking another of several equal vectors.
package truth
