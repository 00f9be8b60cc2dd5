// Package plot draws recall against throughput: one line an index, throughput
// on a logarithmic axis, better to the upper right.
//
// # Caveats
//
// Rows of one setting are a single mark. Of a curve whose recall falls while
// its effort grows, the line follows the recall.
package plot
