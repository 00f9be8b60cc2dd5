package pixel

import (
	"bytes"
	"math/rand/v2"
	"testing"
)

// TestKernels holds the assembly against the Go code, for sizes that leave
// every kind of remainder, on memory that ends where the picture does.
func TestKernels(t *testing.T) {
	if !useAVX2 {
		t.Skip("no assembly on this processor or in this build")
	}
	defer func() { useAVX2 = true }()
	random := rand.New(rand.NewPCG(1, 2))
	side := func() int {
		switch random.IntN(3) {
		case 0:
			return 1 + random.IntN(12)
		case 1:
			return 1 + random.IntN(80)
		}
		return 1 + random.IntN(400)
	}
	for range 400 {
		m := NewRGB(side(), side())
		w, h := side(), side()
		extreme := random.IntN(3) == 0
		for i := range m.Pix {
			m.Pix[i] = byte(random.Uint32())
			if extreme { // the largest sums there are
				m.Pix[i] = byte(int8(m.Pix[i]) >> 7)
			}
		}
		useAVX2 = true
		fast, err := m.Resize(w, h)
		if err != nil {
			t.Fatal(err)
		}
		useAVX2 = false
		slow, err := m.Resize(w, h)
		if err != nil {
			t.Fatal(err)
		}
		if !bytes.Equal(fast.Pix, slow.Pix) {
			t.Fatalf("%dx%d to %dx%d differs", m.W, m.H, w, h)
		}
	}
}

// TestColourKernels holds the assembly of the colour conversion against the
// Go code: every pair of colour differences, and planes of every width.
func TestColourKernels(t *testing.T) {
	if !useAVX2 {
		t.Skip("no assembly on this processor or in this build")
	}
	defer func() { useAVX2 = true }()
	var luma, cb, cr [256]byte
	for y := 0; y < 256; y += 5 {
		for b := range 256 {
			for i := range 256 {
				luma[i], cb[i], cr[i] = byte(y), byte(b), byte(i)
			}
			var fast, slow [768]byte
			useAVX2 = true
			yccRow(fast[:], luma[:], cb[:], cr[:])
			useAVX2 = false
			yccRow(slow[:], luma[:], cb[:], cr[:])
			if fast != slow {
				t.Fatalf("luma %d, blue difference %d", y, b)
			}
		}
	}
	random := rand.New(rand.NewPCG(5, 6))
	for w := 1; w < 130; w++ {
		for dx := 1; dx <= 2; dx++ {
			for dy := 1; dy <= 2; dy++ {
				p := plane{w: (w + dx - 1) / dx, h: 5, dx: dx, dy: dy}
				p.stride = p.w
				p.pix = make([]byte, p.w*p.h)
				for i := range p.pix {
					p.pix[i] = byte(random.Uint32())
				}
				var a, b upsampler
				for y := range 5 * dy {
					useAVX2 = true
					fast := a.row(&p, w, y)
					useAVX2 = false
					if slow := b.row(&p, w, y); !bytes.Equal(fast, slow) {
						t.Fatalf("row %d of %d pixels, %d by %d: %v, want %v", y, w, dx, dy, fast, slow)
					}
				}
			}
		}
	}
}

// TestWindow holds a window of a resize against the whole.
func TestWindow(t *testing.T) {
	random := rand.New(rand.NewPCG(3, 4))
	for range 200 {
		m := NewRGB(1+random.IntN(60), 1+random.IntN(60))
		for i := range m.Pix {
			m.Pix[i] = byte(random.Uint32())
		}
		w, h := 1+random.IntN(70), 1+random.IntN(70)
		if random.IntN(3) == 0 {
			w = m.W
		}
		if random.IntN(3) == 0 {
			h = m.H
		}
		whole, err := m.Resize(w, h)
		if err != nil {
			t.Fatal(err)
		}
		win := window{w: 1 + random.IntN(w), h: 1 + random.IntN(h)}
		win.x, win.y = random.IntN(w-win.w+1), random.IntN(h-win.h+1)
		var s scratch
		got := make([]byte, 3*win.w*win.h)
		s.resample(got, m, w, h, win)
		for y := range win.h {
			want := whole.Pix[3*((win.y+y)*w+win.x):][:3*win.w]
			if !bytes.Equal(got[3*y*win.w:3*(y+1)*win.w], want) {
				t.Fatalf("%dx%d to %dx%d: row %d of window %+v differs", m.W, m.H, w, h, y, win)
			}
		}
	}
}
