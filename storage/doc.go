// Package storage keeps records, image bytes, vectors, index pages and a
// change log in one bbolt file. It knows rows, bytes and slots; what a vector
// means, what an image shows and how an index works is the business of others.
//
// # Basics
//
// [Open] gives a [Store]; [Store.View] and [Store.Update] run a function in a
// transaction. When Update returns nil its changes are on the disk (fsync) and
// survive a crash whole; when it returns an error, or the process dies before
// it returns, none of them is there. Reads see the state of the moment their
// View began.
//
// Every value is checksummed (CRC-32C, image bytes SHA-256), so that damage is
// an error ([ErrCorrupt]) and never a wrong answer. The layout of the file,
// byte by byte, is written down in docs/format.md.
//
// # Caveats
//
//   - One process writes. A second one gets [ErrLocked] after
//     Options.LockTimeout; several may read together with Options.ReadOnly.
//   - A Tx belongs to the goroutine that runs the function, ends with it, and
//     must not be nested in another: a View inside an Update, or an Update
//     inside a View, of the same goroutine can wait for itself for ever, and so
//     does Close inside either. Run one View per goroutine for parallel reads.
//   - Slices that [Tx.Page] and [Tx.Meta] return, and those that iterators
//     yield, are valid as long as the documentation of each says, and must not
//     be written to.
//   - The file does not shrink, and freed pages may still hold the bytes of
//     what was deleted, until [Store.Compact] has rewritten it. Vectors are
//     overwritten with zeros in the page that replaces theirs, but the old
//     page is a freed page like any other.
//   - A read transaction that stays open keeps the pages it can see from being
//     used again: the file grows meanwhile.
//   - The file must lie on a local disk: network file systems break locks,
//     memory maps or both.
package storage
