package jpeg

import "fmt"

// spectral is what one scan brings of its components, section G.1.1.
type spectral struct {
	from, to  int  // coefficients
	high, low uint // bits
}

// maxScans bounds the scans of one file. Encoders write about ten, at most
// some hundred; without a bound a few bytes, repeated, would send a decoder
// over all blocks again and again.
const maxScans = 500

var errCode = FormatError("no such Huffman code")

// scan reads the header of a scan, section B.2.3, and its data.
func (d *decoder) scan(body []byte) error {
	if d.scans++; d.scans > maxScans {
		return FormatError(fmt.Sprintf("more than %d scans", maxScans))
	}
	if len(body) < 1 || len(body) < 4+2*int(body[0]) {
		return FormatError("scan header cut short")
	}
	n := int(body[0])
	if n < 1 || n > len(d.comp) {
		return FormatError(fmt.Sprintf("a scan of %d components", n))
	}
	comps := make([]*component, 0, 4)
	blocks := 0
	for i := range n {
		id, tables := body[1+2*i], body[2+2*i]
		var c *component
		for k := range d.comp {
			if d.comp[k].id == id {
				c = &d.comp[k]
			}
		}
		if c == nil || tables>>4 > 3 || tables&15 > 3 {
			return FormatError("a scan of an unknown component or table")
		}
		for _, other := range comps {
			if other == c {
				return FormatError("a component twice in one scan")
			}
		}
		c.td, c.ta = tables>>4, tables&15
		comps = append(comps, c)
		blocks += c.h * c.v
	}
	if n > 1 && blocks > 10 {
		return FormatError("more than ten blocks in a unit")
	}
	tail := body[1+2*n:]
	s := spectral{from: int(tail[0]), to: int(tail[1]), high: uint(tail[2] >> 4), low: uint(tail[2] & 15)}
	if !d.progressive {
		s = spectral{to: 63}
	} else if s.from > s.to || s.to > 63 || s.from == 0 && s.to != 0 || s.from > 0 && n != 1 ||
		s.low > 13 || s.high != 0 && s.high != s.low+1 {
		return FormatError("parameters of a progressive scan")
	}
	for _, c := range comps {
		if err := d.prepare(c, s); err != nil {
			return err
		}
	}
	decode := d.sequential
	switch {
	case !d.progressive:
	case s.from == 0 && s.high == 0:
		decode = d.firstMean
	case s.from == 0:
		decode = d.refineMean
	case s.high == 0:
		decode = d.firstWaves
	default:
		decode = d.refineWaves
	}
	return d.units(comps, func(c *component, bx, by int) error { return decode(c, s, bx, by) })
}

// prepare checks that the tables which a scan needs are there, and allocates
// what a component's first scan fills.
func (d *decoder) prepare(c *component, s spectral) error {
	if s.from == 0 && s.high == 0 && d.dc[c.td] == nil || s.to > 0 && d.ac[c.ta] == nil {
		return FormatError("a scan without its Huffman table")
	}
	if c.quant == nil {
		if c.quant = d.quant[c.tq]; c.quant == nil {
			return FormatError("a scan without its quantisation table")
		}
	}
	if d.progressive && c.coef == nil {
		c.coef = make([][64]int16, c.stride*c.rows)
	}
	if !d.progressive && c.pix == nil {
		c.pix = make([]byte, 64*c.stride*c.rows)
	}
	if s.from == 0 {
		c.seen = true
	}
	return nil
}

// units goes over the units of a scan, section A.2: a rectangle of blocks of
// each component where there are several, else single blocks of the picture
// without its filling.
func (d *decoder) units(comps []*component, block func(c *component, bx, by int) error) error {
	across, down := d.mcusX, d.mcusY
	if len(comps) == 1 {
		across, down = comps[0].bw, comps[0].bh
	}
	d.drop()
	d.reset(comps)
	left, expected := d.restart, byte(markerRST0)
	for y := range down {
		if d.check != nil {
			if err := d.check(); err != nil {
				return err
			}
		}
		for x := range across {
			if d.restart > 0 {
				if left == 0 {
					if err := d.restartAt(expected); err != nil {
						return err
					}
					d.reset(comps)
					expected = markerRST0 | (expected+1)&7
					left = d.restart
				}
				left--
			}
			if len(comps) == 1 {
				if err := block(comps[0], x, y); err != nil {
					return err
				}
			} else {
				for _, c := range comps {
					for v := range c.v {
						for h := range c.h {
							if err := block(c, x*c.h+h, y*c.v+v); err != nil {
								return err
							}
						}
					}
				}
			}
			if d.pad > d.n {
				return d.used()
			}
		}
	}
	d.drop()
	return nil
}

// reset forgets what carries over from block to block.
func (d *decoder) reset(comps []*component) {
	for _, c := range comps {
		c.pred = 0
	}
	d.eobRun = 0
}

// restartAt goes to the restart marker that must come next. Stray bytes
// before it are passed over, another marker is damage.
func (d *decoder) restartAt(expected byte) error {
	d.drop()
	marker, err := d.marker()
	if err != nil {
		return err
	}
	if marker != expected {
		return FormatError(fmt.Sprintf("marker %#x where restart %d belongs", marker, expected-markerRST0))
	}
	return nil
}

