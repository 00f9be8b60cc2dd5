package pixel

import (
	"math"
	"slices"
)

// Sizes of the perceptual hash: the picture is looked at as hashSide² grey
// levels, of whose cosine transform hashFreq² low frequencies are taken.
const (
	hashSide = 32
	hashFreq = 8
)

// HashContrast is the least contrast of a picture that has a perceptual hash:
// the standard deviation, in grey levels of 0 to 255, of the part of it that
// the hash looks at. docs/duplicates.md has how it was chosen.
const HashContrast = 2

// PerceptualHash returns 64 bits that stay nearly the same when a picture is
// compressed, scaled or changed a little; the number of bits in which two
// hashes differ tells how unlike the pictures look.
//
// It is the DCT hash of Zauner, "Implementation and Benchmarking of Perceptual
// Image Hash Functions" (2010), section 3.2.1, known as pHash: the picture is
// reduced to 32 by 32 grey levels (here by [RGB.Resize], where pHash blurs and
// samples), and each of the frequencies 1 to 8 of its two-dimensional DCT-II
// gives one bit, set when the coefficient is above the median of the 64. Bit
// 8v+u is that of vertical frequency v+1 and horizontal frequency u+1. All is
// computed in whole numbers, so that the same pixels have the same hash
// everywhere.
//
// It is false for a picture of less than HashContrast, such as a blank page or
// a clear sky: its bits would be noise, or be those of every other one. So it
// is for a picture without pixels.
func (m *RGB) PerceptualHash() (hash uint64, ok bool) {
	small, err := m.Resize(hashSide, hashSide)
	if err != nil {
		return 0, false
	}
	coefficients := small.lowFrequencies()
	var energy int64 // 2^30 times the variance
	for _, c := range coefficients {
		c >>= 30
		energy += c * c
	}
	if energy < HashContrast*HashContrast<<30 {
		return 0, false
	}
	sorted := coefficients
	slices.Sort(sorted[:])
	median := sorted[len(sorted)/2-1] // the lower one: half of the bits are set
	for i, c := range coefficients {
		if c > median {
			hash |= 1 << i
		}
	}
	return hash, true
}

// cosines[f][x] is cos((2x+1)(f+1)π/64), the row of frequency f+1 of a DCT-II
// of 32 samples, times 2^14.
var cosines = func() (t [hashFreq][hashSide]int64) {
	for f := range t {
		for x := range t[f] {
			t[f][x] = int64(math.Round(math.Cos(float64((2*x+1)*(f+1))*math.Pi/(2*hashSide)) * (1 << 14)))
		}
	}
	return t
}()

// lowFrequencies returns the DCT-II coefficients of the grey levels of a
// picture of 32 by 32 pixels, for vertical and horizontal frequencies 1 to 8.
// They are not normalised, and 2^36 times as large.
func (m *RGB) lowFrequencies() (out [hashFreq * hashFreq]int64) {
	var rows [hashSide][hashFreq]int64 // each row, transformed
	for y := range hashSide {
		var grey [hashSide]int64 // of ITU-R BT.601, times 2^8
		for x := range grey {
			p := m.Pix[3*(y*hashSide+x):]
			grey[x] = (19595*int64(p[0]) + 38470*int64(p[1]) + 7471*int64(p[2])) >> 8
		}
		for u := range hashFreq {
			for x, g := range grey {
				rows[y][u] += g * cosines[u][x]
			}
		}
	}
	for v := range hashFreq {
		for u := range hashFreq {
			for y := range hashSide {
				out[hashFreq*v+u] += rows[y][u] * cosines[v][y]
			}
		}
	}
	return out
}
