// Package hnsw is a Hierarchical Navigable Small World graph (Malkov and
// Yashunin 2016, arXiv:1603.09320) over one-byte codes.
//
// Vectors are kept as codes of package quant in one flat array, links in
// another, both indexed by slot: 2M links a node on layer 0, M on the layers
// above. A search walks the graph on codes and re-ranks its best candidates
// with the exact vectors. Neighbours are chosen by the paper's algorithm 4,
// level draws are a hash of seed and slot.
//
// # Inserting
//
// Vectors enter in batches. Each vector of a batch looks for its neighbours in
// the graph as it was before the batch, which the goroutines of a batch only
// read, and by a direct scan among the others of the batch; then the links
// back are sorted by their target and each target's list is rewritten once.
// Nothing depends on which goroutine did what: equal Params and equal calls
// give an equal graph, whatever the number of workers. Adds that wait for each
// other join one batch, so that calls with one vector from many goroutines use
// all cores; the order in which they arrive is then up to the scheduler, and
// so are the last links of the graph.
//
// # Deleting
//
// Delete clears a bit; the node keeps routing and is no answer any more. When
// dead nodes are a fifth of all, the calls that follow repair the graph a few
// nodes at a time: whoever has lost too many of its links to dead nodes gets
// links to those nodes' neighbours instead, chosen by the same heuristic. Only when no link to it is
// left, and no search that could still hold it runs, is its slot free again.
//
// # Codes
//
// The codec (mean, rotation, step) is made from the first batch and looked at
// again each time eight times as many vectors have been added as it was made
// from: when the mean has moved, or the spread changed, by more than a seventh
// of the spread, all codes are made anew from the exact vectors.
//
// With index.QuantFloat32 the rows hold the vectors themselves: no rounding,
// nothing to re-rank and no second copy, at four times the memory of int8 codes
// and as many bytes to read for a distance. index.QuantInt8Only has int8 codes
// and nothing beside them. 1-bit codes are package scan's.
//
// # Filters
//
// Few rows that pass are scanned: their codes, or the plane of 1-bit codes where
// that is less to read. Otherwise the beam looks around first, and how much of
// what lies near the query passes decides whether it goes on through what does
// not, or a scan answers. Looking at the neighbours of those neighbours that do
// not pass, in their place (ACORN-1, Patel et al. 2024), was tried: docs/recall.md
// has the figures.
//
// # Caveats
//
// Answers are approximate unless Query.Exact is set; see docs/recall.md for
// what to expect. An index that has no Params.Vectors and re-ranks keeps a
// float32 copy of every vector. Growing the index copies codes and links (not
// vectors) into larger arrays, a quarter larger each time; searches go on
// meanwhile in the old ones. With Params.Vectors the vector of a slot must be
// readable before Add is called for it.
package hnsw
