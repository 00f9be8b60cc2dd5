package token

import (
	"regexp"
	"strings"
	"unicode"
	"unicode/utf8"
)

// behaviour says where what a pattern matches goes when text is split at it.
type behaviour string

const (
	removed      behaviour = "Removed"
	isolated     behaviour = "Isolated"
	withPrevious behaviour = "MergedWithPrevious"
	withNext     behaviour = "MergedWithNext"
	contiguous   behaviour = "Contiguous"
)

func (b behaviour) known() bool {
	switch b {
	case removed, isolated, withPrevious, withNext, contiguous:
		return true
	}
	return false
}

// region is a part of a word that a pattern matches, or does not.
type region struct {
	from, to int
	match    bool
}

// splitAt returns a splitter at what find marks as matches; find returns
// regions that cover the word in order.
func splitAt(find func(string) []region, b behaviour) splitter {
	return func(into []span, word span) []span {
		regions := find(word.text)
		var joined []region
		switch b {
		case isolated:
			joined = regions
		case removed:
			for _, r := range regions {
				if !r.match {
					joined = append(joined, r)
				}
			}
		case withPrevious:
			before := false
			for _, r := range regions {
				if n := len(joined); r.match && !before && n > 0 {
					joined[n-1].to = r.to
				} else {
					joined = append(joined, r)
				}
				before = r.match
			}
		case withNext:
			before := false // the region before is a match on its own
			for _, r := range regions {
				if n := len(joined); !r.match && before {
					joined[n-1].to = r.to
				} else {
					joined = append(joined, r)
				}
				before = r.match
			}
		case contiguous:
			for _, r := range regions {
				if n := len(joined); n > 0 && joined[n-1].match == r.match {
					joined[n-1].to = r.to
				} else {
					joined = append(joined, r)
				}
			}
		}
		for _, r := range joined {
			if r.from < r.to {
				into = append(into, span{word.text[r.from:r.to], word.first && r.from == 0})
			}
		}
		return into
	}
}

// cover completes matches to regions over the whole text.
func cover(text string, matches [][]int, invert bool) []region {
	var out []region
	at := 0
	for _, m := range matches {
		if m[0] == m[1] {
			continue
		}
		if at < m[0] {
			out = append(out, region{at, m[0], invert})
		}
		out = append(out, region{m[0], m[1], !invert})
		at = m[1]
	}
	if at < len(text) {
		out = append(out, region{at, len(text), invert})
	}
	return out
}

func findPattern(re *regexp.Regexp, invert bool) func(string) []region {
	return func(s string) []region { return cover(s, re.FindAllStringIndex(s, -1), invert) }
}

func findString(sep string, invert bool) func(string) []region {
	return func(s string) []region {
		var matches [][]int
		for at := 0; ; {
			i := strings.Index(s[at:], sep)
			if i < 0 {
				return cover(s, matches, invert)
			}
			matches = append(matches, []int{at + i, at + i + len(sep)})
			at += i + len(sep)
		}
	}
}

// findRunes marks each rune that belongs.
func findRunes(belongs func(rune) bool) func(string) []region {
	return func(s string) []region {
		var matches [][]int
		for i, r := range s {
			if belongs(r) {
				matches = append(matches, []int{i, i + utf8.RuneLen(r)})
			}
		}
		return cover(s, matches, false)
	}
}

// latinBytes writes each byte of text as the printable character that stands
// for it in byte-level vocabularies.
var latinBytes = func() (table [256]string) {
	for _, v := range byteOrder() {
		table[v.b] = string(v.r)
	}
	return table
}()

// byteLevel is the pre-tokenizer of byte-level vocabularies.
func byteLevel(prefixSpace, pattern bool) splitter {
	return func(into []span, word span) []span {
		text := word.text
		if prefixSpace && !strings.HasPrefix(text, " ") {
			text = " " + text
		}
		for first := word.first; len(text) > 0; first = false {
			n := len(text)
			if pattern {
				n = gptWord(text)
			}
			var out strings.Builder
			out.Grow(2 * n)
			for i := range n {
				out.WriteString(latinBytes[text[i]])
			}
			into = append(into, span{out.String(), first})
			text = text[n:]
		}
		return into
	}
}

// gptWord returns the length of the first match in text of the pattern of
// GPT-2, which looks ahead and so is no business of package regexp:
//
//	's|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+
func gptWord(text string) int {
	for _, c := range [...]string{"'s", "'t", "'re", "'ve", "'m", "'ll", "'d"} {
		if strings.HasPrefix(text, c) {
			return len(c)
		}
	}
	skip := 0
	if text[0] == ' ' {
		skip = 1
	}
	if r, n := utf8.DecodeRuneInString(text[skip:]); n > 0 && !isSpace(r) {
		other := func(r rune) bool { return !isSpace(r) && !unicode.IsLetter(r) && !unicode.IsNumber(r) }
		for _, class := range [...]func(rune) bool{unicode.IsLetter, unicode.IsNumber, other} {
			if class(r) {
				return spanOf(text, skip+n, class)
			}
		}
	}
	end := spanOf(text, 0, isSpace)
	if end < len(text) {
		// The last of the white space goes with what follows.
		if _, n := utf8.DecodeLastRuneInString(text[:end]); n < end {
			return end - n
		}
	}
	return end
}

// metaspace writes spaces as a mark and begins words with it.
func metaspace(mark string, prepend string, split bool) splitter {
	find := findString(mark, false)
	return func(into []span, word span) []span {
		text := strings.ReplaceAll(word.text, " ", mark)
		if (prepend == "always" || prepend == "first" && word.first) && text != "" && !strings.HasPrefix(text, mark) {
			text = mark + text
		}
		marked := span{text, word.first}
		if !split {
			return append(into, marked)
		}
		return splitAt(find, withNext)(into, marked)
	}
}

// bertWords parts words at white space and sets punctuation apart.
func bertWords(into []span, word span) []span {
	text := word.text
	for i := 0; i < len(text); {
		r, n := utf8.DecodeRuneInString(text[i:])
		end := i + n
		switch {
		case isBertSpace(r):
			i = end
			continue
		case !isPunctuation(r):
			end = i + spanOf(text[i:], n, func(r rune) bool { return !isBertSpace(r) && !isPunctuation(r) })
		}
		into = append(into, span{text[i:end], word.first && i == 0})
		i = end
	}
	return into
}
