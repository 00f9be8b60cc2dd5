// Package bench measures recall against latency: of the indexes of clipdb, and
// of other libraries beside them.
//
// The rooms below it, each with one noun:
//
//   - dataset: vectors and queries from .npy, .fvecs, .bvecs, .ivecs, HDF5 and
//     idx files, and a generator of CLIP-like ones;
//   - truth: the exact nearest neighbours, kept on disk by content;
//   - trial: an index built from a named configuration such as
//     "hnsw:M=16,ef=40/80", and what its searches cost;
//   - report: results as JSON, CSV and a table; machine: the facts of the
//     machine they come from; plot: pictures of recall against throughput;
//   - peer, peers, compare: the same measurement of other libraries, one
//     process each, in interleaved rounds (make bench-peers);
//   - study: what else the index is asked for: filters, changes, threads, recall
//     asked for, sides, efficiency, opening;
//   - encoder: how fast models encode, by kind, batch and threads (make
//     bench-encoder);
//   - retrieval, zeroshot: how well the built-in model finds and classifies
//     photos;
//   - duplicates: which altered copies of pictures are found, and how many
//     different ones are taken for copies.
//
// The package itself holds Go benchmarks of the standard settings:
//
//	go test -run '^$' -bench . ./bench
//
// `clipdb bench --help` tells of the command for any harness.
//
// # Caveats
//
// Numbers of a busy machine mean little, and absolute ones are those of one
// machine: compare ratios of one run. The CLIP-like vectors imitate statistics
// of real embeddings; measure on your own (clipdb bench --db FILE) before you
// believe a small difference.
package bench
