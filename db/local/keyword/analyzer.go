package keyword

import (
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/blevesearch/snowballstem"
	"github.com/clipperhouse/uax29/v2/words"
)

// Analyzer turns texts into terms. It is not safe for several goroutines.
type Analyzer struct {
	latin     stemmer // nil stems nothing
	everybody bool    // the stemmers of other scripts are on
	stops     map[string]bool
	env       *snowballstem.Env
	stems     map[string]string // of the words met, at most maxStems

	dense bool // what comes is for a document: single characters too
	out   []string
	bare  []bool // by term of out: it is a stop word
	run   []string
	south bool // script of run
}

// Bounds of what a text can make us keep.
const (
	maxStems = 1 << 14
	maxTerm  = 64 // characters; longer words are cut
	maxStem  = 128
)

// NewAnalyzer returns an analyzer for a language, which must pass Check.
func NewAnalyzer(l Language) *Analyzer {
	a := &Analyzer{env: snowballstem.NewEnv(""), stems: map[string]string{}}
	if l == None {
		return a
	}
	if l == "" {
		l = "en"
	}
	a.latin, a.stops, a.everybody = latin[l], stopWords[l], true
	return a
}

// Document returns the terms of a caption, in order. The slice is valid until
// the next call.
func (a *Analyzer) Document(text string) []string {
	a.analyze(text, true)
	return a.out
}

// Query returns the terms to look for, in order: without stop words where
// there are other words. The slice is valid until the next call.
func (a *Analyzer) Query(text string) []string {
	a.analyze(text, false)
	kept := 0
	for i, w := range a.out {
		if !a.bare[i] {
			a.out[kept] = w
			kept++
		}
	}
	if kept > 0 {
		a.out = a.out[:kept]
	}
	return a.out
}

func (a *Analyzer) analyze(text string, document bool) {
	a.out, a.bare, a.dense = a.out[:0], a.bare[:0], document
	for seg := words.FromString(Fold(text)); seg.Next(); {
		a.segment(seg.Value())
	}
	a.flush()
}

// segment takes what lies between two word boundaries. A boundary lies between
// any two characters of the scripts without spaces, so their run goes on.
func (a *Analyzer) segment(s string) {
	if r, _ := utf8.DecodeRuneInString(s); unicode.Is(unicode.So, r) {
		a.flush()
		a.add(s)
		return
	}
	var parts []string
	from, apostrophe := -1, false
	end := func(i int) {
		if from >= 0 {
			parts = append(parts, s[from:i])
			from = -1
		}
	}
	for i, r := range s {
		n := utf8.RuneLen(r)
		switch {
		case unspaced(r):
			end(i)
			a.word(parts, apostrophe)
			parts, apostrophe = parts[:0], false
			a.character(s[i:i+n], south(r))
			continue
		case unicode.Is(unicode.M, r) && from < 0 && len(a.run) > 0 && i > 0:
			if last := &a.run[len(a.run)-1]; len(*last) < maxTerm {
				*last += s[i : i+n] // vowels and tones of Thai and others
			}
			continue
		case unicode.IsLetter(r), unicode.IsNumber(r), unicode.IsMark(r) && from >= 0, within(s, i):
			if from < 0 {
				from = i
			}
		default:
			apostrophe = apostrophe || r == '\''
			end(i)
		}
		a.flush()
	}
	end(len(s))
	a.word(parts, apostrophe)
}

// within reports whether s[i] is the point or comma of a number.
func within(s string, i int) bool {
	return (s[i] == '.' || s[i] == ',') && i > 0 && i+1 < len(s) && digit(s[i-1]) && digit(s[i+1])
}

func digit(b byte) bool { return b >= '0' && b <= '9' }

// word takes the parts of a word: of "don't" the two beside the apostrophe.
func (a *Analyzer) word(parts []string, apostrophe bool) {
	if len(parts) == 0 {
		return
	}
	longest, letters := 0, true
	for _, p := range parts {
		r, _ := utf8.DecodeRuneInString(p)
		longest, letters = max(longest, utf8.RuneCountInString(p)), letters && unicode.IsLetter(r)
	}
	if longest == 1 && letters && !apostrophe {
		a.add(strings.Join(parts, "")) // U.S.A.
		return
	}
	for _, p := range parts {
		// What the apostrophe cut off says little: l', d', qu', 's, 't, 'll.
		if !apostrophe || longest <= 2 || utf8.RuneCountInString(p) > 2 {
			a.add(p)
		}
	}
}

// character goes on with a run of characters of a script without spaces.
func (a *Analyzer) character(c string, south bool) {
	if south != a.south {
		a.flush()
	}
	a.south = south
	a.run = append(a.run, c)
}

// flush turns the run into pairs of neighbours.
func (a *Analyzer) flush() {
	if len(a.run) == 0 {
		return
	}
	for i, c := range a.run {
		r, _ := utf8.DecodeRuneInString(c)
		if len(a.run) == 1 || a.dense && unicode.In(r, unicode.Han, unicode.Hangul) {
			a.put(c, false)
		}
		if i+1 < len(a.run) {
			a.put(c+a.run[i+1], false)
		}
	}
	a.run = a.run[:0]
}

// unspaced reports whether r belongs to a script that writes words without
// spaces, or with spaces that say little.
func unspaced(r rune) bool {
	return r >= 0xE00 && (south(r) || r == 'ー' || unicode.In(r, unicode.Han, unicode.Hiragana, unicode.Katakana, unicode.Hangul)) && !unicode.Is(unicode.M, r)
}

func south(r rune) bool {
	return r >= 0xE00 && r < 0x1800 && unicode.In(r, unicode.Thai, unicode.Lao, unicode.Khmer, unicode.Myanmar)
}

// add puts a word down to its stem and takes it.
func (a *Analyzer) add(w string) {
	stop := a.stops[w]
	n := 0
	for i := range w {
		if n++; n > maxTerm {
			w = w[:i]
			break
		}
	}
	if r, _ := utf8.DecodeRuneInString(w); !stop && r >= utf8.RuneSelf && unicode.Is(unicode.Cyrillic, r) {
		stop = a.everybody && stopWords["ru"][w]
	}
	a.put(a.stem(w), stop)
}

func (a *Analyzer) put(term string, stop bool) {
	a.out, a.bare = append(a.out, term), append(a.bare, stop)
}

func (a *Analyzer) stem(w string) string {
	r, _ := utf8.DecodeRuneInString(w)
	var cut stemmer
	switch {
	case !a.everybody || len(w) > maxStem || !unicode.IsLetter(r):
	case r < 0x250:
		cut = a.latin
	case unicode.Is(unicode.Cyrillic, r):
		cut = cyrillic
	case unicode.Is(unicode.Arabic, r):
		cut = arab
	}
	if cut == nil {
		return w
	}
	if s, ok := a.stems[w]; ok {
		return s
	}
	w = strings.Clone(w) // not the whole text with it
	s := a.cut(w, cut)
	if len(a.stems) >= maxStems {
		clear(a.stems)
	}
	a.stems[w] = s
	return s
}

// cut asks a stemmer. Where it panics or leaves nothing the word stays whole:
// it does so in caption and query alike.
func (a *Analyzer) cut(w string, to stemmer) (stem string) {
	defer func() {
		if recover() != nil || stem == "" {
			stem = w
		}
	}()
	a.env.SetCurrent(w)
	to(a.env)
	return a.env.Current()
}
