// Package hdf5 reads matrices of numbers from HDF5 files of the kind that
// ann-benchmarks and h5py write: superblock version 0, groups as symbol tables,
// object headers of version 1, contiguous, compact or chunked storage.
//
// The format is described in "HDF5 File Format Specification Version 3.0" of
// The HDF Group; section numbers in comments are its.
//
// # Caveats
//
// It reads datasets of one or two dimensions in the root group, of float32,
// float64 and 8, 16 or 32-bit integers, all little endian, and gives float32.
// Files of h5py's libver="latest", other filters than deflate, shuffle and
// fletcher32 (whose sum is not checked), and everything else are refused by
// name; h5repack or h5py turn them into the plain form.
package hdf5
