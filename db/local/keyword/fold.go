package keyword

import (
	"strings"
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/unicode/norm"
)

// Fold makes texts that differ only in letter case, in the way their
// characters are encoded (full width, ligatures, composed or not) or in
// diacritics that readers leave out the same. Diacritics that make another
// letter stay: й, ї, が, ん. Folding twice changes nothing more.
func Fold(s string) string {
	if ascii(s) {
		return strings.ToLower(s)
	}
	s = strings.ToValidUTF8(s, "\uFFFD")
	// A fold can bring up a character that another fold takes: the second or
	// third round finds nothing to do.
	for range maxRounds {
		next := foldOnce(s)
		if next == s {
			break
		}
		s = next
	}
	return s
}

const maxRounds = 5

func ascii(s string) bool {
	for i := 0; i < len(s); i++ {
		if s[i] >= utf8.RuneSelf {
			return false
		}
	}
	return true
}

func foldOnce(s string) string {
	var b strings.Builder
	b.Grow(len(s))
	var base rune // last character that is no mark
	for _, r := range norm.NFKD.String(s) {
		if unicode.Is(unicode.Mn, r) {
			if bare(base, r) {
				continue
			}
		} else {
			base = r
		}
		switch {
		case invisible(r):
		case r == '⁄': // between the numbers of ½
			b.WriteByte('/')
		default:
			if to, ok := letters[r]; ok {
				b.WriteString(to)
			} else {
				b.WriteRune(unicode.ToLower(r))
			}
		}
	}
	return norm.NFC.String(b.String())
}

// bare reports whether a base loses its mark.
func bare(base, mark rune) bool {
	switch {
	case unicode.Is(unicode.Cyrillic, base):
		switch mark {
		case 0x300, 0x301, 0x341: // stress
			return true
		case 0x308: // ё is written е as often as not; ї is a letter
			return base == 'е' || base == 'Е'
		}
		return false
	case base < utf8.RuneSelf:
		return true
	}
	return unicode.In(base, unicode.Latin, unicode.Greek, unicode.Hebrew, unicode.Arabic)
}

// invisible characters say how to draw the others. U+200D stays: it joins
// emoji.
func invisible(r rune) bool {
	switch {
	case r == 0xAD, r == 0x640, // soft hyphen, tatweel
		r == 0x200C, r == 0x200E, r == 0x200F, r >= 0x202A && r <= 0x202E, r >= 0x2060 && r <= 0x206F, r == 0xFEFF,
		r >= 0xFE00 && r <= 0xFE0F,   // text or emoji
		r >= 0x1F3FB && r <= 0x1F3FF, // skin tones
		r == 0x20E3,                  // the key of a keycap
		r >= 0xE0100 && r <= 0xE01EF:
		return true
	}
	return false
}

// Letters that Unicode does not take apart, after the ASCII folding of Lucene,
// and Arabic letters as Persian and Arabic keyboards write them.
var letters = map[rune]string{
	'ß': "ss", 'ẞ': "ss", 'ς': "σ", 'ı': "i", 'ø': "o", 'Ø': "o", 'đ': "d", 'Đ': "d", 'ł': "l", 'Ł': "l", 'ħ': "h", 'Ħ': "h", 'ŧ': "t", 'Ŧ': "t",
	'æ': "ae", 'Æ': "ae", 'œ': "oe", 'Œ': "oe", 'þ': "th", 'Þ': "th", 'ð': "d", 'Ð': "d", 'ŋ': "n", 'Ŋ': "n",
	'‘': "'", '’': "'", 'ʼ': "'", '‛': "'", '＇': "'",
	'ٱ': "ا", 'ى': "ي", 'ی': "ي", 'ک': "ك", 'ھ': "ه",
}
