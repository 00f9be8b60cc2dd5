// Package quant makes small codes of unit vectors and scores queries against
// them.
//
//	kind     bytes a vector of d components   d=512   512-d score, hot   what it is for
//	Int8     d, padded to 64                    512   4 ns              walking a graph, scans, re-ranking of 1-bit scans
//	Binary   d/8, padded to 8, and 8             72   1.6 ns            scans of everything
//	Float16  2d                                1024   20 ns             re-ranking, as good as exact
//	float32  4d                                2048   22 ns             exact re-ranking
//
// A codec itself holds 4 to 6 vectors of float32 components.
//
// Int8 and Binary subtract the mean of the data and turn what is left with a
// seeded random rotation. After it every component has nearly the same spread,
// so that one scale serves all: the narrow cone that CLIP vectors lie in and
// their few rogue dimensions do not eat the range of the code, as they do when
// unit vectors are scaled by 127. On sets that imitate CLIP (512 components,
// mean cosine 0.5) an Int8 score is off by 4e-4, and the ten nearest are among
// the best fifteen codes for image and text queries alike. A Binary estimate is
// off by 0.017 and 0.023; it carries an error bound, and Scan uses the bound to
// pick how many rows to score again: 70 of 100,000 for an image query, 600 to
// 1,500 for a text query, for a recall of ten of 0.97 to 0.996.
//
// Codes, and what Encode makes of a query, are the same bits on every machine
// for the same codec; codecs are stored, not trained twice.
//
// # Padding
//
// Codes of d components take d rounded up to 64 (just below a power of two, to
// it): 384 and 768 are not padded to 512 and 1,024. The rotation mixes windows
// of a power of two that overlap, see the source of rotation.
//
// # Caveats
//
// Vectors are taken to be finite and, for Binary, of unit length; callers check
// that. Slices shorter than a codec's stride panic. A codec that was trained on
// other data stays right on average but loses precision; Drift says how much.
// BinaryCodes and Scan are not for several goroutines at once.
package quant
