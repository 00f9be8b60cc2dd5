package simd

import (
	"math/rand/v2"
	"testing"
	"unsafe"
)

// Benchmarks work on 512 components, CLIP's most common dimension. Hot means
// that one code is read again and again; cold reads codes at random from
// 200,000, more than caches hold. B/s counts the bytes of the codes alone.
const (
	benchDim  = 512
	benchRows = 200_000
)

type coldCodes struct {
	codes []uint8
	ids   []uint32
}

var cold coldCodes

func coldData() coldCodes {
	if cold.codes == nil {
		r := newRand(9)
		cold.codes = make([]uint8, benchRows*benchDim)
		for i := 0; i < len(cold.codes); i += 8 {
			*(*uint64)(unsafe.Pointer(&cold.codes[i])) = r.Uint64()
		}
		cold.ids = make([]uint32, 1<<16)
		for i := range cold.ids {
			cold.ids[i] = uint32(r.IntN(benchRows))
		}
	}
	return cold
}

func benchQuery(r *rand.Rand) []int8 {
	q := make([]int8, benchDim)
	for i := range q {
		q[i] = int8(r.Uint32())
	}
	return q
}

var sink int32

func BenchmarkDotU8S8(b *testing.B) {
	data, query := coldData(), benchQuery(newRand(10))
	eachPath(b, func(t testing.TB, _ string) {
		b := t.(*testing.B)
		b.Run("hot", func(b *testing.B) {
			b.SetBytes(benchDim)
			code := data.codes[:benchDim]
			for b.Loop() {
				sink += DotU8S8(code, query)
			}
		})
		b.Run("cold", func(b *testing.B) {
			b.SetBytes(benchDim)
			i := 0
			for b.Loop() {
				at := int(data.ids[i&(len(data.ids)-1)]) * benchDim
				sink += DotU8S8(data.codes[at:at+benchDim], query)
				i++
			}
		})
	})
}

func BenchmarkDotU8S8Batch32(b *testing.B) {
	data, query := coldData(), benchQuery(newRand(11))
	out := make([]int32, 32)
	eachPath(b, func(t testing.TB, _ string) {
		b := t.(*testing.B)
		for _, c := range []struct {
			name string
			step int
		}{{"hot", 0}, {"cold", 32}} {
			b.Run(c.name, func(b *testing.B) {
				b.SetBytes(32 * benchDim)
				i := 0
				for b.Loop() {
					DotU8S8Batch(data.codes, benchDim, data.ids[i:i+32], query, out)
					i = (i + c.step) & (len(data.ids) - 1)
				}
				b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/32, "ns/code")
			})
		}
	})
}

func BenchmarkL2SqU8Batch32(b *testing.B) {
	data := coldData()
	out := make([]int32, 32)
	eachPath(b, func(t testing.TB, _ string) {
		b := t.(*testing.B)
		b.SetBytes(32 * benchDim)
		for b.Loop() {
			L2SqU8Batch(data.codes, benchDim, data.ids[:32], data.codes[:benchDim], out)
		}
		b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/32, "ns/code")
	})
}

// BenchmarkScan reads all codes in order: what the machine's memory allows,
// beside BenchmarkMemory.
func BenchmarkScan(b *testing.B) {
	data, query := coldData(), benchQuery(newRand(12))
	out := make([]int32, benchRows)
	eachPath(b, func(t testing.TB, path string) {
		b := t.(*testing.B)
		b.Run("int8", func(b *testing.B) {
			b.SetBytes(benchRows * benchDim)
			for b.Loop() {
				DotU8S8Rows(data.codes, query, out)
			}
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/benchRows, "ns/code")
		})
		const rows, cols = 100_000, benchDim / 8
		q := BitQuery{Table: make([]uint8, 32*cols), A: 1}
		mul, add := make([]float32, rows), make([]float32, rows)
		for i := range mul {
			mul[i] = 1
		}
		est, masks := make([]float32, rows), make([]uint64, (rows+63)/64)
		b.Run("1bit", func(b *testing.B) {
			b.SetBytes(rows * (cols + 8))
			for b.Loop() {
				EstimateBits(est, data.codes, mul, add, &q)
			}
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/rows, "ns/code")
		})
		b.Run("MaskAbove", func(b *testing.B) {
			b.SetBytes(rows * 4)
			for b.Loop() {
				MaskAbove(masks, est, 0)
			}
		})
	})
}

// BenchmarkMemory reads 400 MB in order with the lightest kernel.
func BenchmarkMemory(b *testing.B) {
	x := make([]float32, 100_000_000)
	for i := range x {
		x[i] = 1
	}
	b.SetBytes(int64(4 * len(x)))
	for b.Loop() {
		MaxAbs(x)
	}
}

func BenchmarkFloat(b *testing.B) {
	r := newRand(13)
	x, y, h := randFloats(r, benchDim), randFloats(r, benchDim), make([]uint16, benchDim)
	F32ToF16(h, x)
	var s float32
	eachPath(b, func(t testing.TB, _ string) {
		b := t.(*testing.B)
		b.Run("DotF32", func(b *testing.B) {
			b.SetBytes(4 * benchDim)
			for b.Loop() {
				s += DotF32(x, y)
			}
		})
		b.Run("DotF16", func(b *testing.B) {
			b.SetBytes(2 * benchDim)
			for b.Loop() {
				s += DotF16(h, y)
			}
		})
	})
}

func BenchmarkRotate(b *testing.B) {
	r := newRand(14)
	x, u8 := randFloats(r, benchDim), make([]uint8, benchDim)
	signs := make([]uint32, benchDim)
	eachPath(b, func(t testing.TB, _ string) {
		b := t.(*testing.B)
		b.Run("Hadamard", func(b *testing.B) {
			for b.Loop() {
				Hadamard(x, 0.044194174)
			}
		})
		b.Run("FlipSigns", func(b *testing.B) {
			for b.Loop() {
				FlipSigns(x, signs)
			}
		})
		b.Run("QuantizeU8", func(b *testing.B) {
			for b.Loop() {
				QuantizeU8(u8, x, 1)
			}
		})
	})
}
