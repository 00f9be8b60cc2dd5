package pixel_test

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"hash/crc32"
	"image"
	"image/color"
	"image/jpeg"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/clipdb/clipdb/encoder/pixel"
)

// hugePNG is the header of a PNG of w by h pixels without its pixels.
func hugePNG(w, h uint32) []byte {
	chunk := func(name string, body []byte) []byte {
		out := binary.BigEndian.AppendUint32(nil, uint32(len(body)))
		out = append(append(out, name...), body...)
		return binary.BigEndian.AppendUint32(out, crc32.ChecksumIEEE(out[4:]))
	}
	header := binary.BigEndian.AppendUint32(binary.BigEndian.AppendUint32(nil, w), h)
	out := append([]byte("\x89PNG\r\n\x1a\n"), chunk("IHDR", append(header, 8, 2, 0, 0, 0))...)
	return append(out, chunk("IDAT", []byte{0x78, 0x9c, 0x63, 0, 0})...)
}

// hugeJPEG is a file whose frame claims w by h pixels.
func hugeJPEG(t testing.TB, w, h uint16) []byte {
	data := bytes.Clone(readFile(t, "420.jpg"))
	at := bytes.Index(data, []byte("\xff\xc0"))
	if at < 0 {
		t.Fatal("no frame in 420.jpg")
	}
	binary.BigEndian.PutUint16(data[at+5:], h)
	binary.BigEndian.PutUint16(data[at+7:], w)
	return data
}

func TestBadInput(t *testing.T) {
	whole := readFile(t, "420.jpg")
	for _, c := range []struct {
		name string
		data []byte
		lim  pixel.Limits
		want error
		says string
	}{
		{"empty", nil, pixel.Limits{}, pixel.ErrEmpty, "empty"},
		{"text", []byte("I am no picture"), pixel.Limits{}, pixel.ErrFormat, "none of JPEG"},
		{"HEIC", []byte("\x00\x00\x00\x18ftypheic\x00\x00\x00\x00"), pixel.Limits{}, pixel.ErrFormat, "HEIC"},
		{"truncated JPEG", whole[:len(whole)*2/3], pixel.Limits{}, pixel.ErrTruncated, "truncated"},
		{"JPEG without its end", whole[:len(whole)-2], pixel.Limits{}, pixel.ErrTruncated, "truncated"},
		{"JPEG header alone", whole[:200], pixel.Limits{}, pixel.ErrTruncated, "truncated"},
		{"two bytes of JPEG", whole[:2], pixel.Limits{}, pixel.ErrTruncated, "truncated"},
		{"truncated PNG", readFile(t, "rgb.png")[:900], pixel.Limits{}, pixel.ErrTruncated, "truncated"},
		{"truncated GIF", readFile(t, "palette.gif")[:600], pixel.Limits{}, pixel.ErrTruncated, "truncated"},
		{"truncated WebP", readFile(t, "lossless.webp")[:600], pixel.Limits{}, pixel.ErrTruncated, "truncated"},
		{"truncated animation", readFile(t, "lossy-animated.webp")[:300], pixel.Limits{}, pixel.ErrTruncated, "truncated"},
		{"truncated TIFF", readFile(t, "rgb-plain.tiff")[:600], pixel.Limits{}, pixel.ErrFormat, "tiff"},
		{"truncated BMP", readFile(t, "rgb.bmp")[:600], pixel.Limits{}, pixel.ErrTruncated, "truncated"},
		{"50,000 by 50,000 PNG", hugePNG(50000, 50000), pixel.Limits{}, pixel.ErrTooLarge, "50000x50000"},
		{"PNG beyond 32 bits", hugePNG(1<<31-1, 1<<31-1), pixel.Limits{}, pixel.ErrFormat, "png"},
		{"10,000 by 10,000 PNG in 50 bytes", hugePNG(10000, 10000), pixel.Limits{}, pixel.ErrTruncated, "10000x10000"},
		{"65,535 by 65,535 JPEG", hugeJPEG(t, 65535, 65535), pixel.Limits{}, pixel.ErrTooLarge, "65535x65535"},
		{"10,000 by 10,000 JPEG in 2 kB", hugeJPEG(t, 10000, 10000), pixel.Limits{}, pixel.ErrTruncated, "10000x10000"},
		{"byte limit", whole, pixel.Limits{Bytes: 1000}, pixel.ErrTooLarge, "limit 1000"},
		{"pixel limit", whole, pixel.Limits{Pixels: 83*61 - 1}, pixel.ErrTooLarge, "83x61"},
	} {
		m, _, err := pixel.Decode(context.Background(), bytes.NewReader(c.data), c.lim)
		if m != nil || !errors.Is(err, c.want) || !strings.Contains(err.Error(), c.says) {
			// Reading stops at the limit, and then only the limit is known.
			if c.name != "byte limit" || !errors.Is(err, c.want) {
				t.Errorf("%s: %v, want %v with %q", c.name, err, c.want, c.says)
			}
		}
		if errors.Is(c.want, pixel.ErrFormat) && !errors.Is(err, pixel.ErrFormat) {
			t.Errorf("%s: %v is no ErrFormat", c.name, err)
		}
	}
	if _, _, err := pixel.Decode(context.Background(), bytes.NewReader(whole), pixel.Limits{Bytes: int64(len(whole)), Pixels: 83 * 61}); err != nil {
		t.Errorf("at the limits exactly: %v", err)
	}
}

