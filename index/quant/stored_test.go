package quant

import (
	"bytes"
	"errors"
	"math"
	"slices"
	"testing"
)

func TestStored(t *testing.T) {
	for _, dim := range dims {
		vs := imagesLike(dim, 60, 6)
		c, b := TrainInt8(dim, 1<<63+5, vs[:50]), TrainBinary(dim, 1<<63+5, vs[:50])
		data, err := c.MarshalBinary()
		if err != nil {
			t.Fatal(err)
		}
		c2, err := ReadInt8(data)
		if err != nil {
			t.Fatal(err)
		}
		if !slices.Equal(encodeAll(c, vs), encodeAll(c2, vs)) || c2.Dim() != dim {
			t.Errorf("dim %d: the codec read back makes other codes", dim)
		}
		bits, err := b.AppendBinary([]byte("before"))
		if err != nil {
			t.Fatal(err)
		}
		b2, err := ReadBinary(bits[len("before"):])
		if err != nil {
			t.Fatal(err)
		}
		x, y := encodeBits(b, vs), encodeBits(b2, vs)
		for i := range vs {
			p, f := x.code(i)
			if q, g := y.code(i); f != g || !slices.Equal(p, q) {
				t.Errorf("dim %d: the 1-bit codec read back makes other codes", dim)
			}
		}
		for _, bad := range [][]byte{nil, data[:len(data)-1], append(slices.Clone(data), 0), bits[len("before"):]} {
			if _, err := ReadInt8(bad); !errors.Is(err, ErrCodec) {
				t.Errorf("dim %d: %d bad bytes give %v", dim, len(bad), err)
			}
		}
		if _, err := ReadBinary(data); !errors.Is(err, ErrCodec) {
			t.Errorf("dim %d: an int8 codec read as 1-bit gives %v", dim, err)
		}
		for i := range data {
			bad := slices.Clone(data)
			bad[i] ^= 0x10
			if _, err := ReadInt8(bad); !errors.Is(err, ErrCodec) {
				t.Fatalf("dim %d: a flipped bit in byte %d gives %v", dim, i, err)
			}
		}
	}
}

// TestStoredFields forges fields under a right checksum.
func TestStoredFields(t *testing.T) {
	good := stored{kind: kindInt8, dim: 2, seed: 1, step: 0.01, mean: []float32{0.1, 0.2}}
	if _, err := ReadInt8(good.append(nil)); err != nil {
		t.Fatal(err)
	}
	nan := float32(math.NaN())
	for name, s := range map[string]stored{
		"kind":         {kind: 3, dim: 2, step: 0.01, mean: []float32{0, 0}},
		"zero step":    {kind: kindInt8, dim: 2, mean: []float32{0, 0}},
		"NaN step":     {kind: kindInt8, dim: 2, step: nan, mean: []float32{0, 0}},
		"huge step":    {kind: kindInt8, dim: 2, step: 2, mean: []float32{0, 0}},
		"NaN mean":     {kind: kindInt8, dim: 2, step: 0.01, mean: []float32{0, nan}},
		"mean above 1": {kind: kindInt8, dim: 2, step: 0.01, mean: []float32{0, 1.5}},
		"no dimension": {kind: kindInt8, dim: 0, step: 0.01},
		"too many":     {kind: kindInt8, dim: MaxDim + 1, step: 0.01, mean: make([]float32, MaxDim+1)},
	} {
		if _, err := ReadInt8(s.append(nil)); !errors.Is(err, ErrCodec) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if _, err := ReadBinary((stored{kind: kindBinary, dim: 1, step: 0.5, mean: []float32{0}}).append(nil)); !errors.Is(err, ErrCodec) {
		t.Errorf("1-bit with a step: %v", err)
	}
}

func FuzzRead(f *testing.F) {
	c, b := TrainInt8(3, 1, nil), TrainBinary(70, 2, nil)
	x, _ := c.MarshalBinary()
	y, _ := b.MarshalBinary()
	f.Add(x)
	f.Add(y)
	f.Add([]byte("cqnt"))
	f.Fuzz(func(t *testing.T, data []byte) {
		if c, err := ReadInt8(data); err == nil {
			if again, _ := c.MarshalBinary(); !bytes.Equal(again, data) {
				t.Error("int8 codec is written back otherwise")
			}
			v := make([]float32, c.Dim())
			v[0] = 1
			code, q := make([]uint8, c.Stride()), make([]int8, c.Stride())
			c.Encode(code, v)
			if scale, offset := c.EncodeQuery(q, v); scale-scale != 0 || offset-offset != 0 {
				t.Errorf("scale %v, offset %v", scale, offset)
			}
		} else if !errors.Is(err, ErrCodec) {
			t.Errorf("another error: %v", err)
		}
		if b, err := ReadBinary(data); err == nil {
			if again, _ := b.MarshalBinary(); !bytes.Equal(again, data) {
				t.Error("1-bit codec is written back otherwise")
			}
		} else if !errors.Is(err, ErrCodec) {
			t.Errorf("another error: %v", err)
		}
	})
}

func TestFloat16(t *testing.T) {
	f := clipFixture(512)
	var c Float16
	code, back := make([]uint16, 512), make([]float32, 512)
	var worst float64
	for _, v := range f.base[:300] {
		c.Encode(code, v)
		c.Decode(back, code)
		for i, x := range v {
			if d := math.Abs(float64(x - back[i])); d > 0x1p-11*math.Abs(float64(x))+0x1p-25 {
				t.Fatalf("%v becomes %v", x, back[i])
			}
		}
		worst = max(worst, math.Abs(float64(c.Score(code, f.texts[0]))-cosine(v, f.texts[0])))
		read := make([]uint16, 512)
		if err := c.ReadBytes(read, c.AppendBytes(nil, code)); err != nil || !slices.Equal(read, code) {
			t.Fatalf("read back with %v", err)
		}
	}
	if worst > 1.5e-4 {
		t.Errorf("a cosine is off by %v", worst)
	}
	for _, bad := range [][]byte{make([]byte, 3), {0, 0x7c, 0, 0}, {0, 0, 1, 0xfc}} {
		if err := c.ReadBytes(make([]uint16, 2), bad); !errors.Is(err, ErrCodec) {
			t.Errorf("%x: %v", bad, err)
		}
	}
}
