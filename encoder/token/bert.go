package token

import (
	"strings"
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/unicode/norm"
)

// normalise cleans text as BERT's uncased (or, without lowercase, cased)
// models want it: no control characters, every white space a space, spaces
// around Chinese characters, accents off and letters small.
func normalise(text string, lowercase bool) string {
	plain := true
	for i := range len(text) {
		if c := text[i]; c >= utf8.RuneSelf || c < ' ' || c == 0x7f {
			plain = false
			break
		}
	}
	if plain {
		if lowercase {
			return strings.ToLower(text)
		}
		return text
	}
	var out strings.Builder
	out.Grow(len(text) + 8)
	for _, r := range text { // a byte that is not UTF-8 reads as U+FFFD, which goes
		switch {
		case r == 0 || r == utf8.RuneError || isControl(r):
		case isBertSpace(r):
			out.WriteByte(' ')
		case isChinese(r):
			out.WriteByte(' ')
			out.WriteRune(r)
			out.WriteByte(' ')
		default:
			out.WriteRune(r)
		}
	}
	text = out.String()
	if !lowercase {
		return text
	}
	out.Reset()
	out.Grow(len(text))
	for _, r := range norm.NFD.String(text) {
		if !unicode.Is(unicode.Mn, r) {
			out.WriteRune(unicode.ToLower(r))
		}
	}
	return out.String()
}

// isControl reports what BERT's clean_text drops.
func isControl(r rune) bool {
	switch r {
	case '\t', '\n', '\r':
		return false
	}
	return unicode.In(r, unicode.Cc, unicode.Cf, unicode.Co)
}

// isBertSpace reports what parts words.
func isBertSpace(r rune) bool { return unicode.Is(unicode.White_Space, r) }

// isPunctuation reports what stands alone: the categories P and every ASCII
// character that is neither letter, digit nor space.
func isPunctuation(r rune) bool {
	if r < utf8.RuneSelf {
		return '!' <= r && r <= '/' || ':' <= r && r <= '@' || '[' <= r && r <= '`' || '{' <= r && r <= '~'
	}
	return unicode.Is(unicode.P, r)
}

// isChinese reports the CJK ideographs, which BERT takes for words of their
// own. The blocks are those of its reference code; Hangul and the Japanese
// syllabaries are not among them.
func isChinese(r rune) bool {
	switch {
	case r < 0x3400:
		return false
	case r <= 0x4dbf, 0x4e00 <= r && r <= 0x9fff, 0xf900 <= r && r <= 0xfaff,
		0x20000 <= r && r <= 0x2a6df, 0x2a700 <= r && r <= 0x2b73f, 0x2b740 <= r && r <= 0x2b81f,
		0x2b820 <= r && r <= 0x2ceaf, 0x2f800 <= r && r <= 0x2fa1f:
		return true
	}
	return false
}
