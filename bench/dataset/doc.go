// Package dataset brings sets of vectors for nearest-neighbour search: base
// vectors and queries, all of unit length, from files or from a generator.
//
// Files are told apart by their first bytes and their name:
//
//   - .npy: NumPy, float32, see package npy;
//   - .fvecs, .bvecs, .ivecs: the TEXMEX formats, a row being its length as
//     int32 and then that many float32, uint8 or int32
//     (http://corpus-texmex.irisa.fr);
//   - .hdf5, .h5: those of ann-benchmarks, with "train" and "test" inside
//     (https://github.com/erikbern/ann-benchmarks), see package hdf5;
//   - idx, also under gzip: MNIST and Fashion-MNIST, a picture being a row
//     (Y. LeCun, C. Cortes, C. Burges, The MNIST database).
//
// # Caveats
//
// Everything is brought to unit length, since clipdb searches by cosine: the
// neighbours that an ann-benchmarks file names for another metric are not
// used. A row of zeros has no direction and is an error that names it. A set
// is held in memory as float32.
package dataset
