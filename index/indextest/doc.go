// Package indextest is the suite that every index.Index passes: [Run] measures
// it against index.Flat on the same vectors and tries what users and crashes
// do to it.
package indextest
