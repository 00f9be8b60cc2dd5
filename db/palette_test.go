package db_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"hash/fnv"
	"image"
	"image/color"
	"image/draw"
	"image/jpeg"
	"image/png"
	"math"
	"math/rand/v2"
	"strings"
	"sync/atomic"
	"testing"
	"unicode/utf8"

	"github.com/clipdb/clipdb/encoder"
)

// palette is a small encoder that really works: pictures become histograms of
// colours over a grid, words that name colours become the histogram of that
// colour, other words a faint direction of their own. So "red" finds red
// pictures.
type palette struct {
	name   string
	closed atomic.Bool
	images atomic.Int64       // pictures encoded
	calls  atomic.Int64       // calls of EncodeImages
	fail   func(n int) error  // for each picture, by number
	broken func() [][]float32 // answers in the place of vectors
}

const (
	side       = 4 // levels of a colour channel
	paletteDim = side*side*side + 16
)

var colours = map[string]color.RGBA{
	"red": {220, 20, 20, 255}, "green": {20, 180, 20, 255}, "blue": {20, 20, 220, 255}, "yellow": {230, 220, 30, 255},
	"white": {250, 250, 250, 255}, "black": {5, 5, 5, 255}, "purple": {150, 20, 170, 255}, "cyan": {20, 200, 220, 255},
}

func (p *palette) Model() encoder.Model {
	name := p.name
	if name == "" {
		name = "palette"
	}
	return encoder.Model{Name: name, Family: "test", Dim: paletteDim, Fingerprint: fmt.Sprintf("%x", []byte(name)), LogitScale: 20, ImageSize: 64}
}

func (p *palette) EncodeText(ctx context.Context, texts []string) ([][]float32, error) {
	if err := p.ready(ctx); err != nil {
		return nil, err
	}
	out := make([][]float32, len(texts))
	for i, t := range texts {
		if !utf8.ValidString(t) {
			return nil, encoder.ErrBadText
		}
		v := make([]float64, paletteDim)
		for _, word := range strings.FieldsFunc(strings.ToLower(t), func(r rune) bool { return r == ' ' || r == '.' }) {
			if c, ok := colours[word]; ok {
				addColour(v, c, 1)
				continue
			}
			h := fnv.New32()
			h.Write([]byte(word))
			v[side*side*side+int(h.Sum32()%16)] += 0.05
		}
		out[i] = unit(v)
	}
	return out, nil
}

func (p *palette) EncodeImages(ctx context.Context, images []image.Image) ([][]float32, error) {
	p.calls.Add(1)
	if err := p.ready(ctx); err != nil {
		return nil, err
	}
	if p.broken != nil {
		return p.broken(), nil
	}
	out := make([][]float32, len(images))
	for i, img := range images {
		if n := int(p.images.Add(1)); p.fail != nil {
			if err := p.fail(n); err != nil {
				return nil, err
			}
		}
		v := make([]float64, paletteDim)
		b := img.Bounds()
		for y := range 32 {
			for x := range 32 {
				c := color.RGBAModel.Convert(img.At(b.Min.X+x*b.Dx()/32, b.Min.Y+y*b.Dy()/32)).(color.RGBA)
				addColour(v, c, 1)
			}
		}
		v[side*side*side] += 1 // a trace of being a picture
		out[i] = unit(v)
	}
	return out, nil
}

func addColour(v []float64, c color.RGBA, weight float64) {
	level := func(x uint8) int { return int(x) * side / 256 }
	v[(level(c.R)*side+level(c.G))*side+level(c.B)] += weight
}

func (p *palette) ready(ctx context.Context) error {
	if p.closed.Load() {
		return encoder.ErrClosed
	}
	return ctx.Err()
}

func (p *palette) Close() error {
	p.closed.Store(true)
	return nil
}

func unit(v []float64) []float32 {
	var norm float64
	for _, x := range v {
		norm += x * x
	}
	out := make([]float32, len(v))
	for i, x := range v {
		out[i] = float32(x / math.Sqrt(norm))
	}
	return out
}

// painted is a picture of one colour with some noise, different for each seed.
func painted(name string, seed int) image.Image {
	r := rand.New(rand.NewPCG(uint64(seed), 1))
	m := image.NewRGBA(image.Rect(0, 0, 40+seed%7, 30+seed%5))
	draw.Draw(m, m.Bounds(), image.NewUniform(colours[name]), image.Point{}, draw.Src)
	for range 30 {
		m.Set(r.IntN(40), r.IntN(30), color.RGBA{uint8(r.IntN(256)), uint8(r.IntN(256)), uint8(r.IntN(256)), 255})
	}
	return m
}

func asPNG(t testing.TB, m image.Image) []byte {
	t.Helper()
	var b bytes.Buffer
	if err := png.Encode(&b, m); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func asJPEG(t testing.TB, m image.Image) []byte {
	t.Helper()
	var b bytes.Buffer
	if err := jpeg.Encode(&b, m, nil); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

var errNoPower = errors.New("the encoder has no power")
