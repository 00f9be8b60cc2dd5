package token

import "slices"

// pair is the key of two neighbouring ids.
func pair(a, z int32) uint64 { return uint64(uint32(a))<<32 | uint64(uint32(z)) }

// merger applies byte-pair merges to one word: a doubly linked list of the
// tokens so far and a heap of the merges that could come next, so that a word
// of n bytes takes n log n steps. Its memory is kept from word to word.
type merger struct {
	id         []int32 // token at a position, or -1 once it went into its left neighbour
	next, prev []int32
	heap       []uint64 // rank<<32 | position of the left token
	batch      []int32
}

// append adds the ids of word, which is not empty, to ids.
//
// Among the merges that apply the one of lowest rank goes first, and all its
// occurrences are merged from left to right before any pair that this gives
// rise to is looked at. That is how the reference goes over a word, and it is
// no detail: it decides which of two overlapping occurrences wins.
func (m *merger) append(b *BytePair, ids []int32, word string) []int32 {
	n := len(word)
	m.id = grow(m.id, n)
	m.next, m.prev = grow(m.next, n), grow(m.prev, n)
	for i := range n {
		m.id[i] = b.bytes[word[i]]
		m.next[i], m.prev[i] = int32(i+1), int32(i-1)
	}
	m.id[n-1] += 256
	m.heap = m.heap[:0]
	for i := range n - 1 {
		if rank, ok := b.merges[pair(m.id[i], m.id[i+1])]; ok {
			m.heap = append(m.heap, uint64(rank)<<32|uint64(i))
		}
	}
	slices.Sort(m.heap) // sorted is a heap already

	for len(m.heap) > 0 {
		rank := int32(m.heap[0] >> 32)
		m.batch = m.batch[:0]
		for len(m.heap) > 0 && int32(m.heap[0]>>32) == rank {
			m.batch = append(m.batch, int32(uint32(m.heap[0])))
			m.pop()
		}
		for _, at := range m.batch {
			if !m.applies(b, at, rank) {
				continue // a neighbour was merged meanwhile
			}
			gone := m.next[at]
			m.id[at], m.id[gone] = b.merged[rank], -1
			m.next[at] = m.next[gone]
			if m.next[at] < int32(n) {
				m.prev[m.next[at]] = at
			}
		}
		for _, at := range m.batch {
			if m.id[at] < 0 {
				continue
			}
			m.push(b, at)
			if left := m.prev[at]; left >= 0 {
				m.push(b, left)
			}
		}
	}
	for i := int32(0); i < int32(n); i = m.next[i] {
		ids = append(ids, m.id[i])
	}
	return ids
}

// applies reports whether the merge of that rank joins the token at a
// position with the one after it.
func (m *merger) applies(b *BytePair, at, rank int32) bool {
	if m.id[at] < 0 || m.next[at] >= int32(len(m.id)) {
		return false
	}
	found, ok := b.merges[pair(m.id[at], m.id[m.next[at]])]
	return ok && found == rank
}

// push notes the merge of the token at a position with the one after it.
func (m *merger) push(b *BytePair, at int32) {
	if m.next[at] >= int32(len(m.id)) {
		return
	}
	rank, ok := b.merges[pair(m.id[at], m.id[m.next[at]])]
	if !ok {
		return
	}
	m.heap = append(m.heap, uint64(rank)<<32|uint64(at))
	for i := len(m.heap) - 1; i > 0; {
		up := (i - 1) / 2
		if m.heap[up] <= m.heap[i] {
			return
		}
		m.heap[up], m.heap[i] = m.heap[i], m.heap[up]
		i = up
	}
}

// pop drops the least entry of the heap.
func (m *merger) pop() {
	last := len(m.heap) - 1
	m.heap[0] = m.heap[last]
	m.heap = m.heap[:last]
	for i := 0; ; {
		least := i
		for _, child := range [...]int{2*i + 1, 2*i + 2} {
			if child < last && m.heap[child] < m.heap[least] {
				least = child
			}
		}
		if least == i {
			return
		}
		m.heap[least], m.heap[i] = m.heap[i], m.heap[least]
		i = least
	}
}

// grow returns s with length n, keeping its memory when that suffices.
func grow[T any](s []T, n int) []T {
	if cap(s) < n {
		return make([]T, n, n+n/4)
	}
	return s[:n]
}
