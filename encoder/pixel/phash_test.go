package pixel_test

import (
	"bytes"
	"context"
	"fmt"
	"image/jpeg"
	"maps"
	"math"
	"math/bits"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/clipdb/clipdb/encoder/pixel"
)

// photoHashes are the hashes of the example photos. People keep them and
// compare them with later ones: they must never change.
var photoHashes = map[string]uint64{
	"astronaut.jpg":    0x1989fdde26559924,
	"cameraman.jpg":    0x673e98b9e30141cf,
	"cat.jpg":          0x12bdf4424531b3dd,
	"coffee.jpg":       0xa6f6b6f899e202e0,
	"coins.jpg":        0xebaea5156a4a1655,
	"dahlia.jpg":       0x991b495966b38e93,
	"dogs.jpg":         0x9b6766cc1b31191e,
	"fig.jpg":          0x8d39e4f354c75216,
	"galaxies.jpg":     0x0ebe66592eb46919,
	"meadow.jpg":       0xf66894906169b79e,
	"pagoda.jpg":       0x8e926e5f31f1a10e,
	"paintbrushes.jpg": 0x2dcf53704d932969,
	"raccoon.jpg":      0x6d9dcc11ede21b84,
	"rocket.jpg":       0x1cf32453ec1be472,
	"stream.jpg":       0x24f4f1362550ed67,
	"sunset.jpg":       0x9d8a7237cde8324c,
	"wine.jpg":         0xc129eec39f1c2761,
}

func photo(t testing.TB, name string) *pixel.RGB {
	t.Helper()
	data, err := os.ReadFile(filepath.Join("..", "..", "examples", "data", "photos", name))
	if err != nil {
		t.Fatal(err)
	}
	m, _, err := pixel.DecodeBytes(context.Background(), data, pixel.Limits{})
	if err != nil {
		t.Fatal(err)
	}
	return m
}

func TestPerceptualHashNeverChanges(t *testing.T) {
	for name, want := range photoHashes {
		if got, ok := photo(t, name).PerceptualHash(); got != want || !ok {
			t.Errorf("%q: %#016x, %v; want %#016x", name, got, ok, want)
		}
	}
}

// saved is m as a JPEG file, read again.
func saved(t testing.TB, m *pixel.RGB, quality int) *pixel.RGB {
	t.Helper()
	var file bytes.Buffer
	if err := jpeg.Encode(&file, m.RGBA(), &jpeg.Options{Quality: quality}); err != nil {
		t.Fatal(err)
	}
	out, _, err := pixel.DecodeBytes(context.Background(), file.Bytes(), pixel.Limits{})
	if err != nil {
		t.Fatal(err)
	}
	return out
}

// Copies of a photo stay near to it, and photos far from each other.
func TestPerceptualHashOfPhotos(t *testing.T) {
	resized := func(w, h int) func(*pixel.RGB) *pixel.RGB {
		return func(m *pixel.RGB) *pixel.RGB {
			out, err := m.Resize(m.W*w/4, m.H*h/4)
			if err != nil {
				t.Fatal(err)
			}
			return out
		}
	}
	each := func(change func(r, g, b float64) (float64, float64, float64)) func(*pixel.RGB) *pixel.RGB {
		return func(m *pixel.RGB) *pixel.RGB {
			out := pixel.NewRGB(m.W, m.H)
			for i := 0; i < len(m.Pix); i += 3 {
				r, g, b := change(float64(m.Pix[i]), float64(m.Pix[i+1]), float64(m.Pix[i+2]))
				for c, v := range []float64{r, g, b} {
					out.Pix[i+c] = byte(max(0, min(255, v+0.5)))
				}
			}
			return out
		}
	}
	copies := []struct {
		name   string
		most   int
		change func(*pixel.RGB) *pixel.RGB
	}{
		{"JPEG of quality 60", 2, func(m *pixel.RGB) *pixel.RGB { return saved(t, m, 60) }},
		{"JPEG of quality 30", 4, func(m *pixel.RGB) *pixel.RGB { return saved(t, m, 30) }},
		{"half the size", 2, resized(2, 2)},
		{"twice the size", 2, resized(8, 8)},
		{"other proportions", 2, resized(4, 3)},
		{"grey", 2, each(func(r, g, b float64) (float64, float64, float64) {
			y := 0.299*r + 0.587*g + 0.114*b
			return y, y, y
		})},
		{"darker", 2, each(func(r, g, b float64) (float64, float64, float64) { return 0.8 * r, 0.8 * g, 0.8 * b })},
		{"brighter", 6, each(func(r, g, b float64) (float64, float64, float64) { return 1.2 * r, 1.2 * g, 1.2 * b })},
	}
	hashes := map[string]uint64{}
	for _, name := range slices.Sorted(maps.Keys(photoHashes)) {
		m := photo(t, name)
		own, ok := m.PerceptualHash()
		if !ok || bits.OnesCount64(own) != 32 {
			t.Errorf("%s: the hash is %#x, %v; half of the bits are to be set", name, own, ok)
		}
		for other, h := range hashes {
			if d := bits.OnesCount64(h ^ own); d < 18 {
				t.Errorf("%s and %s are only %d bits apart", name, other, d)
			}
		}
		hashes[name] = own
		if len(hashes)%4 > 0 { // a few photos will do for what follows
			continue
		}
		for _, c := range copies {
			h, ok := c.change(m).PerceptualHash()
			if d := bits.OnesCount64(h ^ own); !ok || d > c.most {
				t.Errorf("%s, %s: %d bits from the original, at most %d were expected", name, c.name, d, c.most)
			}
		}
	}
}

