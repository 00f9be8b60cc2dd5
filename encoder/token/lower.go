package token

import (
	"strings"
	"unicode"
	"unicode/utf8"
)

// lower is the full lower-casing of Unicode (chapter 3.13): letter by letter,
// but for İ, which becomes two characters, and Σ, which becomes ς at the end
// of a word. strings.ToLower knows neither.
func lower(s string) string {
	upper, odd := false, false
	for _, r := range s {
		switch {
		case r < utf8.RuneSelf:
			upper = upper || 'A' <= r && r <= 'Z'
		case r == 'İ' || r == 'Σ':
			odd = true
		default:
			upper = upper || unicode.ToLower(r) != r
		}
	}
	switch {
	case !upper && !odd:
		return s
	case !odd:
		return strings.Map(unicode.ToLower, s)
	}
	var out strings.Builder
	out.Grow(len(s) + 4)
	for i, r := range s {
		switch r {
		case 'İ':
			out.WriteString("i\u0307")
		case 'Σ':
			if endsWord(s, i, i+utf8.RuneLen(r)) {
				out.WriteRune('ς')
			} else {
				out.WriteRune('σ')
			}
		default:
			out.WriteRune(unicode.ToLower(r))
		}
	}
	return out.String()
}

// endsWord is Unicode's condition Final_Sigma for s[from:to]: a cased letter
// comes before and none after, where case-ignorable characters do not count.
func endsWord(s string, from, to int) bool {
	before := false
	for rest := s[:from]; len(rest) > 0; {
		r, n := utf8.DecodeLastRuneInString(rest)
		if !caseIgnorable(r) {
			before = cased(r)
			break
		}
		rest = rest[:len(rest)-n]
	}
	if !before {
		return false
	}
	for _, r := range s[to:] {
		if !caseIgnorable(r) {
			return !cased(r)
		}
	}
	return true
}

// cased is Unicode's property Cased.
func cased(r rune) bool {
	return unicode.In(r, unicode.Upper, unicode.Lower, unicode.Title,
		unicode.Other_Uppercase, unicode.Other_Lowercase)
}

// caseIgnorable is Unicode's property Case_Ignorable.
func caseIgnorable(r rune) bool {
	switch r {
	case '\'', '.', ':', '·', '\u0387', '\u055f', '\u05f4', '\u2018', '\u2019', '\u2024', '\u2027',
		'\ufe13', '\ufe52', '\ufe55', '\uff07', '\uff0e', '\uff1a':
		return true // word break classes MidLetter, MidNumLet and Single_Quote
	}
	return unicode.In(r, unicode.Mn, unicode.Me, unicode.Cf, unicode.Lm, unicode.Sk)
}
