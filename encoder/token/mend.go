package token

import (
	"strings"
	"unicode/utf8"

	"golang.org/x/text/unicode/norm"
)

// mend does what ftfy's fix_text does to text that was decoded rightly:
// entities unless there is a <, Latin ligatures and characters of odd width
// taken apart, straight quotes, one kind of line end, no control characters,
// NFC. Escape sequences of terminals lose their escape character alone.
func mend(s string) string {
	ascii := true
	for i := range len(s) {
		if c := s[i]; c >= utf8.RuneSelf || c < ' ' && c != '\n' && c != '\t' || c == 0x7f || c == '&' {
			ascii = false
			break
		}
	}
	if ascii {
		return s
	}
	if strings.ContainsRune(s, '&') && !strings.ContainsRune(s, '<') {
		s = unescape(s)
	}
	var out strings.Builder
	out.Grow(len(s))
	for i, r := range s {
		switch {
		case r < utf8.RuneSelf:
			switch {
			case r == '\r':
				if i+1 < len(s) && s[i+1] == '\n' {
					continue
				}
				out.WriteByte('\n')
			case r < ' ' && r != '\n' && r != '\t' && r != '\f', r == 0x7f:
			default:
				out.WriteByte(byte(r))
			}
		case 0x2018 <= r && r <= 0x201b || r == 0x02bc:
			out.WriteByte('\'')
		case 0x201c <= r && r <= 0x201f:
			out.WriteByte('"')
		case r == 0x2028, r == 0x2029, r == 0x85:
			out.WriteByte('\n')
		case 0x206a <= r && r <= 0x206f, r == 0xfeff, 0xfff9 <= r && r <= 0xfffc:
		case r == 0x3000:
			out.WriteByte(' ')
		case 0xff01 <= r && r <= 0xffef:
			out.WriteString(norm.NFKC.String(string(r)))
		case 0x0132 <= r && r <= 0x0133, r == 0x0149, 0x01f1 <= r && r <= 0x01f3, 0x01c4 <= r && r <= 0x01cc, 0xfb00 <= r && r <= 0xfb06:
			out.WriteString(ligature(r))
		default:
			out.WriteRune(r)
		}
	}
	return norm.NFC.String(out.String())
}

// ligature takes a Latin ligature apart.
func ligature(r rune) string {
	switch r {
	case 0x0149:
		return "'n" // the quote is straightened as well
	case 0xfb05:
		return "ſt"
	}
	return norm.NFKC.String(string(r))
}