// The coefficients are those of the textbook, in the order that is promised.
func TestPerceptualHashAgainstFloats(t *testing.T) {
	for seed := range 20 {
		m := pattern(32, 32, uint32(seed))
		var all [64]float64
		for i := range all {
			v, u := float64(i/8+1), float64(i%8+1)
			for y := range 32 {
				for x := range 32 {
					p := m.Pix[3*(y*32+x):]
					grey := (19595*float64(p[0]) + 38470*float64(p[1]) + 7471*float64(p[2])) / 65536
					all[i] += grey * math.Cos((2*float64(x)+1)*u*math.Pi/64) * math.Cos((2*float64(y)+1)*v*math.Pi/64)
				}
			}
		}
		sorted := all
		slices.Sort(sorted[:])
		hash, ok := m.PerceptualHash()
		for i, c := range all {
			if math.Abs(c-sorted[31]) < 0.5 { // a matter of rounding
				continue
			}
			if set := hash>>i&1 == 1; !ok || set != (c > sorted[31]) {
				t.Errorf("seed %d: bit %d is %v, its coefficient %.1f, the median %.1f", seed, i, set, c, sorted[31])
			}
		}
	}
}

// What is all but blank has no hash: it would be that of every blank picture,
// or of noise.
func TestPerceptualHashOfBlankPictures(t *testing.T) {
	shade := func(w, h int, value func(x, y int) float64) *pixel.RGB {
		m := pixel.NewRGB(w, h)
		for y := range h {
			for x := range w {
				for c := range 3 {
					m.Pix[3*(y*w+x)+c] = byte(value(x, y) + 0.5)
				}
			}
		}
		return m
	}
	wave := func(height float64) *pixel.RGB {
		return shade(200, 100, func(x, y int) float64 {
			return 128 + height*math.Cos(math.Pi*float64(x)/200)*math.Cos(math.Pi*float64(y)/100)
		})
	}
	noise := pattern(300, 200, 9) // which vanishes where the hash looks
	for i, v := range noise.Pix {
		noise.Pix[i] = 100 + v/32
	}
	for name, m := range map[string]*pixel.RGB{
		"white": shade(640, 480, func(int, int) float64 { return 255 }),
		"black": shade(1, 1, func(int, int) float64 { return 0 }),
		"sky":   shade(64, 64, func(_, y int) float64 { return 200 + float64(y)/8 }),
		"noise": noise,
		"wave":  wave(2 * 0.95 * pixel.HashContrast),
		"none":  pixel.NewRGB(0, 0),
	} {
		if h, ok := m.PerceptualHash(); ok || h != 0 {
			t.Errorf("%s: hash %#x, %v", name, h, ok)
		}
	}
	// A product of two cosines of height a deviates by a/2.
	if _, ok := wave(2 * 1.05 * pixel.HashContrast).PerceptualHash(); !ok {
		t.Error("a wave of more than the least contrast has no hash")
	}
}

func BenchmarkPerceptualHash(b *testing.B) {
	thumb, err := pixel.Thumbnail(photo(b, "stream.jpg"), 256)
	if err != nil {
		b.Fatal(err)
	}
	for b.Loop() {
		m, _, err := pixel.DecodeBytes(context.Background(), thumb, pixel.Limits{})
		if err != nil {
			b.Fatal(err)
		}
		if _, ok := m.PerceptualHash(); !ok {
			b.Fatal("no hash")
		}
	}
}

func ExampleRGB_PerceptualHash() {
	data, err := os.ReadFile("../../examples/data/photos/cat.jpg")
	if err != nil {
		fmt.Println(err)
		return
	}
	cat, _, err := pixel.DecodeBytes(context.Background(), data, pixel.Limits{})
	if err != nil {
		fmt.Println(err)
		return
	}
	small, err := cat.Resize(100, 70)
	if err != nil {
		fmt.Println(err)
		return
	}
	a, _ := cat.PerceptualHash()
	b, _ := small.PerceptualHash()
	fmt.Println(bits.OnesCount64(a^b) < 4)
	// Output: true
}