// sequential decodes one block of a sequential scan and transforms it,
// section F.2.2.
func (d *decoder) sequential(c *component, _ spectral, bx, by int) error {
	var block [64]int32
	size, ok := d.code(d.dc[c.td])
	if !ok || size > 15 {
		return errCode
	}
	c.pred += d.receive(int(size))
	block[0] = c.pred * c.quant[0]

	ac, quant := d.ac[c.ta], c.quant
	last := 0
	for k := 1; k < 64; {
		if d.n < 32 {
			d.fill()
		}
		if short := ac.short[d.acc>>(64-lookBits)]; short != 0 {
			k += int(short >> 4 & 15)
			n := int(short & 15)
			d.acc <<= n
			d.n -= n
			if k > 63 {
				return FormatError("a run beyond its block")
			}
			block[zigzag[k]] = int32(short>>8) * quant[k]
			last = k
			k++
			continue
		}
		value, ok := d.code(ac)
		if !ok {
			return errCode
		}
		run, size := int(value>>4), int(value&15)
		if size == 0 {
			if run < 15 {
				break
			}
			k += 16
			continue
		}
		if k += run; k > 63 {
			return FormatError("a run beyond its block")
		}
		block[zigzag[k]] = d.receive(size) * quant[k]
		last = k
		k++
	}
	transform(c.pix[64*c.stride*by+8*bx:], 8*c.stride, &block, last)
	return nil
}

// firstMean decodes the mean of a block, section G.1.2.1.
func (d *decoder) firstMean(c *component, s spectral, bx, by int) error {
	size, ok := d.code(d.dc[c.td])
	if !ok || size > 15 {
		return errCode
	}
	c.pred += d.receive(int(size))
	c.coef[by*c.stride+bx][0] = int16(c.pred << s.low)
	return nil
}

// refineMean adds one bit to the mean of a block.
func (d *decoder) refineMean(c *component, s spectral, bx, by int) error {
	c.coef[by*c.stride+bx][0] |= int16(d.take(1) << s.low)
	return nil
}

// firstWaves decodes coefficients of a block, section G.1.2.2.
func (d *decoder) firstWaves(c *component, s spectral, bx, by int) error {
	if d.eobRun > 0 {
		d.eobRun--
		return nil
	}
	block := &c.coef[by*c.stride+bx]
	for k := s.from; k <= s.to; {
		value, ok := d.code(d.ac[c.ta])
		if !ok {
			return errCode
		}
		run, size := int(value>>4), int(value&15)
		if size == 0 {
			if run == 15 {
				k += 16
				continue
			}
			d.eobRun = 1<<run - 1
			if run > 0 {
				d.eobRun += int(d.take(run))
			}
			return nil
		}
		if k += run; k > s.to {
			return FormatError("a run beyond its band")
		}
		block[zigzag[k]] = int16(d.receive(size) << s.low)
		k++
	}
	return nil
}

// refineWaves adds one bit to the coefficients of a block, section G.1.2.3:
// those that are not zero yet take a bit each as they are passed, and new
// ones enter after a run of those that stay zero.
func (d *decoder) refineWaves(c *component, s spectral, bx, by int) error {
	block := &c.coef[by*c.stride+bx]
	bit := int16(1) << s.low
	k := s.from
	for d.eobRun == 0 && k <= s.to {
		value, ok := d.code(d.ac[c.ta])
		if !ok {
			return errCode
		}
		run, size := int(value>>4), int(value&15)
		fresh := int16(0)
		switch {
		case size == 1:
			if fresh = -bit; d.take(1) == 1 {
				fresh = bit
			}
		case size != 0:
			return FormatError("a new coefficient of more than one bit")
		case run < 15:
			d.eobRun = 1 << run
			if run > 0 {
				d.eobRun += int(d.take(run))
			}
		}
		if d.eobRun > 0 {
			break
		}
		if k = d.pass(block, k, s.to, run, bit); k > s.to {
			if fresh != 0 {
				return FormatError("a run beyond its band")
			}
			return nil
		}
		if fresh != 0 {
			block[zigzag[k]] = fresh
		}
		k++
	}
	if d.eobRun > 0 {
		d.eobRun--
		d.pass(block, k, s.to, 64, bit)
	}
	return nil
}

// pass refines the coefficients from k on that are not zero, until it comes
// to a zero after run others, and returns its place, or one beyond to.
func (d *decoder) pass(block *[64]int16, k, to, run int, bit int16) int {
	for ; k <= to; k++ {
		v := &block[zigzag[k]]
		if *v == 0 {
			if run == 0 {
				return k
			}
			run--
			continue
		}
		if d.take(1) == 1 && *v&bit == 0 {
			if *v > 0 {
				*v += bit
			} else {
				*v -= bit
			}
		}
	}
	return k
}

// reconstruct transforms the blocks of a component of a progressive file.
func (d *decoder) reconstruct(c *component) error {
	c.pix = make([]byte, 64*c.stride*c.rows)
	var quant [64]int32 // in natural order, as the coefficients are
	for k, q := range c.quant {
		quant[zigzag[k]] = q
	}
	for by := range c.bh {
		if d.check != nil {
			if err := d.check(); err != nil {
				return err
			}
		}
		for bx := range c.bw {
			var block [64]int32
			last := 0
			for i, v := range c.coef[by*c.stride+bx] {
				if v != 0 {
					block[i] = int32(v) * quant[i]
					last = i
				}
			}
			transform(c.pix[64*c.stride*by+8*bx:], 8*c.stride, &block, last)
		}
	}
	c.coef = nil
	return nil
}
