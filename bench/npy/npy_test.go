package npy

import (
	"bytes"
	"errors"
	"math"
	"slices"
	"strings"
	"testing"
)

func TestRoundTrip(t *testing.T) {
	for _, shape := range [][2]int{{1, 1}, {3, 5}, {700, 64}, {0, 4}} {
		m := Matrix{Rows: shape[0], Cols: shape[1]}
		for i := range shape[0] * shape[1] {
			m.Data = append(m.Data, float32(i)/7)
		}
		var b bytes.Buffer
		if err := Write(&b, m); err != nil {
			t.Fatal(err)
		}
		if at := b.Len() - 4*len(m.Data); at%64 != 0 {
			t.Errorf("data begin at byte %d", at)
		}
		got, err := Read(bytes.NewReader(b.Bytes()), int64(b.Len()))
		if err != nil {
			t.Fatal(err)
		}
		if got.Rows != m.Rows || got.Cols != m.Cols || !slices.Equal(got.Data, m.Data) {
			t.Errorf("%v came back as %d x %d", shape, got.Rows, got.Cols)
		}
	}
}

// A file that numpy.save wrote: np.save(f, np.array([1.5, -2], "<f4")).
func TestVector(t *testing.T) {
	head := "{'descr': '<f4', 'fortran_order': False, 'shape': (2,), }"
	head += strings.Repeat(" ", 118-len(head)-1) + "\n"
	file := append([]byte("\x93NUMPY\x01\x00\x76\x00"+head), 0, 0, 0xc0, 0x3f, 0, 0, 0, 0xc0)
	m, err := Read(bytes.NewReader(file), int64(len(file)))
	if err != nil || m.Rows != 1 || m.Cols != 2 || m.Data[0] != 1.5 || m.Data[1] != -2 {
		t.Fatalf("%+v, %v", m, err)
	}
}

func FuzzRead(f *testing.F) {
	var b bytes.Buffer
	_ = Write(&b, Matrix{Rows: 2, Cols: 2, Data: []float32{1, 2, float32(math.NaN()), 4}})
	f.Add(b.Bytes())
	f.Add([]byte("\x93NUMPY\x01\x00\x50\x00{'descr': '<f4', 'fortran_order': False, 'shape': (99999999, 99999999), }"))
	f.Add([]byte("\x93NUMPY\x02\x00\xff\xff\xff\xff"))
	f.Fuzz(func(t *testing.T, data []byte) {
		m, err := Read(bytes.NewReader(data), int64(len(data)))
		if err != nil {
			if !errors.Is(err, ErrFormat) {
				t.Fatalf("error of another kind: %v", err)
			}
			return
		}
		if len(m.Data) != m.Rows*m.Cols || 4*len(m.Data) > len(data) {
			t.Fatalf("%d x %d from %d bytes", m.Rows, m.Cols, len(data))
		}
	})
}
