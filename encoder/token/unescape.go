package token

import (
	"html"
	"strings"
	"unicode/utf8"
)

// unescape replaces the character references of HTML 5 the way Python's
// html.unescape does, which OpenAI's tokenizer calls. html.UnescapeString
// knows the same names but treats numbers beyond Unicode, control characters
// and unknown names with a known beginning otherwise, and stands in only for
// the table of names.
func unescape(s string) string {
	amp := strings.IndexByte(s, '&')
	if amp < 0 {
		return s
	}
	var out strings.Builder
	out.Grow(len(s))
	for amp >= 0 {
		out.WriteString(s[:amp])
		s = s[amp:]
		text, n := reference(s)
		out.WriteString(text)
		s = s[n:]
		amp = strings.IndexByte(s, '&')
	}
	out.WriteString(s)
	return out.String()
}

// reference reads the character reference that s, which begins with an
// ampersand, starts with: the text that it stands for and its length. What is
// none stands for itself.
func reference(s string) (text string, n int) {
	if len(s) > 1 && s[1] == '#' {
		if text, n, ok := numeric(s); ok {
			return text, n
		}
		return s[:1], 1
	}
	end := nameEnd(s)
	if end == 1 {
		return s[:1], 1
	}
	if end < len(s) && s[end] == ';' {
		if text, ok := named(s[:end+1]); ok {
			return text, end + 1
		}
	}
	// Without a semicolon only the old names count, the longest of them six
	// letters, and any text may follow.
	for x := min(end, 1+6); x > 2; x-- {
		if text, ok := named(s[:x]); ok {
			return text, x
		}
	}
	return s[:end], end
}

// nameEnd returns where the name after the ampersand ends: at most 32
// characters, none of tab, newline, form feed, space, <, &, # and ;.
func nameEnd(s string) int {
	count := 0
	for i, r := range s[1:] {
		if count == 32 || strings.ContainsRune("\t\n\f <&#;", r) {
			return 1 + i
		}
		count++
	}
	return len(s)
}

// named returns the text of a complete named reference with its ampersand.
// What html.UnescapeString left over of the name tells whether it took all of
// it: after a semicolon it left that semicolon, else it gave more than the
// one character that each old name stands for.
func named(s string) (string, bool) {
	if s == "&semi;" {
		return ";", true
	}
	text := html.UnescapeString(s)
	if strings.HasSuffix(s, ";") {
		return text, !strings.HasSuffix(text, ";")
	}
	return text, utf8.RuneCountInString(text) == 1
}

// numeric reads &#123; or &#x1f; at the start of s, semicolon or not.
func numeric(s string) (text string, n int, ok bool) {
	i, base := 2, rune(10)
	if len(s) > 2 && s[2]|0x20 == 'x' {
		i, base = 3, 16
	}
	from, v := i, rune(0)
	for ; i < len(s); i++ {
		d := digit(s[i])
		if d < 0 || d >= base {
			break
		}
		if v <= utf8.MaxRune { // beyond it the exact value no longer matters
			v = v*base + d
		}
	}
	if i == from {
		return "", 0, false
	}
	if i < len(s) && s[i] == ';' {
		i++
	}
	return character(v), i, true
}

func digit(c byte) rune {
	switch {
	case '0' <= c && c <= '9':
		return rune(c - '0')
	case 'a' <= c|0x20 && c|0x20 <= 'f':
		return rune(c|0x20-'a') + 10
	}
	return -1
}

// windows1252 is what HTML 5 makes of the references 0x80 to 0x9f; a zero
// stands for the control character itself.
var windows1252 = [32]rune{
	'€', 0x81, '‚', 'ƒ', '„', '…', '†', '‡', 'ˆ', '‰', 'Š', '‹', 'Œ', 0x8d, 'Ž', 0x8f,
	0x90, '‘', '’', '“', '”', '•', '–', '—', '˜', '™', 'š', '›', 'œ', 0x9d, 'ž', 'Ÿ',
}

// character returns the text of a numeric reference.
func character(v rune) string {
	switch {
	case v == 0, 0xd800 <= v && v <= 0xdfff, v > utf8.MaxRune:
		return "\ufffd"
	case v == '\r':
		return "\r"
	case 0x80 <= v && v <= 0x9f:
		return string(windows1252[v-0x80])
	case v <= 0x8, v == 0xb, 0xe <= v && v <= 0x1f, v == 0x7f,
		0xfdd0 <= v && v <= 0xfdef, v&0xfffe == 0xfffe:
		return "" // control characters and what is no character
	}
	return string(v)
}
