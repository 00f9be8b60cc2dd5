package keyword

import (
	"slices"
	"strings"
	"sync"
)

// Index holds the terms of captions by slot. Every method is safe for several
// goroutines.
type Index struct {
	analyzers sync.Pool // of *Analyzer
	windows   sync.Pool // of *window

	mu    sync.RWMutex
	ids   map[string]uint32 // term to place in terms
	terms []term
	free  []uint32      // places in terms that are empty
	docs  []*[chunk]doc // by slot / chunk
	count int           // captions with a term
	total uint64        // their lengths, together
}

type term struct {
	word string
	postings
}

// chunk is how many slots are made room for at once.
const chunk = 1024

// doc is what the index knows of a caption.
type doc struct {
	// terms are its terms by rising id, each as the distance from the one
	// before and the times it stands there, packed as in postings.
	terms  string
	length uint32 // terms, repetitions counted
}

// New returns an empty index for captions of a language, which must pass
// Check.
func New(l Language) *Index {
	x := &Index{ids: map[string]uint32{}}
	x.analyzers.New = func() any { return NewAnalyzer(l) }
	x.windows.New = func() any { return new(window) }
	return x
}

// Set makes text the caption of slot, in the place of what it had. A text
// without terms is none.
func (x *Index) Set(slot uint32, text string) {
	if text == "" {
		x.Delete(slot)
		return
	}
	a := x.analyzers.Get().(*Analyzer)
	defer x.analyzers.Put(a)
	words := a.Document(text)
	x.mu.Lock()
	defer x.mu.Unlock()
	x.remove(slot)
	if len(words) == 0 {
		return
	}
	x.put(slot, words)
}

// Delete takes the caption of slot away, if it has one.
func (x *Index) Delete(slot uint32) {
	x.mu.Lock()
	defer x.mu.Unlock()
	x.remove(slot)
}

// Len is how many slots have a caption.
func (x *Index) Len() int {
	x.mu.RLock()
	defer x.mu.RUnlock()
	return x.count
}

// put must run under mu.
func (x *Index) put(slot uint32, words []string) {
	ids := make([]uint32, len(words))
	for i, w := range words {
		ids[i] = x.id(w)
	}
	slices.Sort(ids)
	var packed []byte
	at := uint32(0)
	for i := 0; i < len(ids); {
		n := i + 1
		for n < len(ids) && ids[n] == ids[i] {
			n++
		}
		packed = appendEntry(packed, ids[i]-at, uint32(n-i))
		x.terms[ids[i]].add(entry{slot, uint32(n - i)})
		at, i = ids[i], n
	}
	for int(slot/chunk) >= len(x.docs) {
		x.docs = append(x.docs, nil)
	}
	if x.docs[slot/chunk] == nil {
		x.docs[slot/chunk] = new([chunk]doc)
	}
	x.docs[slot/chunk][slot%chunk] = doc{string(packed), uint32(len(words))}
	x.count++
	x.total += uint64(len(words))
}

// id must run under mu, and whoever asks adds an entry.
func (x *Index) id(w string) uint32 {
	id, ok := x.ids[w]
	if ok {
		return id
	}
	if n := len(x.free); n > 0 {
		id, x.free = x.free[n-1], x.free[:n-1]
	} else {
		id = uint32(len(x.terms))
		x.terms = append(x.terms, term{})
	}
	w = strings.Clone(w) // not the whole caption with it
	x.ids[w], x.terms[id].word = id, w
	return id
}

// remove must run under mu.
func (x *Index) remove(slot uint32) {
	d := x.doc(slot)
	if d == nil || d.length == 0 {
		return
	}
	at, packed := uint32(0), []byte(d.terms)
	for len(packed) > 0 {
		var step uint32
		step, _, packed = next(packed)
		at += step
		t := &x.terms[at]
		if t.remove(slot); t.count == 0 {
			delete(x.ids, t.word)
			*t = term{}
			x.free = append(x.free, at)
		}
	}
	x.count--
	x.total -= uint64(d.length)
	*d = doc{}
}

// doc returns what is known of a slot, nil where there is no room for it yet.
func (x *Index) doc(slot uint32) *doc {
	if c := int(slot / chunk); c < len(x.docs) && x.docs[c] != nil {
		return &x.docs[c][slot%chunk]
	}
	return nil
}

// Stats of an index.
type Stats struct {
	Captions int   // slots with a term
	Terms    int   // different ones
	Postings int   // pairs of caption and term
	Bytes    int64 // of postings, terms and captions, about
}

// Stats counts. It walks all terms.
func (x *Index) Stats() Stats {
	x.mu.RLock()
	defer x.mu.RUnlock()
	s := Stats{Captions: x.count, Terms: len(x.ids)}
	for _, t := range x.terms {
		s.Postings += t.count
		s.Bytes += 48 // a term
		for _, b := range t.blocks {
			s.Bytes += 40 + int64(cap(b.data))
		}
	}
	for w := range x.ids {
		s.Bytes += int64(len(w)) + 40 // string, id and their share of the map
	}
	for _, c := range x.docs {
		if c == nil {
			continue
		}
		s.Bytes += chunk * 24
		for i := range c {
			s.Bytes += int64(len(c[i].terms))
		}
	}
	return s
}
