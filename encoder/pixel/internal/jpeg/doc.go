// Package jpeg decodes JPEG files (ITU-T T.81) to their planes of samples.
//
// The samples are, bit for bit, those of libjpeg and libjpeg-turbo with their
// default settings: the inverse cosine transform is the same integer
// algorithm, Loeffler, Ligtenberg and Moschytz's with 13-bit constants, with
// the same roundings. The image towers of this project are trained on pixels
// that libjpeg-turbo decoded; the standard library's transform is as good but
// rounds otherwise, and may change from release to release, which would move
// the vectors of pictures already stored. It also miscounts restart intervals
// in progressive files with subsampled chroma.
//
// Sequential (baseline and extended) and progressive Huffman-coded files of 8
// bits and 1 to 4 components are read, with any sampling factors of which the
// smaller divide the largest.
//
// # Caveats
//
// Arithmetic coding, lossless and hierarchical files, 12-bit samples and
// heights that are told after the picture (DNL) are refused with
// [UnsupportedError]. libjpeg hides damage behind grey or smeared blocks; this
// package reports it: [io.ErrUnexpectedEOF] where the data ends too soon, else
// [FormatError]. A progressive file that ends in good order before its last
// scans is decoded as far as it goes, without the smoothing that libjpeg gives
// to such files.
package jpeg
