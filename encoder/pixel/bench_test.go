package pixel_test

import (
	"bytes"
	"context"
	"image"
	"image/jpeg"
	"math"
	"testing"

	"github.com/clipdb/clipdb/encoder/pixel"
)

// smooth draws a picture that JPEG finds as hard as a photo.
func smooth(w, h int) *pixel.RGB {
	m := pixel.NewRGB(w, h)
	noise := pattern(w, h, 3)
	for y := range h {
		for x := range w {
			for c := range 3 {
				v := 120 + 70*math.Sin(float64(x)/float64(17+5*c))*math.Cos(float64(y)/float64(23-4*c)) + float64(noise.Pix[3*(y*w+x)+c])/16
				m.Pix[3*(y*w+x)+c] = byte(v)
			}
		}
	}
	return m
}

// photoJPEG is a file as cameras write them, 4:2:0.
func photoJPEG(b *testing.B, w, h int) []byte {
	b.Helper()
	var file bytes.Buffer
	if err := jpeg.Encode(&file, smooth(w, h).RGBA(), &jpeg.Options{Quality: 88}); err != nil {
		b.Fatal(err)
	}
	return file.Bytes()
}

func BenchmarkDecodeJPEG(b *testing.B) {
	file := photoJPEG(b, 2000, 1500)
	b.SetBytes(3 * 2000 * 1500)
	b.ReportAllocs()
	for b.Loop() {
		if _, _, err := pixel.DecodeBytes(context.Background(), file, pixel.Limits{}); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkResize(b *testing.B) {
	for _, c := range []struct {
		name         string
		w, h, tw, th int
	}{
		{"2000x1500to299x224", 2000, 1500, 299, 224}, {"640x480to299x224", 640, 480, 299, 224},
		{"224x224to288x288", 224, 224, 288, 288}, {"100x100to1000x1000", 100, 100, 1000, 1000},
		{"horizontal1000x1000to224x1000", 1000, 1000, 224, 1000}, {"vertical1000x1000to1000x224", 1000, 1000, 1000, 224},
	} {
		m := smooth(c.w, c.h)
		b.Run(c.name, func(b *testing.B) {
			b.SetBytes(int64(len(m.Pix)))
			b.ReportAllocs()
			for b.Loop() {
				if _, err := m.Resize(c.tw, c.th); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

func BenchmarkTensor(b *testing.B) {
	m := smooth(640, 480)
	spec := pixel.Spec{Size: 224, Resize: pixel.Shortest, CenterCrop: true, Mean: [3]float32{0.5, 0.5, 0.5}, Std: [3]float32{0.25, 0.25, 0.25}}
	dst := make([]float32, spec.Len())
	b.SetBytes(int64(len(m.Pix)))
	b.ReportAllocs()
	for b.Loop() {
		if err := spec.Tensor(dst, m); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkFromImage(b *testing.B) {
	m := smooth(1000, 800)
	rgba := m.RGBA()
	nrgba := image.NewNRGBA(rgba.Rect)
	copy(nrgba.Pix, rgba.Pix)
	gray := image.NewGray(rgba.Rect)
	planes := image.NewYCbCr(rgba.Rect, image.YCbCrSubsampleRatio420)
	for name, img := range map[string]image.Image{"RGBA": rgba, "NRGBA": nrgba, "Gray": gray, "YCbCr420": planes} {
		b.Run(name, func(b *testing.B) {
			b.SetBytes(3 * 1000 * 800)
			for b.Loop() {
				if _, err := pixel.FromImage(img); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

func BenchmarkThumbnail(b *testing.B) {
	m := smooth(2000, 1500)
	b.SetBytes(int64(len(m.Pix)))
	for b.Loop() {
		if _, err := pixel.Thumbnail(m, 256); err != nil {
			b.Fatal(err)
		}
	}
}
