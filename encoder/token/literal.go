package token

import (
	"fmt"
	"strings"
	"unicode"
	"unicode/utf8"
)

// literal is a token that is found in text as it stands, before the model
// sees the rest.
type literal struct {
	text        string
	id          int32
	word        bool // not inside a longer word
	left, right bool // takes the white space on that side along
}

// literals finds tokens in text, the longest where several begin at one
// place. A nil one finds nothing.
type literals struct {
	starts [256]bool
	byText map[string]literal
	sizes  []int // lengths in bytes that occur, descending
}

// Limits on literals: their product bounds the time for each byte of text.
const (
	maxLiteralBytes = 256
	maxLiterals     = 1 << 16
)

func newLiterals(list []literal) (*literals, error) {
	if len(list) == 0 {
		return nil, nil
	}
	if len(list) > maxLiterals {
		return nil, fmt.Errorf("%w: %d added tokens, the limit is %d", ErrVocabulary, len(list), maxLiterals)
	}
	l := &literals{byText: make(map[string]literal, len(list))}
	var lengths [maxLiteralBytes + 1]bool
	for _, x := range list {
		if len(x.text) > maxLiteralBytes {
			return nil, fmt.Errorf("%w: an added token of %d bytes", ErrVocabulary, len(x.text))
		}
		if x.text == "" {
			continue
		}
		l.byText[x.text] = x
		l.starts[x.text[0]] = true
		lengths[len(x.text)] = true
	}
	for n := maxLiteralBytes; n > 0; n-- {
		if lengths[n] {
			l.sizes = append(l.sizes, n)
		}
	}
	return l, nil
}

// cut calls yield with what comes before each token and the token's id, and
// at last with the rest and -1, until yield returns false.
func (l *literals) cut(text string, yield func(plain string, id int32) bool) {
	if l == nil {
		yield(text, -1)
		return
	}
	from := 0
	for at := 0; at < len(text); {
		if !l.starts[text[at]] {
			at++
			continue
		}
		x, ok := l.at(text, at)
		if !ok {
			at++
			continue
		}
		begin, end := at, at+len(x.text)
		if x.left {
			begin = from + len(strings.TrimRightFunc(text[from:begin], unicode.IsSpace))
		}
		if x.right {
			end = len(text) - len(strings.TrimLeftFunc(text[end:], unicode.IsSpace))
		}
		if !yield(text[from:begin], x.id) {
			return
		}
		from, at = end, end
	}
	if from < len(text) || from == 0 {
		yield(text[from:], -1)
	}
}

// at returns the token that begins at a place.
func (l *literals) at(text string, at int) (literal, bool) {
	for _, n := range l.sizes {
		if at+n > len(text) {
			continue
		}
		x, ok := l.byText[text[at:at+n]]
		if !ok {
			continue
		}
		if x.word && (wordBefore(text[:at]) || wordAfter(text[at+n:])) {
			continue
		}
		return x, true
	}
	return literal{}, false
}

func wordBefore(s string) bool {
	r, _ := utf8.DecodeLastRuneInString(s)
	return s != "" && isWordRune(r)
}

func wordAfter(s string) bool {
	r, _ := utf8.DecodeRuneInString(s)
	return s != "" && isWordRune(r)
}

// isWordRune reports what \w matches.
func isWordRune(r rune) bool {
	return r == '_' || unicode.In(r, unicode.L, unicode.M, unicode.Nd, unicode.Pc, unicode.Nl, unicode.Other_Alphabetic)
}
