package local

import mathbits "math/bits"

// bits is a set of slots, a bit each.
type bits []uint64

func newBits(n int) bits { return make(bits, (n+63)/64) }

// grow makes room for slot.
func (b *bits) grow(slot uint32) {
	for int(slot/64) >= len(*b) {
		*b = append(*b, 0)
	}
}

func (b bits) set(slot uint32) { b[slot/64] |= 1 << (slot % 64) }

func (b bits) clear(slot uint32) {
	if int(slot/64) < len(b) {
		b[slot/64] &^= 1 << (slot % 64)
	}
}

func (b bits) and(o bits) {
	for i := range b {
		b[i] &= o[i]
	}
}

func (b bits) or(o bits) {
	for i := range b {
		b[i] |= o[i]
	}
}

func (b bits) not() {
	for i := range b {
		b[i] = ^b[i]
	}
}

func (b bits) each(fn func(slot uint32)) {
	for i, w := range b {
		for ; w != 0; w &= w - 1 {
			fn(uint32(i*64 + mathbits.TrailingZeros64(w)))
		}
	}
}
