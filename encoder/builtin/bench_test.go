package builtin_test

import (
	"context"
	"fmt"
	"image"
	"math/rand/v2"
	"strings"
	"sync"
	"testing"

	"github.com/clipdb/clipdb/encoder/builtin"
	"github.com/clipdb/clipdb/encoder/onnx"
	"github.com/clipdb/clipdb/encoder/pixel"
)

// photos returns n images of 640x480 pixels with structure at every scale.
func photos(n int) []image.Image {
	rng := rand.New(rand.NewPCG(1, 2))
	out := make([]image.Image, n)
	for i := range out {
		m := pixel.NewRGB(640, 480)
		fx, fy := 1+rng.Float64()*8, 1+rng.Float64()*8
		for y := range m.H {
			for x := range m.W {
				p := m.Pix[3*(y*m.W+x):]
				p[0] = byte(float64(x) * fx / 4)
				p[1] = byte(float64(y) * fy / 4)
				p[2] = byte(x*y>>8) ^ byte(rng.IntN(16))
			}
		}
		out[i] = m
	}
	return out
}

// captions returns n texts of 3 to 14 words.
func captions(n int) []string {
	words := strings.Fields("a dog cat horse child running jumping sleeping on the beach grass street red blue old wooden table two people with")
	rng := rand.New(rand.NewPCG(3, 4))
	out := make([]string, n)
	for i := range out {
		var s []string
		for range 3 + rng.IntN(12) {
			s = append(s, words[rng.IntN(len(words))])
		}
		out[i] = strings.Join(s, " ")
	}
	return out
}

// BenchmarkImages measures the tower and the resizing together, one call with
// n images.
func BenchmarkImages(b *testing.B) {
	for _, threads := range []int{1, 2} {
		e := open(b, &onnx.Options{Threads: threads})
		for _, n := range []int{1, 4, 16, 64} {
			imgs := photos(n)
			b.Run(fmt.Sprintf("threads=%d/batch=%d", threads, n), func(b *testing.B) {
				for b.Loop() {
					if _, err := e.EncodeImages(context.Background(), imgs); err != nil {
						b.Fatal(err)
					}
				}
				b.ReportMetric(float64(n*b.N)/b.Elapsed().Seconds(), "images/s")
			})
		}
	}
}

// BenchmarkTexts measures one call with n texts.
func BenchmarkTexts(b *testing.B) {
	for _, threads := range []int{1, 2} {
		e := open(b, &onnx.Options{Threads: threads})
		for _, n := range []int{1, 8, 32, 256} {
			texts := captions(n)
			b.Run(fmt.Sprintf("threads=%d/batch=%d", threads, n), func(b *testing.B) {
				for b.Loop() {
					if _, err := e.EncodeText(context.Background(), texts); err != nil {
						b.Fatal(err)
					}
				}
				b.ReportMetric(float64(n*b.N)/b.Elapsed().Seconds(), "texts/s")
			})
		}
	}
}

// BenchmarkConcurrent measures goroutines that encode one text or image each
// at a time, as a server does: the lane makes batches of them.
func BenchmarkConcurrent(b *testing.B) {
	e := open(b, nil)
	imgs, texts := photos(8), captions(64)
	for _, callers := range []int{1, 4, 16} {
		run := func(b *testing.B, one func(i int) error, unit string) {
			var wg sync.WaitGroup
			b.ResetTimer()
			for c := range callers {
				wg.Go(func() {
					for i := c; i < b.N; i += callers {
						if err := one(i); err != nil {
							b.Error(err)
							return
						}
					}
				})
			}
			wg.Wait()
			b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), unit)
		}
		b.Run(fmt.Sprintf("images/callers=%d", callers), func(b *testing.B) {
			run(b, func(i int) error {
				_, err := e.EncodeImages(context.Background(), imgs[i%len(imgs):][:1])
				return err
			}, "images/s")
		})
		b.Run(fmt.Sprintf("texts/callers=%d", callers), func(b *testing.B) {
			run(b, func(i int) error {
				_, err := e.EncodeText(context.Background(), texts[i%len(texts):][:1])
				return err
			}, "texts/s")
		})
	}
}

// BenchmarkWarm measures how long both towers take to load, library included.
func BenchmarkWarm(b *testing.B) {
	open(b, nil).Close()
	for b.Loop() {
		e, err := builtin.New(nil)
		if err != nil {
			b.Fatal(err)
		}
		if err := e.Warm(context.Background()); err != nil {
			b.Fatal(err)
		}
		if err := e.Close(); err != nil {
			b.Fatal(err)
		}
	}
}
