package jpeg

import (
	"bytes"
	"errors"
	"image"
	stdjpeg "image/jpeg"
	"io"
	"math"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// corpus returns the JPEG files among the golden files of package pixel,
// which holds their pixels against Pillow's.
func corpus(t testing.TB) map[string][]byte {
	t.Helper()
	paths, err := filepath.Glob(filepath.Join("..", "..", "testdata", "files", "*.jpg"))
	if err != nil || len(paths) < 50 {
		t.Fatalf("%d files, %v", len(paths), err)
	}
	all := make(map[string][]byte)
	for _, path := range paths {
		data, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		all[filepath.Base(path)] = data
	}
	return all
}

// TestTransform holds the integer transform against the definition in
// T.81, A.3.3, in floating point: no sample is off by more than one level,
// and few by one.
func TestTransform(t *testing.T) {
	var cosine [8][8]float64
	for u := range 8 {
		for x := range 8 {
			cosine[u][x] = math.Cos(float64(2*x+1)*float64(u)*math.Pi/16) / 2
			if u == 0 {
				cosine[u][x] /= math.Sqrt2
			}
		}
	}
	random := rand.New(rand.NewPCG(1, 2))
	off, count := 0, 0
	for round := range 2000 {
		var block [64]int32
		last := 0
		for i := range 1 + round%64 {
			if i == 0 || random.IntN(3) == 0 {
				block[zigzag[i]] = random.Int32N(400) - 200
				last = i
			}
		}
		want := block
		var got [64]byte
		transform(got[:], 8, &block, last)
		for y := range 8 {
			for x := range 8 {
				v := 0.0
				for q := range 8 {
					for u := range 8 {
						v += cosine[u][x] * cosine[q][y] * float64(want[8*q+u])
					}
				}
				exact := min(max(v+128, 0), 255)
				d := math.Abs(float64(got[8*y+x]) - exact)
				if d > 1.01 {
					t.Fatalf("round %d: sample %d is %d, exactly %.3f", round, 8*y+x, got[8*y+x], exact)
				}
				if d > 0.51 {
					off++
				}
				count++
			}
		}
	}
	t.Logf("%d of %d samples not the nearest", off, count)
	if off*50 > count {
		t.Errorf("%d of %d samples not the nearest", off, count)
	}
}

// TestTransformKernel holds the assembly against the Go code, with
// coefficients of every size that a file can give.
func TestTransformKernel(t *testing.T) {
	if !useAVX2 {
		t.Skip("no assembly on this processor or in this build")
	}
	defer func() { useAVX2 = true }()
	random := rand.New(rand.NewPCG(7, 8))
	for round := range 20000 {
		var block [64]int32
		reach := int32(1) << (1 + round%14)
		for i := range block {
			if random.IntN(1+round%5) == 0 {
				block[i] = random.Int32N(2*reach) - reach
			}
		}
		other := block
		fast, slow := make([]byte, 7*13+8), make([]byte, 7*13+8)
		useAVX2 = true
		transform(fast, 13, &block, 63)
		useAVX2 = false
		transform(slow, 13, &other, 63)
		if !bytes.Equal(fast, slow) {
			t.Fatalf("round %d, coefficients below %d:\n%v\n%v", round, reach, fast, slow)
		}
	}
}

// TestStandardLibrary holds planes against those of image/jpeg, whose
// transform rounds otherwise.
func TestStandardLibrary(t *testing.T) {
	compared := 0
	for name, data := range corpus(t) {
		img, err := Decode(data, nil)
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		other, err := stdjpeg.Decode(bytes.NewReader(data))
		if err != nil {
			if name != "420-restart-progressive.jpg" && !strings.HasPrefix(name, "cmyk-bare") {
				t.Errorf("%s: image/jpeg: %v", name, err)
			}
			continue
		}
		var planes []Plane
		switch o := other.(type) {
		case *image.Gray:
			planes = []Plane{{Pix: o.Pix, Stride: o.Stride}}
		case *image.YCbCr:
			planes = []Plane{{Pix: o.Y, Stride: o.YStride}, {Pix: o.Cb, Stride: o.CStride}, {Pix: o.Cr, Stride: o.CStride}}
		default:
			continue // converted already
		}
		for i, p := range planes {
			q := img.Planes[i]
			for y := range q.H {
				for x := range q.W {
					d := int(p.Pix[y*p.Stride+x]) - int(q.Pix[y*q.Stride+x])
					if d < -1 || d > 1 {
						t.Fatalf("%s: plane %d differs by %d at %d,%d", name, i, d, x, y)
					}
				}
			}
		}
		compared++
	}
	if compared < 40 {
		t.Errorf("only %d files compared", compared)
	}
}

// TestCut cuts files at every length: each is told to be too short, or
// damaged, and none makes a picture.
func TestCut(t *testing.T) {
	for name, data := range corpus(t) {
		short := 0
		step := max(1, len(data)/300)
		for n := 0; n < len(data); n += step {
			_, err := Decode(data[:n:n], nil)
			if err == nil {
				t.Errorf("%s cut at %d of %d is decoded", name, n, len(data))
			}
			if errors.Is(err, io.ErrUnexpectedEOF) {
				short++
			}
		}
		if total := (len(data) + step - 1) / step; short < total*9/10 {
			t.Errorf("%s: only %d of %d cuts are told as such", name, short, total)
		}
	}
}

// TestDamage turns bytes: whatever comes of it, no panic and a sane error.
func TestDamage(t *testing.T) {
	random := rand.New(rand.NewPCG(3, 4))
	for name, data := range corpus(t) {
		for range 60 {
			bad := bytes.Clone(data)
			for range 1 + random.IntN(4) {
				bad[random.IntN(len(bad))] = byte(random.Uint32())
			}
			sane(t, name, bad)
		}
	}
}

// sane decodes data of any kind within a limit of size.
func sane(t *testing.T, name string, data []byte) {
	t.Helper()
	h, err := ReadHeader(data)
	if err == nil && int64(h.W)*int64(h.H) <= 1<<20 {
		var img *Image
		if img, err = Decode(data, nil); err == nil {
			if len(img.Planes) != h.Components {
				t.Fatalf("%s: %d planes of %d", name, len(img.Planes), h.Components)
			}
			for _, p := range img.Planes {
				if p.DX*p.W < h.W || p.DY*p.H < h.H || len(p.Pix) < (p.H-1)*p.Stride+p.W {
					t.Fatalf("%s: plane of %dx%d in a picture of %dx%d", name, p.W, p.H, h.W, h.H)
				}
			}
			return
		}
	}
	var format FormatError
	var unsupported UnsupportedError
	if err != nil && !errors.As(err, &format) && !errors.As(err, &unsupported) && !errors.Is(err, io.ErrUnexpectedEOF) {
		t.Fatalf("%s: %v", name, err)
	}
}

// TestManyScans repeats the first scan of a progressive file: a few bytes that
// would send the decoder over all blocks again each time.
func TestManyScans(t *testing.T) {
	data := corpus(t)["420-progressive.jpg"]
	at := bytes.Index(data, []byte{0xff, markerSOS})
	end := at + 2
	for data[end] != 0xff || data[end+1] == 0 {
		end++
	}
	file := func(times int) []byte {
		return bytes.Join([][]byte{data[:at], bytes.Repeat(data[at:end], times), data[end:]}, nil)
	}
	if _, err := Decode(file(maxScans-20), nil); err != nil {
		t.Errorf("below the bound: %v", err)
	}
	var format FormatError
	if _, err := Decode(file(maxScans), nil); !errors.As(err, &format) || !strings.Contains(err.Error(), "scans") {
		t.Errorf("%v, want a refusal for the number of scans", err)
	}
}

func TestCheck(t *testing.T) {
	stop := errors.New("stop")
	for _, name := range []string{"420.jpg", "420-progressive.jpg"} {
		calls := 0
		_, err := Decode(corpus(t)[name], func() error {
			if calls++; calls == 3 {
				return stop
			}
			return nil
		})
		if !errors.Is(err, stop) || calls != 3 {
			t.Errorf("%s: %v after %d calls", name, err, calls)
		}
	}
}

func FuzzDecode(f *testing.F) {
	for _, data := range corpus(f) {
		f.Add(data)
	}
	f.Fuzz(func(t *testing.T, data []byte) { sane(t, "fuzz", data) })
}

func BenchmarkDecode(b *testing.B) {
	img := image.NewYCbCr(image.Rect(0, 0, 1024, 768), image.YCbCrSubsampleRatio420)
	random := rand.New(rand.NewPCG(5, 6))
	for y := range 768 {
		for x := range 1024 {
			img.Y[img.YOffset(x, y)] = byte(128 + 60*math.Sin(float64(x)/9)*math.Cos(float64(y)/7) + 12*random.Float64())
		}
	}
	for i := range img.Cb {
		img.Cb[i], img.Cr[i] = byte(100+i%37), byte(150-i%41)
	}
	var file bytes.Buffer
	if err := stdjpeg.Encode(&file, img, &stdjpeg.Options{Quality: 85}); err != nil {
		b.Fatal(err)
	}
	b.Run("clipdb", func(b *testing.B) {
		b.SetBytes(3 * 1024 * 768)
		for b.Loop() {
			if _, err := Decode(file.Bytes(), nil); err != nil {
				b.Fatal(err)
			}
		}
	})
	b.Run("image.jpeg", func(b *testing.B) {
		b.SetBytes(3 * 1024 * 768)
		for b.Loop() {
			if _, err := stdjpeg.Decode(bytes.NewReader(file.Bytes())); err != nil {
				b.Fatal(err)
			}
		}
	})
}
