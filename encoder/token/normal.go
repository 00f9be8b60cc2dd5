package token

import (
	"strings"
	"unicode"

	"golang.org/x/text/unicode/norm"
)

// lowerRunes is lower-casing letter by letter, as Rust's char::to_lowercase
// does: no final sigma.
func lowerRunes(s string) string {
	s = strings.Map(func(r rune) rune {
		if r == 'İ' {
			return r
		}
		return unicode.ToLower(r)
	}, s)
	return strings.ReplaceAll(s, "İ", "i\u0307")
}

// stripAccents drops non-spacing marks.
func stripAccents(s string) string {
	return strings.Map(func(r rune) rune {
		if unicode.Is(unicode.Mn, r) {
			return -1
		}
		return r
	}, s)
}

// nmt is SentencePiece's nmt rule: control characters go, odd spaces become
// spaces.
func nmt(s string) string {
	return strings.Map(func(r rune) rune {
		switch {
		case 0x1 <= r && r <= 0x8, r == 0xb, 0xe <= r && r <= 0x1f, r == 0x7f, r == 0x8f, r == 0x9f:
			return -1
		case r == 0x9, r == 0xa, r == 0xc, r == 0xd, r == 0x1680, 0x200b <= r && r <= 0x200f,
			r == 0x2028, r == 0x2029, r == 0x2581, r == 0xfeff, r == 0xfffd:
			return ' '
		}
		return r
	}, s)
}

// bertStep is BERT's normalisation with each part of it chosen.
func bertStep(clean, chinese, accents, lowercase bool) step {
	if clean && chinese && accents == lowercase {
		return func(s string) string { return normalise(s, lowercase) }
	}
	return func(s string) string {
		var out strings.Builder
		for _, r := range s {
			switch {
			case clean && (r == 0 || r == '\ufffd' || isControl(r)):
			case clean && isBertSpace(r):
				out.WriteByte(' ')
			case chinese && isChinese(r):
				out.WriteString(" " + string(r) + " ")
			default:
				out.WriteRune(r)
			}
		}
		s = out.String()
		if accents {
			s = stripAccents(norm.NFD.String(s))
		}
		if lowercase {
			s = lowerRunes(s)
		}
		return s
	}
}

// Cleaning names what a family does with text before its tokenizer sees it.
type Cleaning string

// Kinds of cleaning. The functions of the reference code are named. open_clip's
// begin with the package ftfy, of which all is done but the mending of text
// that was decoded wrongly: see the caveats of the package.
const (
	CleanNone         Cleaning = ""             // nothing
	CleanSiglip       Cleaning = "siglip"       // transformers' SiglipTokenizer: small letters, no ASCII punctuation, one space between words
	CleanCanonicalize Cleaning = "canonicalize" // open_clip's canonicalize_text: the same, with entities unescaped and _ read as a space
	CleanWhitespace   Cleaning = "whitespace"   // open_clip's whitespace_clean: entities unescaped, one space between words
	CleanLower        Cleaning = "lower"        // open_clip's lower: the same and small letters
	CleanCase         Cleaning = "case"         // small letters alone, letter by letter
	CleanMend         Cleaning = "mend"         // what open_clip's basic_clean does first, for a tokenizer that does the rest
)

// Known reports whether the kind is one of those above.
func (c Cleaning) Known() bool {
	_, ok := cleanings[c]
	return ok
}

var cleanings = map[Cleaning][]step{
	CleanNone:         nil,
	CleanSiglip:       {lower, noPunctuation, collapse},
	CleanCanonicalize: {mend, entities, underscores, noPunctuation, lower, collapse},
	CleanWhitespace:   {mend, entities, collapse},
	CleanLower:        {mend, entities, collapse, lower},
	CleanMend:         {mend},
	CleanCase:         {lowerRunes},
}

func entities(s string) string {
	if !strings.ContainsRune(s, '&') {
		return s
	}
	return unescape(unescape(s))
}

func underscores(s string) string { return strings.ReplaceAll(s, "_", " ") }

// noPunctuation drops the 32 characters of Python's string.punctuation.
func noPunctuation(s string) string {
	return strings.Map(func(r rune) rune {
		if r < 0x80 && isPunctuation(r) {
			return -1
		}
		return r
	}, s)
}

// collapse makes each run of white space one space and trims the ends, as
// Python's split does: four separators count as white space.
func collapse(s string) string {
	return strings.Join(strings.FieldsFunc(s, func(r rune) bool {
		return isSpace(r) || '\x1c' <= r && r <= '\x1f'
	}), " ")
}

// Clean returns the tokenizer with cleaning done first.
func (p *Pipeline) Clean(c Cleaning) *Pipeline {
	q := *p
	q.clean = append(append([]step(nil), cleanings[c]...), p.clean...)
	return &q
}

// Cleaned returns a tokenizer that does the cleaning before t.
func Cleaned(t Tokenizer, c Cleaning) Tokenizer { return cleaned{t, cleanings[c]} }

type cleaned struct {
	Tokenizer
	steps []step
}

func (c cleaned) Encode(text string, contextLength int) []int32 {
	text = validUTF8(text)
	for _, s := range c.steps {
		text = s(text)
	}
	return c.Tokenizer.Encode(text, contextLength)
}
