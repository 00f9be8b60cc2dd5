// Package plot draws recall against throughput: one line an index, throughput
// on a logarithmic axis, recall on one that spreads what is close to 1, better
// to the upper right.
//
// # Caveats
//
// Recalls below 0.5 are left out, and those above 0.999 drawn as 0.999. Rows of
// one setting are a single mark. Of a curve whose recall falls while
// its effort grows, the line follows the recall.
package plot
