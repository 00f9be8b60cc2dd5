package token

import (
	"fmt"
	"strings"
	"unicode/utf8"
)

// pairs is byte-pair encoding as Hugging Face's tokenizers and SentencePiece
// run it (Sennrich et al. 2016): of the merges that apply, the one of lowest
// rank goes first, the leftmost of equal ones, and what it gives may be merged
// at once.
type pairs struct {
	ids           map[string]int32
	merges        map[uint64]merge
	bytes         *[256]int32 // ids of <0x00> to <0xFF>, nil without byte fallback
	unk           int32       // -1: unknown characters give nothing
	fuse          bool        // unknown neighbours give one id
	whole         bool        // a word of the vocabulary is not taken apart
	prefix        string      // before what does not begin a word
	suffix        string      // behind what ends a word
	vocabularyLen int
}

// merge is a rule: the rank at which it applies and what it gives.
type merge struct{ rank, id int32 }

// pairsConfig is what newPairs needs; vocabulary and merges in file order.
type pairsConfig struct {
	vocabulary             map[string]int32
	merges                 [][2]string
	unk, prefix, suffix    string
	fallback, fuse, ignore bool
}

func newPairs(c pairsConfig) (*pairs, error) {
	p := &pairs{
		ids: c.vocabulary, merges: make(map[uint64]merge, len(c.merges)), unk: -1,
		fuse: c.fuse, whole: c.ignore, prefix: c.prefix, suffix: c.suffix,
	}
	for text, id := range c.vocabulary {
		if id < 0 || id > maxVocabularyLines {
			return nil, fmt.Errorf("%w: %q has the id %d", ErrVocabulary, text, id)
		}
		p.vocabularyLen = max(p.vocabularyLen, int(id)+1)
	}
	for rank, m := range c.merges {
		left, okL := c.vocabulary[m[0]]
		right, okR := c.vocabulary[m[1]]
		both, ok := c.vocabulary[m[0]+strings.TrimPrefix(m[1], c.prefix)]
		if !okL || !okR || !ok {
			return nil, fmt.Errorf("%w: merge %d of %q and %q is not in the vocabulary", ErrVocabulary, rank, m[0], m[1])
		}
		p.merges[pair(left, right)] = merge{int32(rank), both}
	}
	if c.unk != "" {
		id, ok := c.vocabulary[c.unk]
		if !ok {
			return nil, fmt.Errorf("%w: the unknown token %q is not in the vocabulary", ErrVocabulary, c.unk)
		}
		p.unk = id
	}
	if c.fallback {
		// A vocabulary without all byte pieces has no fallback; that is how
		// the reference reads it.
		p.bytes, _ = byteIDs(func(name string) (int32, bool) { id, ok := c.vocabulary[name]; return id, ok })
	}
	return p, nil
}

func (p *pairs) size() int { return p.vocabularyLen }

// append implements tokenModel.
func (p *pairs) append(ids []int32, word string, sc *scratch) []int32 {
	if p.whole {
		if id, ok := p.ids[word]; ok {
			return append(ids, id)
		}
	}
	sc.symbols = sc.symbols[:0]
	unknown := false // the last symbol stands for unknown characters
	for at := 0; at < len(word); {
		_, n := utf8.DecodeRuneInString(word[at:])
		symbol := word[at : at+n]
		if at > 0 && p.prefix != "" {
			symbol = p.prefix + symbol
		}
		if at+n == len(word) && p.suffix != "" {
			symbol += p.suffix
		}
		id, ok := p.ids[symbol]
		switch {
		case ok:
			sc.symbols = append(sc.symbols, id)
		case p.bytes != nil:
			for _, b := range []byte(word[at : at+n]) {
				sc.symbols = append(sc.symbols, p.bytes[b])
			}
			ok = true
		case p.unk >= 0 && !(p.fuse && unknown):
			sc.symbols = append(sc.symbols, p.unk)
		}
		unknown = !ok
		at += n
	}
	return p.join(ids, sc)
}

// join merges sc.symbols: a linked list of them and a heap of the merges that
// could come next, so that n symbols take n log n steps.
func (p *pairs) join(ids []int32, sc *scratch) []int32 {
	id, n := sc.symbols, len(sc.symbols)
	next, prev := grow(sc.next, n), grow(sc.prev, n)
	sc.next, sc.prev, sc.heap = next, prev, sc.heap[:0]
	for i := range n {
		next[i], prev[i] = int32(i+1), int32(i-1)
	}
	push := func(at int32) {
		if at < 0 || int(next[at]) >= n {
			return
		}
		if m, ok := p.merges[pair(id[at], id[next[at]])]; ok {
			sc.push(uint64(m.rank)<<32 | uint64(at))
		}
	}
	for i := range n - 1 {
		push(int32(i))
	}
	for len(sc.heap) > 0 {
		top := sc.pop()
		at, rank := int32(uint32(top)), int32(top>>32)
		if id[at] < 0 || int(next[at]) >= n {
			continue
		}
		m, ok := p.merges[pair(id[at], id[next[at]])]
		if !ok || m.rank != rank {
			continue // one of the two has gone into another merge
		}
		gone := next[at]
		id[at], id[gone] = m.id, -1
		next[at] = next[gone]
		if int(next[at]) < n {
			prev[next[at]] = at
		}
		push(prev[at])
		push(at)
	}
	for i := 0; i < n; i = int(next[i]) {
		ids = append(ids, id[i])
	}
	return ids
}

// scratch is memory that encoders keep from word to word.
type scratch struct {
	symbols, next, prev []int32
	heap                []uint64
	nodes               []node
}

func (s *scratch) push(v uint64) {
	s.heap = append(s.heap, v)
	for i := len(s.heap) - 1; i > 0; {
		up := (i - 1) / 2
		if s.heap[up] <= s.heap[i] {
			return
		}
		s.heap[up], s.heap[i] = s.heap[i], s.heap[up]
		i = up
	}
}

func (s *scratch) pop() uint64 {
	top, last := s.heap[0], len(s.heap)-1
	s.heap[0] = s.heap[last]
	s.heap = s.heap[:last]
	for i := 0; ; {
		least := i
		for _, child := range [...]int{2*i + 1, 2*i + 2} {
			if child < last && s.heap[child] < s.heap[least] {
				least = child
			}
		}
		if least == i {
			return top
		}
		s.heap[least], s.heap[i] = s.heap[i], s.heap[least]
		i = least
	}
}
