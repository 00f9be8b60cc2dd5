package dataset

import (
	"bytes"
	"compress/gzip"
	"encoding/binary"
	"errors"
	"math"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/clipdb/clipdb/bench/npy"
	"github.com/clipdb/clipdb/index"
)

// ramp is a matrix with no row of zeros.
func ramp(rows, cols int) npy.Matrix {
	m := npy.Matrix{Rows: rows, Cols: cols}
	for i := range rows * cols {
		m.Data = append(m.Data, float32(i%37)-11.5+float32(i)/100)
	}
	return m
}

func TestVecs(t *testing.T) {
	want := ramp(7, 5)
	var b bytes.Buffer
	if err := WriteFvecs(&b, want); err != nil {
		t.Fatal(err)
	}
	got, err := ReadVecs(bytes.NewReader(b.Bytes()), ".fvecs", int64(b.Len()))
	if err != nil || got.Rows != 7 || got.Cols != 5 || !slices.Equal(got.Data, want.Data) {
		t.Errorf("%d x %d, %v", got.Rows, got.Cols, err)
	}
	ints := binary.LittleEndian.AppendUint32(nil, 2)
	ints = append(ints, 0xff, 0xff, 0xff, 0xff, 7, 0, 0, 0)
	if got, err = ReadVecs(bytes.NewReader(ints), ".ivecs", 12); err != nil || !slices.Equal(got.Data, []float32{-1, 7}) {
		t.Errorf(".ivecs: %v, %v", got.Data, err)
	}
	small := []byte{3, 0, 0, 0, 1, 2, 255, 3, 0, 0, 0, 4, 5, 6}
	if got, err = ReadVecs(bytes.NewReader(small), ".bvecs", 14); err != nil || got.Rows != 2 || !slices.Equal(got.Data, []float32{1, 2, 255, 4, 5, 6}) {
		t.Errorf(".bvecs: %v, %v", got.Data, err)
	}
	for name, bad := range map[string][]byte{
		"empty":         {},
		"half a length": {3, 0},
		"no components": {0, 0, 0, 0},
		"cut off":       small[:13],
		"uneven rows":   {3, 0, 0, 0, 1, 2, 255, 2, 0, 0, 0, 4, 5, 6},
		"huge":          {0xff, 0xff, 0xff, 0xff, 1},
	} {
		if _, err := ReadVecs(bytes.NewReader(bad), ".bvecs", int64(len(bad))); !errors.Is(err, ErrFormat) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// idx is three pictures of 2 x 2.
var idx = []byte{0, 0, 8, 3, 0, 0, 0, 3, 0, 0, 0, 2, 0, 0, 0, 2, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 255}

func TestIDX(t *testing.T) {
	m, err := ReadIDX(bytes.NewReader(idx))
	if err != nil || m.Rows != 3 || m.Cols != 4 || m.Row(2)[3] != 255 || m.Row(1)[0] != 5 {
		t.Errorf("%+v, %v", m, err)
	}
	for n := range len(idx) {
		if _, err := ReadIDX(bytes.NewReader(idx[:n])); !errors.Is(err, ErrFormat) {
			t.Errorf("cut at %d: %v", n, err)
		}
	}
}

// Files of every kind are told apart, and queries are found or held out.
func TestOpen(t *testing.T) {
	dir := t.TempDir()
	file := func(name string, data []byte) string {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, data, 0o644); err != nil {
			t.Fatal(err)
		}
		return path
	}
	var numpy, vecs, packed bytes.Buffer
	if err := errors.Join(npy.Write(&numpy, ramp(30, 4)), WriteFvecs(&vecs, ramp(6, 4))); err != nil {
		t.Fatal(err)
	}
	z := gzip.NewWriter(&packed)
	if _, err := z.Write(idx); err != nil {
		t.Fatal(err)
	}
	z.Close()
	base, queries, pictures := file("base.npy", numpy.Bytes()), file("q.fvecs", vecs.Bytes()), file("t10k.gz", packed.Bytes())
	ann := filepath.Join("..", "hdf5", "testdata", "contiguous.hdf5")
	for _, c := range []struct {
		base, queries string
		rows, asked   int
	}{
		{base, queries, 30, 6}, {base, "", 27, 3}, {base, pictures, 30, 3}, {pictures, queries, 3, 6}, {ann, "", 20, 5},
	} {
		s, err := Open(c.base, c.queries, index.SideText, 1)
		if err != nil {
			t.Errorf("%s, %s: %v", c.base, c.queries, err)
			continue
		}
		q, ok := s.Of(index.SideText)
		if _, image := s.Of(index.SideImage); !ok || image || s.Base.Rows != c.rows || q.Rows != c.asked {
			t.Errorf("%s, %s: %d vectors, %d queries", c.base, c.queries, s.Base.Rows, q.Rows)
		}
		for _, m := range []npy.Matrix{s.Base, q.Matrix} {
			for i := range m.Rows {
				if n := length(m.Row(i)); math.Abs(n-1) > 1e-6 {
					t.Errorf("%s: row %d has the length %v", c.base, i, n)
				}
			}
		}
	}
	zero := ramp(30, 4)
	clear(zero.Row(17))
	numpy.Reset()
	if err := npy.Write(&numpy, zero); err != nil {
		t.Fatal(err)
	}
	if _, err := Open(file("zero.npy", numpy.Bytes()), queries, 0, 1); !errors.Is(err, index.ErrVector) {
		t.Errorf("a row of zeros: %v", err)
	}
	if _, err := Open(base, ann, 0, 1); !errors.Is(err, index.ErrDimension) {
		t.Errorf("queries of another dimension: %v", err)
	}
	for _, bad := range []string{file("x.txt", []byte("hello, world")), file("empty", nil), dir} {
		if _, err := Open(bad, "", 0, 1); !errors.Is(err, ErrFormat) {
			t.Errorf("%s: %v", bad, err)
		}
	}
	if _, err := Open(filepath.Join(dir, "none"), "", 0, 1); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("no file: %v", err)
	}
	if _, err := Open(pictures, "", 0, 1); err == nil {
		t.Error("a tenth of three vectors was held out")
	}
}

