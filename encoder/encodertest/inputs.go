package encodertest

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"image"
	"image/color"
	"image/png"
	"strings"
	"testing"

	"github.com/clipdb/clipdb/encoder"
	"github.com/clipdb/clipdb/encoder/pixel"
)

// scene draws a picture that no two seeds share: stripes and a disc.
func scene(w, h, seed int) *image.RGBA {
	img := image.NewRGBA(image.Rect(0, 0, w, h))
	back := color.RGBA{R: uint8(40 + 70*seed), G: uint8(200 - 90*seed), B: uint8(60 + 110*seed), A: 255}
	fore := color.RGBA{R: uint8(230 - 50*seed), G: uint8(30 + 60*seed), B: uint8(250 - 80*seed), A: 255}
	for y := range h {
		for x := range w {
			c := back
			dx, dy := x-w/3, y-h*2/3
			switch {
			case dx*dx+dy*dy < h*w/16:
				c = fore
			case (x*(seed+1)+y)/(9+5*seed)%2 == 0:
				c = color.RGBA{R: back.R / 2, G: back.G, B: back.B / 3, A: 255}
			}
			img.SetRGBA(x, y, c)
		}
	}
	return img
}

var sizes = [...]image.Point{{X: 320, Y: 240}, {X: 200, Y: 300}, {X: 224, Y: 224}, {X: 97, Y: 31}}

// scenes returns pictures of several sizes.
func scenes() []image.Image {
	var all []image.Image
	for i, s := range sizes {
		all = append(all, scene(s.X, s.Y, i))
	}
	return all
}

func sceneName(i int) string { return fmt.Sprintf("scene %d (%v)", i, sizes[i]) }

// testLongText changes what lies beyond any context length: the vector stays,
// for cutting is by tokens from the start, not by bytes or by refusing.
func testLongText(t *testing.T, e encoder.Encoder) {
	head := strings.Repeat("a dog runs over the green grass and ", 200)
	out := encodeTexts(t, e, head+"barks", head+strings.Repeat("a boat sails under the bridge ", 50))
	unit(t, "long text", e, out[0])
	near(t, "texts that differ beyond the context length", out[1], out[0])
}

func testBadText(t *testing.T, e encoder.Encoder) {
	ctx := context.Background()
	for _, bad := range []string{"\xff", "caf\xe9", "a \xed\xa0\x80 b", "cut \xe2\x82"} {
		for _, in := range [][]string{{bad}, {"fine", bad, "fine"}} {
			out, err := e.EncodeText(ctx, in)
			if !errors.Is(err, encoder.ErrBadText) {
				t.Errorf("%q: %v, want ErrBadText", in, err)
			}
			if out != nil {
				t.Errorf("%q: %d vectors beside the error", in, len(out))
			}
		}
	}
	// A megabyte is cut or refused, as the encoder's limit has it; nothing else.
	out, err := e.EncodeText(ctx, []string{strings.Repeat("a", 1<<20)})
	switch {
	case err == nil:
		unit(t, "a megabyte", e, out[0])
	case !errors.Is(err, encoder.ErrBadText):
		t.Errorf("a megabyte: %v", err)
	}
	unit(t, "after bad text", e, encodeTexts(t, e, "fine")[0])
}

// testImageTypes gives the same pixels in other types and places.
func testImageTypes(t *testing.T, e encoder.Encoder) {
	want := scene(120, 90, 1)
	rgb, err := pixel.FromImage(want)
	if err != nil {
		t.Fatal(err)
	}
	nrgba := image.NewNRGBA(want.Rect)
	copy(nrgba.Pix, want.Pix)
	moved := image.NewRGBA(image.Rect(-7, 1000, 113, 1090))
	copy(moved.Pix, want.Pix)
	frame := image.NewRGBA(image.Rect(0, 0, 150, 130))
	for y := range 90 {
		for x := range 120 {
			frame.SetRGBA(11+x, 13+y, want.RGBAAt(x, y))
		}
	}
	vector := encodeImages(t, e, want)[0]
	others := map[string]image.Image{
		"pixel.RGB": rgb, "NRGBA": nrgba, "bounds away from (0, 0)": moved,
		"a part of a larger picture": frame.SubImage(image.Rect(11, 13, 131, 103)),
		"an unknown type":            struct{ image.Image }{want},
	}
	for name, img := range others {
		near(t, name, encodeImages(t, e, img)[0], vector)
	}
}

