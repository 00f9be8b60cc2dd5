package index

import "math/bits"

// Bitmap is a set of slots, one bit each.
type Bitmap struct {
	words []uint64
	count int
}

// NewBitmap returns an empty set with room for slots below n.
func NewBitmap(n int) *Bitmap { return &Bitmap{words: make([]uint64, (n+63)/64)} }

// Set adds slot, growing the set when needed.
func (b *Bitmap) Set(slot Slot) {
	w := int(slot >> 6)
	if w >= len(b.words) {
		grown := make([]uint64, max(w+1, 2*len(b.words)))
		copy(grown, b.words)
		b.words = grown
	}
	if bit := uint64(1) << (slot & 63); b.words[w]&bit == 0 {
		b.words[w] |= bit
		b.count++
	}
}

// Clear removes slot.
func (b *Bitmap) Clear(slot Slot) {
	if w := int(slot >> 6); w < len(b.words) {
		if bit := uint64(1) << (slot & 63); b.words[w]&bit != 0 {
			b.words[w] &^= bit
			b.count--
		}
	}
}

// Has reports whether slot is in the set.
func (b *Bitmap) Has(slot Slot) bool {
	w := int(slot >> 6)
	return w < len(b.words) && b.words[w]&(1<<(slot&63)) != 0
}

// Len is the number of slots in the set.
func (b *Bitmap) Len() int { return b.count }

// All yields the slots in rising order.
func (b *Bitmap) All(yield func(Slot) bool) {
	for w, word := range b.words {
		for word != 0 {
			if !yield(Slot(w<<6 | bits.TrailingZeros64(word))) {
				return
			}
			word &= word - 1
		}
	}
}

// And yields the slots that are in both sets, in rising order; a nil other
// holds every slot. The set must not change meanwhile.
func (b *Bitmap) And(other *Bitmap) func(yield func(Slot) bool) {
	return func(yield func(Slot) bool) {
		for w, word := range b.words {
			if other != nil {
				if w >= len(other.words) {
					return
				}
				word &= other.words[w]
			}
			for word != 0 {
				if !yield(Slot(w<<6 | bits.TrailingZeros64(word))) {
					return
				}
				word &= word - 1
			}
		}
	}
}

// Words gives access to the set, slot s being bit s%64 of word s/64. Words
// beyond the slice are empty. They must not be changed.
func (b *Bitmap) Words() []uint64 { return b.words }
