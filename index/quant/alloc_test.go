//go:build !race

package quant

import "testing"

func TestNoAllocations(t *testing.T) {
	f := clipFixture(512)
	c, b := TrainInt8(512, 1, f.base[:100]), TrainBinary(512, 1, f.base[:100])
	code, query, words := make([]uint8, c.Stride()), make([]int8, c.Stride()), make([]uint8, b.Bytes())
	set := encodeBits(b, f.base[:1000])
	var q BinaryQuery
	var s Scan
	var rows [8]uint32
	b.EncodeQuery(&q, f.texts[0])
	for name, fn := range map[string]func(){
		"Int8.Encode":        func() { c.Encode(code, f.base[0]) },
		"Int8.EncodeQuery":   func() { c.EncodeQuery(query, f.base[0]) },
		"Int8.CodeQuery":     func() { c.CodeQuery(query, code) },
		"Binary.Encode":      func() { b.Encode(words, f.base[0]) },
		"Binary.EncodeQuery": func() { b.EncodeQuery(&q, f.base[0]) },
		"Scan": func() {
			s.Run(set.codes, &q, nil)
			s.Best(4, rows[:0])
			s.Above(0.99, 1, rows[:0])
		},
	} {
		// A collection may empty the pool of scratch vectors in between.
		if n := testing.AllocsPerRun(200, fn); n >= 1 {
			t.Errorf("%s allocates %v times", name, n)
		}
	}
}
