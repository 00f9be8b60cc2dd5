package token

import (
	"bufio"
	"compress/gzip"
	"fmt"
	"io"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"
)

// maxMerges is the number of merges that CLIP uses of the 262,144 in the
// file: its code cuts the list at 49,152 less 256 less 2, which gives 49,408 ids.
const maxMerges = 49152 - 256 - 2

// BytePair is CLIP's tokenizer: byte-level byte-pair encoding with an end of
// word mark (Radford et al. 2021, section 2.4), equal to OpenAI's own.
//
// The text is unescaped as HTML twice, lower-cased, its white space collapsed,
// then split into contractions, runs of letters, single digits and runs of
// other characters; each of these is merged on its own. What OpenAI's code
// does with the optional package ftfy (mending of mojibake, curly to straight
// quotes, ligatures, full-width forms) is not done.
type BytePair struct {
	merges     map[uint64]int32 // two ids -> rank of their merge
	merged     []int32          // rank of a merge -> id
	bytes      [256]int32       // byte -> id; inside a word
	start, end int32
}

// NewBytePair reads OpenAI's bpe_simple_vocab_16e6.txt, plain or gzipped: a
// line with the version, then one merge a line, two tokens between a space.
// A shorter file gives a smaller vocabulary of the same make.
func NewBytePair(vocab io.Reader) (*BytePair, error) {
	buffered := bufio.NewReader(vocab)
	if magic, _ := buffered.Peek(2); string(magic) == "\x1f\x8b" {
		unzipped, err := gzip.NewReader(buffered)
		if err != nil {
			return nil, fmt.Errorf("%w: %w", ErrVocabulary, err)
		}
		vocab = unzipped
	} else {
		vocab = buffered
	}
	lines, err := readLines(vocab)
	if err != nil {
		return nil, err
	}
	if len(lines) == 0 || !strings.Contains(lines[0], "#version") {
		return nil, fmt.Errorf("%w: the first line has no #version (want bpe_simple_vocab_16e6.txt)", ErrVocabulary)
	}
	lines = lines[1:min(len(lines), 1+maxMerges)]
	for len(lines) > 0 && lines[len(lines)-1] == "" {
		lines = lines[:len(lines)-1]
	}

	b := &BytePair{
		merges: make(map[uint64]int32, len(lines)),
		merged: make([]int32, len(lines)),
		start:  int32(512 + len(lines)),
		end:    int32(512 + len(lines) + 1),
	}
	ids := make(map[string]int32, 512+len(lines))
	for i, v := range byteOrder() {
		b.bytes[v.b] = int32(i)
		ids[string(v.r)] = int32(i)
		ids[string(v.r)+endOfWord] = int32(256 + i)
	}
	// A merge may give a string that an earlier one gave too: both then stand
	// for the later id, as in a dictionary filled in file order.
	for rank, line := range lines {
		left, right, ok := strings.Cut(line, " ")
		if !ok || left == "" || right == "" || strings.Contains(right, " ") {
			return nil, fmt.Errorf("%w: line %d is %q, not two tokens", ErrVocabulary, rank+2, line)
		}
		ids[left+right] = int32(512 + rank)
	}
	for rank, line := range lines {
		left, right, _ := strings.Cut(line, " ")
		a, okA := ids[left]
		z, okZ := ids[right]
		if !okA || !okZ {
			return nil, fmt.Errorf("%w: line %d merges %q, which nothing makes", ErrVocabulary, rank+2, line)
		}
		b.merges[pair(a, z)] = int32(rank)
		b.merged[rank] = ids[left+right]
	}
	return b, nil
}

const endOfWord = "</w>"

// stripped are the separators of files, groups, records and units.
const stripped = "\x1c\x1d\x1e\x1f"

// Size implements [Tokenizer].
func (b *BytePair) Size() int { return int(b.end) + 1 }

// Pad implements [Tokenizer]: OpenAI's code pads with 0.
func (b *BytePair) Pad() int32 { return 0 }

