package hdf5

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"testing"
)

func open(t testing.TB, name string) (*File, error) {
	t.Helper()
	data, err := os.ReadFile(filepath.Join("testdata", name))
	if err != nil {
		t.Fatal(err)
	}
	return New(bytes.NewReader(data), int64(len(data)))
}

// train is what make.py wrote.
func train() []float32 {
	out := make([]float32, 160)
	for i := range out {
		out[i] = (float32(i) - 60) / 7
	}
	return out
}

func TestFilesOfH5py(t *testing.T) {
	f, err := open(t, "contiguous.hdf5")
	if err != nil {
		t.Fatal(err)
	}
	if got, want := f.Names(), []string{"distances", "labels", "neighbors", "test", "train"}; !slices.Equal(got, want) {
		t.Errorf("names %q, want %q", got, want)
	}
	g, err := open(t, "chunked.hdf5")
	if err != nil {
		t.Fatal(err)
	}
	test := train()[:40]
	for i := range test {
		test[i] += 0.5
	}
	var neighbours, labels []float32
	for i := range 15 {
		neighbours = append(neighbours, float32(i-7))
	}
	for i := range 20 {
		labels = append(labels, float32(i))
	}
	for _, c := range []struct {
		file       *File
		name       string
		rows, cols int
		want       []float32
	}{
		{f, "train", 20, 8, train()}, {f, "test", 5, 8, test}, {f, "distances", 5, 8, test},
		{f, "neighbors", 5, 3, neighbours}, {f, "labels", 1, 20, labels},
		{g, "train", 20, 8, train()}, {g, "test", 5, 8, test},
	} {
		m, err := c.file.Matrix(c.name)
		if err != nil {
			t.Errorf("%s: %v", c.name, err)
			continue
		}
		if m.Rows != c.rows || m.Cols != c.cols || !slices.Equal(m.Data, c.want) {
			t.Errorf("%s is %d x %d: %v\nwant %v", c.name, m.Rows, m.Cols, m.Data, c.want)
		}
	}
}

func TestRefused(t *testing.T) {
	g, err := open(t, "chunked.hdf5")
	if err != nil {
		t.Fatal(err)
	}
	for name, want := range map[string]error{"lzf": ErrUnsupported, "cube": ErrUnsupported, "big": ErrUnsupported, "none": ErrNoDataset} {
		if _, err := g.Matrix(name); !errors.Is(err, want) {
			t.Errorf("%s: %v, want %v", name, err, want)
		}
	}
	if _, err := open(t, "latest.hdf5"); !errors.Is(err, ErrUnsupported) {
		t.Errorf("latest: %v", err)
	}
	if _, err := New(bytes.NewReader(nil), 0); !errors.Is(err, ErrFormat) {
		t.Errorf("empty: %v", err)
	}
}

// Whatever is cut off or changed, every answer is a matrix that fits its shape
// or one of the package's errors.
func check(t *testing.T, data []byte) {
	f, err := New(bytes.NewReader(data), int64(len(data)))
	for _, name := range []string{"train", "test", "neighbors", "labels", "lzf"} {
		if err != nil {
			break
		}
		m, err := f.Matrix(name)
		if err == nil && len(m.Data) != m.Rows*m.Cols {
			t.Fatalf("%s: %d values for %d x %d", name, len(m.Data), m.Rows, m.Cols)
		}
		if err != nil && !errors.Is(err, ErrFormat) && !errors.Is(err, ErrUnsupported) && !errors.Is(err, ErrNoDataset) {
			t.Fatalf("%s: error of another kind: %v", name, err)
		}
	}
	if err != nil && !errors.Is(err, ErrFormat) && !errors.Is(err, ErrUnsupported) {
		t.Fatalf("error of another kind: %v", err)
	}
}

func TestDamaged(t *testing.T) {
	for _, name := range []string{"contiguous.hdf5", "chunked.hdf5"} {
		data, err := os.ReadFile(filepath.Join("testdata", name))
		if err != nil {
			t.Fatal(err)
		}
		for n := 0; n < len(data); n += 37 {
			check(t, data[:n])
		}
		for i := 0; i < len(data); i += 3 {
			for _, b := range []byte{0, 1, 0x7f, 0xff} {
				old := data[i]
				data[i] = b
				check(t, data)
				data[i] = old
			}
		}
	}
}

func FuzzMatrix(f *testing.F) {
	for _, name := range []string{"contiguous.hdf5", "chunked.hdf5", "latest.hdf5"} {
		data, err := os.ReadFile(filepath.Join("testdata", name))
		if err != nil {
			f.Fatal(err)
		}
		f.Add(data)
	}
	f.Fuzz(check)
}
