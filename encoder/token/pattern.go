package token

import (
	"fmt"
	"regexp"
	"strings"
)

// maxPattern bounds the regular expressions of a tokenizer.json, in bytes.
const maxPattern = 4096

// spaceClass is White_Space as the inside of a character class: what \s means
// in the regular expressions of tokenizer.json, and does not in Go's.
const spaceClass = `\t-\r\x{85}\p{Z}`

// compilePattern compiles a regular expression of tokenizer.json, which is
// written for Oniguruma. What Go's linear-time engine cannot do (looking
// ahead, possessive counts) is an error.
func compilePattern(pattern string) (*regexp.Regexp, error) {
	if len(pattern) > maxPattern {
		return nil, fmt.Errorf("%w: a pattern of %d bytes", ErrVocabulary, len(pattern))
	}
	var out strings.Builder
	inClass := false
	for i := 0; i < len(pattern); i++ {
		c := pattern[i]
		switch {
		case c == '\\' && i+1 < len(pattern):
			i++
			switch next := pattern[i]; {
			case next == 's' && inClass:
				out.WriteString(spaceClass)
			case next == 's':
				out.WriteString("[" + spaceClass + "]")
			case next == 'S' && !inClass:
				out.WriteString("[^" + spaceClass + "]")
			case next == 'd':
				out.WriteString(`\p{Nd}`)
			case strings.IndexByte("SwWbBDhH", next) >= 0:
				return nil, fmt.Errorf("%w: pattern %q: \\%c is not known", ErrVocabulary, pattern, next)
			case next >= '!' && next <= '/' || next >= ':' && next <= '@' || next >= '[' && next <= '`' || next >= '{' && next <= '~':
				// Punctuation with a backslash stands for itself; Go refuses
				// some of these pairs.
				fmt.Fprintf(&out, `\x{%x}`, next)
			default:
				out.WriteByte('\\')
				out.WriteByte(next)
			}
			continue
		case c == '[' && !inClass:
			inClass = true
		case c == ']' && inClass:
			inClass = false
		}
		out.WriteByte(c)
	}
	re, err := regexp.Compile(out.String())
	if err != nil {
		return nil, fmt.Errorf("%w: pattern %q: %w", ErrVocabulary, pattern, err)
	}
	return re, nil
}
