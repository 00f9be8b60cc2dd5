package quant

import "math"

// priorVectors is how many vectors of mean zero and length one stand beside a
// sample in training.
const priorVectors = 16

// meanOf returns the mean of the usable vectors of sample and the root mean
// square of their distances from it, both drawn towards zero mean and length
// one by priorVectors.
func meanOf(dim int, sample [][]float32) (mean []float32, rms float64) {
	sum := make([]float64, dim)
	n := 0
	var sq float64
	for _, v := range sample {
		if !usable(dim, v) {
			continue
		}
		n++
		for i, x := range v {
			sum[i] += float64(x)
			sq += float64(x) * float64(x)
		}
	}
	mean = make([]float32, dim)
	total := float64(n + priorVectors)
	sq += priorVectors
	for i, s := range sum {
		m := max(-1, min(1, s/total)) // as the mean of unit vectors is
		mean[i] = float32(m)
		sq -= total * m * m
	}
	return mean, math.Sqrt(max(sq, 0) / total)
}

func usable(dim int, v []float32) bool {
	if len(v) != dim {
		return false
	}
	for _, x := range v {
		if x-x != 0 { // NaN or infinite
			return false
		}
	}
	return true
}