func testImageShapes(t *testing.T, e encoder.Encoder) {
	for _, s := range []image.Point{{X: 1, Y: 1}, {X: 1, Y: 2000}, {X: 2000, Y: 1}, {X: 3, Y: 2}, {X: 1500, Y: 1100}} {
		unit(t, fmt.Sprint(s), e, encodeImages(t, e, scene(s.X, s.Y, 2))[0])
	}
}

// testOrientation sends one scene through pixel.Decode in its eight EXIF
// orientations: the encoder sees one picture and gives one vector.
func testOrientation(t *testing.T, e encoder.Encoder) {
	upright := scene(96, 64, 0)
	want := encodeImages(t, e, upright)[0]
	for o := 1; o <= 8; o++ {
		m, info, err := pixel.Decode(context.Background(), bytes.NewReader(oriented(t, upright, o)), pixel.Limits{})
		if err != nil {
			t.Fatalf("orientation %d: %v", o, err)
		}
		if info.Orientation != o {
			t.Fatalf("orientation %d is read as %d", o, info.Orientation)
		}
		near(t, fmt.Sprintf("orientation %d", o), encodeImages(t, e, m)[0], want)
	}
}

// oriented stores img as a PNG that is upright only once its EXIF orientation
// is applied.
func oriented(t testing.TB, img *image.RGBA, orientation int) []byte {
	t.Helper()
	w, h := img.Rect.Dx(), img.Rect.Dy()
	sw, sh := w, h
	if orientation >= 5 {
		sw, sh = h, w
	}
	stored := image.NewRGBA(image.Rect(0, 0, sw, sh))
	for y := range h {
		for x := range w {
			// Where the pixel at (x, y) of the upright picture is stored, by
			// the table of the EXIF specification.
			sx, sy := x, y
			switch orientation {
			case 2:
				sx = w - 1 - x
			case 3:
				sx, sy = w-1-x, h-1-y
			case 4:
				sy = h - 1 - y
			case 5:
				sx, sy = y, x
			case 6:
				sx, sy = y, w-1-x
			case 7:
				sx, sy = h-1-y, w-1-x
			case 8:
				sx, sy = h-1-y, x
			}
			stored.SetRGBA(sx, sy, img.RGBAAt(x, y))
		}
	}
	var file bytes.Buffer
	if err := png.Encode(&file, stored); err != nil {
		t.Fatal(err)
	}
	exif := []byte("eXIfII*\x00\x08\x00\x00\x00\x01\x00\x12\x01\x03\x00\x01\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00")
	exif[4+18] = byte(orientation)
	chunk := binary.BigEndian.AppendUint32(nil, uint32(len(exif)-4))
	chunk = append(chunk, exif...)
	chunk = binary.BigEndian.AppendUint32(chunk, crc32.ChecksumIEEE(exif))
	const afterIHDR = 8 + 25
	return bytes.Join([][]byte{file.Bytes()[:afterIHDR], chunk, file.Bytes()[afterIHDR:]}, nil)
}

func testBadImage(t *testing.T, e encoder.Encoder) {
	good := scene(40, 30, 0)
	for name, bad := range map[string]image.Image{
		"nil": nil, "no pixels": image.NewRGBA(image.Rect(5, 5, 5, 9)), "nil picture": (*pixel.RGB)(nil),
	} {
		for _, in := range [][]image.Image{{bad}, {good, bad, good}} {
			if out, err := e.EncodeImages(context.Background(), in); err == nil || out != nil {
				t.Errorf("%s among %d: %d vectors, %v", name, len(in), len(out), err)
			}
		}
	}
	unit(t, "after bad images", e, encodeImages(t, e, good)[0])
}
