// Package best keeps the k best of many scored slots.
package best

import (
	"cmp"
	"slices"
)

// Entry is a slot and its score; a higher score is better, and of equal
// scores the lower slot.
type Entry struct {
	Slot  uint32
	Score float32
}

// Compare orders better entries first. Scores are not NaN.
func Compare(a, b Entry) int {
	if c := cmp.Compare(b.Score, a.Score); c != 0 {
		return c
	}
	return cmp.Compare(a.Slot, b.Slot)
}

func worse(a, b Entry) bool {
	return a.Score < b.Score || a.Score == b.Score && a.Slot > b.Slot
}

// Heap holds the best entries pushed since Reset, the worst of them on top.
// The zero value holds none; it needs a Reset.
type Heap struct {
	k int
	h []Entry
}

// Reset empties the heap and makes k its size. The memory is kept.
func (b *Heap) Reset(k int) { b.k, b.h = k, b.h[:0] }

// Len is the number of entries held.
func (b *Heap) Len() int { return len(b.h) }

// Full reports whether a further entry must beat the worst one.
func (b *Heap) Full() bool { return len(b.h) == b.k }

// Worst returns the worst entry held, which must exist.
func (b *Heap) Worst() Entry { return b.h[0] }

// Push offers an entry.
func (b *Heap) Push(slot uint32, score float32) {
	e := Entry{slot, score}
	if len(b.h) < b.k {
		b.h = append(b.h, e)
		i := len(b.h) - 1
		for i > 0 {
			parent := (i - 1) / 2
			if !worse(b.h[i], b.h[parent]) {
				break
			}
			b.h[i], b.h[parent] = b.h[parent], b.h[i]
			i = parent
		}
		return
	}
	if b.k == 0 || !worse(b.h[0], e) {
		return
	}
	i := 0
	for {
		c := 2*i + 1
		if c >= len(b.h) {
			break
		}
		if c+1 < len(b.h) && worse(b.h[c+1], b.h[c]) {
			c++
		}
		if !worse(b.h[c], e) {
			break
		}
		b.h[i] = b.h[c]
		i = c
	}
	b.h[i] = e
}

// Sorted orders the entries held, best first, and returns them. They are valid
// until the next Reset, and no Push may come before it.
func (b *Heap) Sorted() []Entry {
	slices.SortFunc(b.h, Compare)
	return b.h
}
