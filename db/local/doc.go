// Package local keeps a database in one file on this machine.
//
// It joins package storage, where records and vectors are durable, with an
// index, where they are found. Every change is one transaction of the file;
// the index follows it in memory and is written to the file now and then, so
// opening restores that checkpoint and replays the changes after it. When the
// checkpoint cannot be trusted the index is built again from the vectors:
// losing it costs time, never data.
//
// # Caveats
//
// One process opens a file at a time, except that several may read it.
//
// Deleted and replaced records are out of every answer at once, and their
// vectors are overwritten in the file. What the index knew of them (a code of
// one byte a component) and free pages of the file stay until Compact.
//
// Words of captions are kept in memory from the first search for keywords on:
// that search reads all captions, about a second for 100,000, and they take
// some 100 to 250 bytes each.
//
// After a crash the changes since the last checkpoint are replayed, at most
// 50,000 of them, at about the speed of inserting.
package local
