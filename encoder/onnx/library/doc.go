// Package library finds and installs the shared library of ONNX Runtime, the
// engine that runs the towers of a model. It holds no cgo and loads nothing:
// package onnx loads what Find returns.
//
// # Where the library is looked for
//
// Find tries, in this order, and always answers with an absolute path:
//
//  1. Options.Path, a file or a folder;
//  2. the environment variable CLIPDB_ONNXRUNTIME, a file or a folder;
//  3. beside the executable, in lib/ or ../lib next to it, and in
//     ../Frameworks on macOS;
//  4. the user's cache folder, where Install puts it;
//  5. the folders in which packages of the system keep libraries.
//
// What the user names (1 and 2) is used or refused, never passed over: a
// wrong path must not silently become another library. The version is read
// from the file's headers before anything is loaded; a library older than
// MinVersion, or of another platform, is passed over and the error says so.
//
// # What is trusted
//
// Install accepts a file whose sha256 is pinned in this package: the npm
// tarball, the libraries in it, and the archives of the official release. Any
// other file is refused unless InstallOptions.AllowUnpinned is set. In both
// cases the hash of the installed library is recorded beside it, and
// Library.Verify compares against that record. Package onnx calls Verify each
// time a process loads the library, which costs about 30 ms once per process
// for 38 MB; a copy in the cache that was altered or cut short is never
// loaded. Libraries found elsewhere (1, 2, 3, 5) belong to the user or to the
// system and are not hashed.
//
// # Caveats
//
//   - The prebuilt libraries need glibc 2.27 or newer on Linux. musl systems
//     (Alpine) cannot load them; Install says so before it fetches anything.
//   - No prebuilt library of this version exists for Macs with Intel
//     processors; name one of your own by Options.Path.
//   - On Windows, System32 holds an old onnxruntime.dll. It is never
//     considered, and a bare name is never loaded.
//   - The hashes of the release archives are those that GitHub publishes with
//     the release; the ones of the npm tarball were computed from it.
package library
