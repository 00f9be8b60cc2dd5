package pixel

import (
	"fmt"
	"image"
	"math"
)

// Resize says how a picture is brought to the square that a tower sees.
type Resize int

const (
	// Shortest scales the shorter side to Size and keeps the proportions:
	// torchvision's Resize(Size).
	Shortest Resize = iota
	// Squash scales both sides to Size, whatever the proportions.
	Squash
)

// String returns the name that model manifests use.
func (r Resize) String() string {
	switch r {
	case Shortest:
		return "shortest"
	case Squash:
		return "squash"
	}
	return fmt.Sprintf("Resize(%d)", int(r))
}

// ParseResize is the inverse of [Resize.String].
func ParseResize(s string) (Resize, error) {
	switch s {
	case "shortest":
		return Shortest, nil
	case "squash":
		return Squash, nil
	}
	return 0, fmt.Errorf("%w: resize %q (want shortest or squash)", ErrSpec, s)
}

// Spec is the preprocessing of an image tower: the pipeline that CLIP's
// reference code builds of torchvision's Resize, CenterCrop, ToTensor and
// Normalize. The zero value is not usable: Size and Std must be set.
type Spec struct {
	Size       int        // side of the square in pixels
	Resize     Resize     // Shortest or Squash
	Bilinear   bool       // resize with the triangle filter, not the cubic one
	CenterCrop bool       // cut the square from the middle; needed by Shortest
	FloorCrop  bool       // half a pixel in the middle goes down, as in transformers; else to the even side, as in torchvision
	Mean, Std  [3]float32 // per channel, in units of 0..1
}

// maxSize bounds Spec.Size: no tower in use sees more than a few hundred
// pixels, and a manifest must not talk a program into gigabytes.
const maxSize = 4096

// Check reports what is wrong with the specification, wrapped in [ErrSpec].
func (s Spec) Check() error {
	if s.Size < 1 || s.Size > maxSize {
		return fmt.Errorf("%w: image size %d (want 1 to %d)", ErrSpec, s.Size, maxSize)
	}
	if s.Resize != Shortest && s.Resize != Squash {
		return fmt.Errorf("%w: %v", ErrSpec, s.Resize)
	}
	if s.Resize == Shortest && !s.CenterCrop {
		return fmt.Errorf("%w: resize shortest without a centre crop gives no square", ErrSpec)
	}
	for c := range 3 {
		mean, std := float64(s.Mean[c]), float64(s.Std[c])
		if math.IsNaN(mean) || math.IsInf(mean, 0) || math.IsNaN(std) || math.IsInf(std, 0) || std <= 0 {
			return fmt.Errorf("%w: mean %v, std %v of channel %d", ErrSpec, s.Mean[c], s.Std[c], c)
		}
	}
	return nil
}

// Len returns the number of floats of one tensor: 3*Size*Size.
func (s Spec) Len() int { return 3 * s.Size * s.Size }

// plan returns the resized size and the window that is cut from it.
func (s Spec) plan(w, h int) (rw, rh int, win window) {
	n := s.Size
	if s.Resize == Squash {
		return n, n, window{0, 0, n, n}
	}
	// torchvision truncates the longer side.
	rw, rh = n, n
	if w <= h {
		rh = int(float64(n*h) / float64(w))
	} else {
		rw = int(float64(n*w) / float64(h))
	}
	if s.FloorCrop {
		return rw, rh, window{x: (rw - n) / 2, y: (rh - n) / 2, w: n, h: n}
	}
	// torchvision rounds the offsets with Python's round, half to even.
	return rw, rh, window{
		x: int(math.RoundToEven(float64(rw-n) / 2)),
		y: int(math.RoundToEven(float64(rh-n) / 2)),
		w: n, h: n,
	}
}

// Tensor writes the preprocessed picture to dst: Len() float32 in the order
// channel, row, column, each (v/255 - Mean) / Std. Resizing is byte for byte
// Pillow's bicubic, or its bilinear filter. An image that is not an [*RGB] is converted first as
// [FromImage] does. It returns ErrSpec for an unusable specification or a
// destination of another length, and ErrFormat for an image without pixels.
func (s Spec) Tensor(dst []float32, img image.Image) error {
	if err := s.Check(); err != nil {
		return err
	}
	if len(dst) != s.Len() {
		return fmt.Errorf("%w: destination holds %d floats, want %d", ErrSpec, len(dst), s.Len())
	}
	m, err := FromImage(img)
	if err != nil {
		return err
	}
	sc := scratches.Get().(*scratch)
	defer scratches.Put(sc)
	rw, rh, win := s.plan(m.W, m.H)
	sc.out = grow(sc.out, 3*s.Size*s.Size)
	sc.horizontal.bilinear, sc.vertical.bilinear = s.Bilinear, s.Bilinear
	sc.resample(sc.out, m, rw, rh, win)
	sc.horizontal.bilinear, sc.vertical.bilinear = false, false
	s.normalise(dst, sc.out)
	return nil
}

// normalise turns packed bytes into planes of floats by a table, since a
// channel has 256 values only.
func (s Spec) normalise(dst []float32, pix []byte) {
	var table [3][256]float32
	for c := range 3 {
		for v := range 256 {
			table[c][v] = (float32(v)/255 - s.Mean[c]) / s.Std[c]
		}
	}
	n := s.Size * s.Size
	r, g, b := dst[:n:n], dst[n:2*n:2*n], dst[2*n:3*n:3*n]
	for i := range r {
		p := pix[3*i : 3*i+3 : 3*i+3]
		r[i] = table[0][p[0]]
		g[i] = table[1][p[1]]
		b[i] = table[2][p[2]]
	}
}
