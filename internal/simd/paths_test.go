package simd

import (
	"math/rand/v2"
	"testing"
)

func runPath(t testing.TB, name string, f func(t testing.TB, path string)) {
	switch t := t.(type) {
	case *testing.T:
		t.Run(name, func(t *testing.T) { f(t, name) })
	case *testing.B:
		t.Run(name, func(b *testing.B) { f(b, name) })
	default:
		f(t, name)
	}
}

func newRand(seed uint64) *rand.Rand { return rand.New(rand.NewPCG(seed, 0x5eed)) }

// sizes are lengths around every unrolling, and the dimensions of CLIP models.
var sizes = []int{0, 1, 2, 3, 7, 8, 9, 15, 16, 17, 31, 32, 33, 63, 64, 65, 96, 127, 128, 129, 160, 191, 192, 200,
	255, 256, 257, 320, 383, 384, 448, 512, 513, 576, 640, 704, 768, 1000, 1024, 1152, 1280, 2048}

// fillBytes draws from one of several distributions, the extremes of a byte
// among them.
func fillBytes(r *rand.Rand, b []uint8) {
	kind := r.IntN(5)
	for i := range b {
		switch kind {
		case 0:
			b[i] = uint8(r.Uint32())
		case 1:
			b[i] = 255
		case 2:
			b[i] = 0
		case 3:
			b[i] = []uint8{0, 1, 127, 128, 129, 254, 255}[r.IntN(7)]
		case 4:
			b[i] = 128
		}
	}
}

// fillSigned draws likewise; kinds 1 and 2 are the corners at which
// VPMADDUBSW would saturate.
func fillSigned(r *rand.Rand, b []int8) {
	kind := r.IntN(5)
	for i := range b {
		switch kind {
		case 0:
			b[i] = int8(r.Uint32())
		case 1:
			b[i] = 127
		case 2:
			b[i] = -128
		case 3:
			b[i] = []int8{-128, -127, -1, 0, 1, 126, 127}[r.IntN(7)]
		case 4:
			b[i] = int8(127 - 255*(i&1))
		}
	}
}
