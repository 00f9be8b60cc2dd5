// Command clipdb finds pictures by meaning, in one file on disk.
//
//	clipdb add photos.clipdb ~/Pictures
//	clipdb search photos.clipdb "a dog playing in the snow"
//	clipdb similar photos.clipdb holiday/beach.jpg
//
// Every command takes --json: then standard output holds one JSON object, or
// one a line, and nothing else. The exit status is 0 on success, 1 on failure
// with one plain sentence on standard error, and 2 on wrong usage. Progress
// goes to standard error, and only when that is a terminal.
//
// # Caveats
//
// One process at a time writes to a database; a second one waits a second and
// then says that the file is in use.
//
// A single file that cannot be read does not stop add: it is recorded with its
// reason, `clipdb info --failures` lists it, and the exit status stays 0 unless
// the file was named on the command line or --strict is given.
package main
