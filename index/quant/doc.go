// Package quant makes small codes of unit vectors and scores them against
// queries: Int8, one byte a component, and Binary, one bit a component in the
// manner of RaBitQ. Both subtract the mean of the data and turn what is left
// with a seeded random rotation, after which every component has nearly the
// same spread: the cone that CLIP vectors lie in and their few rogue
// dimensions no longer eat the range of the code.
package quant