func length(v []float32) float64 {
	var n float64
	for _, x := range v {
		n += float64(x) * float64(x)
	}
	return math.Sqrt(n)
}

// What is held out is gone from the rest, and nothing else is.
func TestHoldOut(t *testing.T) {
	m := ramp(50, 3)
	rest, held, err := HoldOut(m, 8, 5)
	if err != nil || rest.Rows != 42 || held.Rows != 8 {
		t.Fatalf("%d and %d, %v", rest.Rows, held.Rows, err)
	}
	seen := map[[3]float32]int{}
	for _, part := range []npy.Matrix{rest, held} {
		for i := range part.Rows {
			seen[[3]float32(part.Row(i))]++
		}
	}
	for i := range m.Rows {
		if seen[[3]float32(m.Row(i))] != 1 {
			t.Errorf("row %d is there %d times", i, seen[[3]float32(m.Row(i))])
		}
	}
	_, again, _ := HoldOut(m, 8, 5)
	_, other, _ := HoldOut(m, 8, 6)
	if !slices.Equal(held.Data, again.Data) || slices.Equal(held.Data, other.Data) {
		t.Error("the seed does not decide")
	}
}

func TestCLIPLike(t *testing.T) {
	s := CLIPLike(300, 32, 20, 10, 1)
	images, _ := s.Of(index.SideImage)
	texts, _ := s.Of(index.SideText)
	if s.Base.Rows != 300 || s.Base.Cols != 32 || images.Rows != 20 || texts.Rows != 10 {
		t.Errorf("%d x %d, %d, %d", s.Base.Rows, s.Base.Cols, images.Rows, texts.Rows)
	}
}

func TestFashionMNIST(t *testing.T) {
	if _, err := os.Stat(FashionMNISTDir); err != nil {
		t.Skip("needs Debian's package dataset-fashion-mnist")
	}
	s, err := FashionMNIST(FashionMNISTDir, 100)
	if err != nil || s.Base.Rows != 60000 || s.Base.Cols != 784 || s.Queries[0].Rows != 100 {
		t.Fatalf("%+v, %v", s, err)
	}
}

func FuzzReadVecs(f *testing.F) {
	f.Add([]byte{3, 0, 0, 0, 1, 2, 255, 3, 0, 0, 0, 4, 5, 6}, uint8(1))
	f.Add([]byte{1, 0, 0, 0, 0, 0, 0, 0x80}, uint8(0))
	f.Add([]byte{0xff, 0xff, 0xff, 0x7f, 0}, uint8(2))
	f.Fuzz(func(t *testing.T, data []byte, kind uint8) {
		m, err := ReadVecs(bytes.NewReader(data), []string{".fvecs", ".bvecs", ".ivecs"}[kind%3], int64(len(data)))
		sane(t, data, m, err)
	})
}

func FuzzReadIDX(f *testing.F) {
	f.Add(idx)
	f.Add([]byte{0, 0, 8, 1, 0xff, 0xff, 0xff, 0xff, 1})
	f.Add([]byte{0, 0, 8, 4, 0, 0, 0, 1, 0, 0xff, 0, 0, 0, 0xff, 0, 0, 0, 0xff, 0, 0})
	f.Fuzz(func(t *testing.T, data []byte) {
		m, err := ReadIDX(bytes.NewReader(data))
		sane(t, data, m, err)
	})
}

func sane(t *testing.T, data []byte, m npy.Matrix, err error) {
	if err != nil {
		if !errors.Is(err, ErrFormat) {
			t.Fatalf("error of another kind: %v", err)
		}
		return
	}
	if len(m.Data) != m.Rows*m.Cols || len(m.Data) > len(data) {
		t.Fatalf("%d x %d from %d bytes", m.Rows, m.Cols, len(data))
	}
}