// Encode implements [Tokenizer]. Text that reads <|startoftext|> or
// <|endoftext|> gives these ids, as in OpenAI's tokenizer.
func (b *BytePair) Encode(text string, contextLength int) []int32 {
	free, start := room(contextLength)
	ids := make([]int32, 0, min(free, len(text)/3+6)+2)
	if start {
		ids = append(ids, b.start)
	}
	limit := len(ids) + free
	if limit < 0 { // free is the largest int: no limit
		limit = free
	}
	var m merger
	// Python's strip knows four separators that the pattern does not count as
	// white space, so at the ends of the text they vanish and inside they are
	// tokens. Only the unescaped text tells where its ends are.
	decoded := strings.ContainsAny(text, stripped)
	if decoded {
		text = unescape(unescape(validUTF8(text)))
		text = strings.TrimFunc(text, func(r rune) bool {
			return isSpace(r) || strings.ContainsRune(stripped, r)
		})
	}
	// No step looks across a space: entities hold none, a sigma at the end of
	// a word is told by its neighbours, and no token of the pattern spans one.
	// So the text is worked on one stretch after the other, and what lies
	// behind the limit is never looked at.
	for len(text) > 0 && len(ids) < limit {
		var stretch string
		stretch, text, _ = strings.Cut(text, " ")
		if !decoded {
			stretch = unescape(unescape(validUTF8(stretch)))
		}
		stretch = lower(stretch)
		for len(stretch) > 0 && len(ids) < limit {
			n, kind := split(stretch)
			switch kind {
			case wordStart:
				ids = append(ids, b.start)
			case wordEnd:
				ids = append(ids, b.end)
			case word:
				ids = m.append(b, ids, stretch[:n])
			}
			stretch = stretch[n:]
		}
	}
	if len(ids) > limit {
		ids = ids[:limit]
	}
	return append(ids, b.end)
}

// iotaSubscript is the one mark whose upper case is a letter: in a pattern
// that ignores case it is neither a letter nor anything else, and gives no
// token.
const iotaSubscript = '\u0345'

// Kinds of what split finds.
const (
	space = iota
	word
	wordStart
	wordEnd
)

// split returns the length and kind of the first piece of text that the
// pattern of OpenAI's tokenizer matches, or of the white space before it:
//
//	<|startoftext|> | <|endoftext|> | 's|'t|'re|'ve|'m|'ll|'d
//	| letters | one number | neither white space, letters nor numbers
func split(text string) (n, kind int) {
	r, size := utf8.DecodeRuneInString(text)
	switch {
	case isSpace(r) || r == iotaSubscript:
		return size, space
	case r == '<' && strings.HasPrefix(text, "<|startoftext|>"):
		return len("<|startoftext|>"), wordStart
	case r == '<' && strings.HasPrefix(text, "<|endoftext|>"):
		return len("<|endoftext|>"), wordEnd
	case r == '\'':
		if n := contraction(text); n > 0 {
			return n, word
		}
	case unicode.IsLetter(r):
		return spanOf(text, size, unicode.IsLetter), word
	case unicode.IsNumber(r):
		return size, word
	}
	return spanOf(text, size, func(r rune) bool {
		return !isSpace(r) && r != iotaSubscript && !unicode.IsLetter(r) && !unicode.IsNumber(r)
	}), word
}

// spanOf returns the length of the runes of text, from n on, that belong.
func spanOf(text string, n int, belongs func(rune) bool) int {
	for i, r := range text[n:] {
		if !belongs(r) {
			return n + i
		}
	}
	return len(text)
}

// contraction returns the length of the English contraction that text starts
// with, or 0. The pattern ignores case, so that the long s counts as an s.
func contraction(text string) int {
	for _, c := range [...]string{"'s", "'ſ", "'t", "'re", "'ve", "'m", "'ll", "'d"} {
		if strings.HasPrefix(text, c) {
			return len(c)
		}
	}
	return 0
}

func isSpace(r rune) bool { return unicode.Is(unicode.White_Space, r) }

// byteOrder lists the bytes in the order of their ids, with the printable
// character that stands for each in the vocabulary file: the printable bytes
// of Latin-1 for themselves, then the rest as U+0100 and on.
func byteOrder() []struct {
	b byte
	r rune
} {
	var order []struct {
		b byte
		r rune
	}
	printable := func(v int) bool {
		return '!' <= v && v <= '~' || '¡' <= v && v <= '¬' || '®' <= v && v <= 'ÿ'
	}
	add := func(v int, r rune) {
		order = append(order, struct {
			b byte
			r rune
		}{byte(v), r})
	}
	for v := range 256 {
		if printable(v) {
			add(v, rune(v))
		}
	}
	next := rune(256)
	for v := range 256 {
		if !printable(v) {
			add(v, next)
			next++
		}
	}
	return slices.Clip(order)
}

// validUTF8 replaces each byte that is not UTF-8 by U+FFFD.
func validUTF8(s string) string {
	if utf8.ValidString(s) {
		return s
	}
	return string([]rune(s))
}
