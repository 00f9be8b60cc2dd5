package pixel

import "math"

// precisionBits is the number of fractional bits of a filter weight: Pillow
// keeps 8 bits for the sample and 2 spare ones of a 32-bit accumulator.
const precisionBits = 32 - 8 - 2

// bicubicSupport is the reach of the filter in source pixels at scale 1.
const bicubicSupport = 2.0

// bicubic is the cubic convolution kernel of Keys (1981) with a = -0.5.
//
// Every product is wrapped in a conversion so that no compiler may fuse it
// with the sum that follows: a fused result could round a weight otherwise
// than Pillow does.
func bicubic(x float64) float64 {
	const a = -0.5
	if x < 0 {
		x = -x
	}
	if x < 1 {
		return float64(float64((float64((a+2)*x)-(a+3))*x)*x) + 1
	}
	if x < 2 {
		return float64((float64((float64((x-5)*x)+8)*x) - 4) * a)
	}
	return 0
}

// bilinearSupport is the reach of the triangle filter.
const bilinearSupport = 1.0

// bilinear is the triangle filter.
func bilinear(x float64) float64 { return max(1-math.Abs(x), 0) }

// weights says, for each output sample of one axis, which input samples
// enter and by how much, in fixed point.
type weights struct {
	bilinear bool // the triangle filter in place of the cubic one

	size   int     // weights kept for each output sample
	starts []int32 // first input sample of each output sample
	counts []int32 // input samples of each output sample
	fixed  []int32 // size weights for each output sample, precisionBits of fraction
	float  []float64

	// For the assembly: the lower 15 bits of each weight and what is above
	// them, padded long for each output sample.
	padded    int
	low, high []int16
}

// split fills low and high. A product with a byte and the sum of two of them
// then fit 32 bits, and what the sums of more of them lose at the top comes
// back when the halves are joined: the whole is a 32-bit number.
func (w *weights) split() {
	w.padded = (w.size + 3) &^ 3
	n := len(w.starts) * w.padded
	w.low, w.high = grow(w.low, n), grow(w.high, n)
	clear(w.low)
	clear(w.high)
	for i := range w.starts {
		for k, v := range w.fixed[i*w.size : (i+1)*w.size] {
			w.low[i*w.padded+k] = int16(v & 0x7fff)
			w.high[i*w.padded+k] = int16(v >> 15)
		}
	}
}

// span returns the input samples [first, last) that the outputs read.
func (w *weights) span() (first, last int) {
	n := len(w.starts)
	return int(w.starts[0]), int(w.starts[n-1] + w.counts[n-1])
}

// compute fills w for the outputs [from, to) of an axis that is resized from
// in to out samples. The arithmetic follows Pillow's: double precision, the
// filter stretched when shrinking, weights normalised to sum 1 and then
// rounded half away from zero.
func (w *weights) compute(in, out, from, to int) {
	scale := float64(in) / float64(out)
	stretch := max(scale, 1)
	filter, support := bicubic, bicubicSupport*stretch
	if w.bilinear {
		filter, support = bilinear, bilinearSupport*stretch
	}
	inverse := 1 / stretch

	n := to - from
	w.size = int(math.Ceil(support))*2 + 1
	w.starts = grow(w.starts, n)
	w.counts = grow(w.counts, n)
	w.fixed = grow(w.fixed, n*w.size)
	w.float = grow(w.float, w.size)

	for i := range n {
		centre := float64((float64(from+i) + 0.5) * scale)
		start := max(int(centre-support+0.5), 0)
		end := min(int(centre+support+0.5), in)
		count := end - start
		sum := 0.0
		for k := range count {
			v := filter(float64((float64(k+start) - centre + 0.5) * inverse))
			w.float[k] = v
			sum += v
		}
		row := w.fixed[i*w.size : (i+1)*w.size]
		clear(row[count:])
		for k := range count {
			v := w.float[k]
			if sum != 0 {
				v /= sum
			}
			v = float64(v * (1 << precisionBits))
			if v < 0 {
				row[k] = int32(v - 0.5)
			} else {
				row[k] = int32(v + 0.5)
			}
		}
		w.starts[i], w.counts[i] = int32(start), int32(count)
	}
}

// grow returns s with length n, keeping its memory when that suffices.
func grow[T any](s []T, n int) []T {
	if cap(s) < n {
		return make([]T, n)
	}
	return s[:n]
}
