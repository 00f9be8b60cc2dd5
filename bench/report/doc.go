// Package report holds what a benchmark found, a row for each setting, and
// writes rows as JSON, CSV and a table for people, with the machine's facts.
//
// # Caveats
//
// Names of JSON fields and CSV columns are stable; further ones may come.
package report
