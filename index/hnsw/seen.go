package hnsw

// seen is the set of slots that a search has scored, a bit each: 100,000
// slots fit into the first-level cache.
type seen struct {
	words []uint64
}

// reset empties the set and makes room for slots below n.
func (s *seen) reset(n uint32) {
	words := int(n+63) / 64
	if words > len(s.words) {
		s.words = make([]uint64, words+words/4)
		return
	}
	clear(s.words[:words])
}

// add puts slot into the set and reports whether it was new.
func (s *seen) add(slot uint32) bool {
	w, bit := &s.words[slot>>6], uint64(1)<<(slot&63)
	if *w&bit != 0 {
		return false
	}
	*w |= bit
	return true
}
