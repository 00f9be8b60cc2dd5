// Package hamming finds 64-bit codes that differ in few bits.
//
// It is multi-index hashing: Norouzi, Punjani and Fleet, "Fast Search in
// Hamming Space with Multi-Index Hashing" (CVPR 2012). A code is cut into four
// bands of 16 bits, and each band has a table of the codes by its value. When
// two codes differ in at most d = 4r+a bits (a below 4), then, by the
// pigeonhole principle, one of the first a+1 bands differs in at most r bits,
// or one of the others in at most r-1; so it is enough to look up the values
// that near to the query's, band by band, and to count the bits of what is
// found there.
package hamming
