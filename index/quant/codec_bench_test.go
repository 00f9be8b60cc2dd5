package quant

import "testing"

// BenchmarkCodec codes vectors and queries of 512 components.
func BenchmarkCodec(b *testing.B) {
	f := clipFixture(512)
	c, bin := TrainInt8(512, 1, f.base[:1000]), TrainBinary(512, 1, f.base[:1000])
	code, query, bits := make([]uint8, c.Stride()), make([]int8, c.Stride()), make([]uint8, bin.Bytes())
	var q BinaryQuery
	bin.EncodeQuery(&q, f.texts[0])
	for _, k := range []struct {
		name string
		run  func()
	}{
		{"Int8.Encode", func() { c.Encode(code, f.base[0]) }},
		{"Int8.EncodeQuery", func() { c.EncodeQuery(query, f.base[0]) }},
		{"Int8.CodeQuery", func() { c.CodeQuery(query, code) }},
		{"Binary.Encode", func() { bin.Encode(bits, f.base[0]) }},
		{"Binary.EncodeQuery", func() { bin.EncodeQuery(&q, f.base[0]) }},
	} {
		b.Run(k.name, func(b *testing.B) {
			for b.Loop() {
				k.run()
			}
		})
	}
}