func TestFolder(t *testing.T) {
	f, err := os.Open(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	for name, r := range map[string]io.Reader{"file": f, "reader": struct{ io.Reader }{f}} {
		_, _, err := pixel.Decode(context.Background(), r, pixel.Limits{})
		if !errors.Is(err, pixel.ErrFormat) || !strings.Contains(err.Error(), "folder") {
			if name == "reader" && !strings.Contains(err.Error(), "directory") {
				continue // no such error on this system
			}
			t.Errorf("%s: %v", name, err)
		}
	}
}

type failing struct{ err error }

func (f failing) Read([]byte) (int, error) { return 0, f.err }

func TestReaderError(t *testing.T) {
	broken := errors.New("the wire broke")
	r := io.MultiReader(bytes.NewReader(readFile(t, "420.jpg")[:500]), failing{broken})
	if _, _, err := pixel.Decode(context.Background(), r, pixel.Limits{}); !errors.Is(err, broken) || errors.Is(err, pixel.ErrFormat) {
		t.Errorf("%v, want the reader's own error", err)
	}
}

func TestContext(t *testing.T) {
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	if _, _, err := pixel.Decode(ctx, bytes.NewReader(readFile(t, "420.jpg")), pixel.Limits{}); !errors.Is(err, context.Canceled) {
		t.Errorf("%v, want context.Canceled", err)
	}
	// Cancelled while the decoder reads: the file is there, the context goes.
	var big bytes.Buffer
	if err := jpeg.Encode(&big, pattern(900, 900, 3), nil); err != nil {
		t.Fatal(err)
	}
	ctx, cancel = context.WithCancel(context.Background())
	r := io.MultiReader(&big, cancelling{cancel})
	if _, _, err := pixel.Decode(ctx, r, pixel.Limits{}); !errors.Is(err, context.Canceled) {
		t.Errorf("%v, want context.Canceled", err)
	}
}

type cancelling struct{ cancel context.CancelFunc }

func (c cancelling) Read([]byte) (int, error) { c.cancel(); return 0, io.EOF }

func TestFromImage(t *testing.T) {
	want := pattern(40, 30, 5)
	inner := image.Rect(3, 5, 33, 25)
	whole := want.RGBA()
	nrgba := image.NewNRGBA(whole.Rect)
	copy(nrgba.Pix, whole.Pix)
	wide := image.NewRGBA64(whole.Rect)
	wideN := image.NewNRGBA64(whole.Rect)
	for y := range 30 {
		for x := range 40 {
			c := want.RGBAAt(x, y)
			c64 := color.NRGBA64{R: uint16(c.R)<<8 | 7, G: uint16(c.G)<<8 | 99, B: uint16(c.B) << 8, A: 0xffff}
			wide.Set(x, y, c64)
			wideN.Set(x, y, c64)
		}
	}
	type subImager interface {
		image.Image
		SubImage(image.Rectangle) image.Image
	}
	for _, img := range []subImager{whole, nrgba, wide, wideN} {
		m, err := pixel.FromImage(img)
		if err != nil || !bytes.Equal(m.Pix, want.Pix) {
			t.Errorf("%T: differs, %v", img, err)
		}
		// A cut out of the middle, and the same through nothing but the
		// methods of image.Image.
		cut := img.SubImage(inner)
		m, err = pixel.FromImage(cut)
		if err != nil {
			t.Fatal(err)
		}
		plain, err := pixel.FromImage(struct{ image.Image }{cut})
		if err != nil || m.W != 30 || m.H != 20 || !bytes.Equal(m.Pix, plain.Pix) {
			t.Errorf("%T cut: differs, %v", img, err)
		}
		if c := want.RGBAAt(3, 5); !bytes.Equal(m.Pix[:3], []byte{c.R, c.G, c.B}) {
			t.Errorf("%T cut begins with %v, want %v", img, m.Pix[:3], c)
		}
	}
	if m, err := pixel.FromImage(want); err != nil || m != want {
		t.Errorf("RGB was copied: %v", err)
	}
	for name, img := range map[string]image.Image{
		"nil": nil, "nil RGB": (*pixel.RGB)(nil), "no pixels": image.NewGray(image.Rect(0, 0, 0, 9)),
		"short": &pixel.RGB{W: 9, H: 9},
	} {
		if _, err := pixel.FromImage(img); !errors.Is(err, pixel.ErrFormat) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if _, err := pixel.FromImage(image.NewUniform(color.Black)); !errors.Is(err, pixel.ErrTooLarge) {
		t.Errorf("endless image: %v", err)
	}
}

// TestAlpha holds opacity against its definition, within the one level that
// rounding may take.
func TestAlpha(t *testing.T) {
	for _, v := range []uint8{0, 1, 100, 254, 255} {
		for a := range 256 {
			img := image.NewNRGBA(image.Rect(0, 0, 1, 1))
			img.SetNRGBA(0, 0, color.NRGBA{R: v, G: v, B: v, A: uint8(a)})
			m, err := pixel.FromImage(img)
			if err != nil {
				t.Fatal(err)
			}
			want := (float64(v)*float64(a) + 255*float64(255-a)) / 255
			if d := float64(m.Pix[0]) - want; d > 0.51 || d < -0.51 {
				t.Errorf("%d at opacity %d: %d, want %.2f", v, a, m.Pix[0], want)
			}
		}
	}
}

// TestThumbnail checks sizes: the longer side as asked, never enlarged.
func TestThumbnail(t *testing.T) {
	for _, c := range []struct{ w, h, side, tw, th int }{
		{640, 480, 256, 256, 192}, {480, 640, 256, 192, 256}, {100, 50, 256, 100, 50},
		{5000, 2, 256, 256, 1}, {1, 1, 1, 1, 1}, {3, 3000, 100, 1, 100}, {257, 256, 256, 256, 255},
	} {
		data, err := pixel.Thumbnail(pattern(c.w, c.h, 1), c.side)
		if err != nil {
			t.Fatal(err)
		}
		m, info, err := pixel.DecodeBytes(context.Background(), data, pixel.Limits{})
		if err != nil || info.Format != "jpeg" || m.W != c.tw || m.H != c.th {
			t.Errorf("%dx%d to %d: %v %+v, want %dx%d", c.w, c.h, c.side, err, info, c.tw, c.th)
		}
	}
	for _, side := range []int{0, -1, 1 << 20} {
		if _, err := pixel.Thumbnail(pattern(4, 4, 1), side); !errors.Is(err, pixel.ErrSpec) {
			t.Errorf("side %d: %v", side, err)
		}
	}
}

func TestSpecCheck(t *testing.T) {
	good := pixel.Spec{Size: 32, Resize: pixel.Shortest, CenterCrop: true, Std: [3]float32{1, 1, 1}}
	if err := good.Check(); err != nil {
		t.Error(err)
	}
	for name, change := range map[string]func(*pixel.Spec){
		"no size":     func(s *pixel.Spec) { s.Size = 0 },
		"giant":       func(s *pixel.Spec) { s.Size = 1 << 20 },
		"no crop":     func(s *pixel.Spec) { s.CenterCrop = false },
		"no std":      func(s *pixel.Spec) { s.Std[1] = 0 },
		"resize kind": func(s *pixel.Spec) { s.Resize = 9 },
	} {
		s := good
		change(&s)
		if err := s.Check(); !errors.Is(err, pixel.ErrSpec) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if err := good.Tensor(make([]float32, 5), pattern(4, 4, 1)); !errors.Is(err, pixel.ErrSpec) {
		t.Errorf("short destination: %v", err)
	}
}

func FuzzDecode(f *testing.F) {
	entries, err := os.ReadDir(filepath.Join("testdata", "files"))
	if err != nil {
		f.Fatal(err)
	}
	for _, e := range entries {
		f.Add(readFile(f, e.Name()))
	}
	f.Add(hugePNG(50000, 50000))
	f.Add(hugeJPEG(f, 4000, 4000))
	lim := pixel.Limits{Bytes: 1 << 20, Pixels: 1 << 20}
	f.Fuzz(func(t *testing.T, data []byte) {
		m, info, err := pixel.DecodeBytes(context.Background(), data, lim)
		if err != nil {
			if !errors.Is(err, pixel.ErrFormat) && !errors.Is(err, pixel.ErrTooLarge) {
				t.Fatalf("error is no sentinel: %v", err)
			}
			return
		}
		if len(m.Pix) != 3*m.W*m.H || m.W*m.H != info.Width*info.Height || int64(m.W*m.H) > lim.Pixels {
			t.Fatalf("%dx%d with %d bytes, %+v", m.W, m.H, len(m.Pix), info)
		}
		if info.Orientation < 1 || info.Orientation > 8 || info.Frames < 1 {
			t.Fatalf("%+v", info)
		}
	})
}
