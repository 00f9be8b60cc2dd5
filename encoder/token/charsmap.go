package token

import (
	"encoding/binary"
	"fmt"
	"strings"
	"unicode/utf8"

	"github.com/rivo/uniseg"
)

// charsmap holds the normalisation rules of a SentencePiece model: a double
// array (darts-clone's layout) from byte strings to offsets into a table of
// replacements, each ended by a zero byte.
type charsmap struct {
	units        []uint32
	replacements string
}

// maxCharsmap bounds a charsmap in bytes; NFKC with case folding takes 0.4 MB.
const maxCharsmap = 8 << 20

// newCharsmap reads the precompiled_charsmap of a model: the size of the trie
// in bytes, the trie as 32-bit units, little-endian, and the replacements.
// None gives nil.
func newCharsmap(data []byte) (*charsmap, error) {
	if len(data) == 0 {
		return nil, nil
	}
	if len(data) < 4 || len(data) > maxCharsmap {
		return nil, fmt.Errorf("%w: charsmap of %d bytes", ErrVocabulary, len(data))
	}
	n := int64(binary.LittleEndian.Uint32(data))
	if n%4 != 0 || n == 0 || n > int64(len(data)-4) {
		return nil, fmt.Errorf("%w: charsmap: a trie of %d bytes in %d", ErrVocabulary, n, len(data))
	}
	c := &charsmap{units: make([]uint32, n/4), replacements: string(data[4+n:])}
	for i := range c.units {
		c.units[i] = binary.LittleEndian.Uint32(data[4+4*i:])
	}
	if !utf8.ValidString(c.replacements) {
		return nil, fmt.Errorf("%w: charsmap: replacements are not UTF-8", ErrVocabulary)
	}
	return c, nil
}

// match walks text through the trie and returns the replacement and length of
// the longest key that text starts with, or of the shortest.
func (c *charsmap) match(text string, shortest bool) (replacement string, n int) {
	at := uint32(0)
	at ^= offset(c.units[0])
	for i := 0; i < len(text); i++ {
		b := text[i]
		if b == 0 {
			break
		}
		at ^= uint32(b)
		if at >= uint32(len(c.units)) {
			break
		}
		unit := c.units[at]
		if unit&0x800000ff != uint32(b) {
			break
		}
		at ^= offset(unit)
		if at >= uint32(len(c.units)) {
			break
		}
		if unit>>8&1 == 1 {
			value := c.units[at] & 0x7fffffff
			if value > uint32(len(c.replacements)) {
				break
			}
			replacement, _, _ = strings.Cut(c.replacements[value:], "\x00")
			n = i + 1
			if shortest {
				break
			}
		}
	}
	return replacement, n
}

// offset is the distance from a unit to its children.
func offset(unit uint32) uint32 { return unit >> 10 << (unit & 0x200 >> 6) }

// longest replaces from left to right the longest keys, as SentencePiece does.
func (c *charsmap) longest(text string) string {
	var out strings.Builder
	out.Grow(len(text))
	for len(text) > 0 {
		r, n := c.match(text, false)
		if n == 0 {
			_, n = utf8.DecodeRuneInString(text)
			r = text[:n]
		}
		out.WriteString(r)
		text = text[n:]
	}
	return out.String()
}

// clusters replaces grapheme clusters of at most 5 bytes by what their
// shortest key gives, and the characters of others one by one: how Hugging
// Face's tokenizers read the same rules.
func (c *charsmap) clusters(text string) string {
	var out strings.Builder
	out.Grow(len(text))
	state := -1
	for len(text) > 0 {
		var cluster string
		cluster, text, _, state = uniseg.FirstGraphemeClusterInString(text, state)
		if len(cluster) < 6 {
			if r, n := c.match(cluster, true); n > 0 {
				out.WriteString(r)
				continue
			}
		}
		for _, char := range cluster {
			s := string(char)
			if r, n := c.match(s, true); n > 0 {
				s = r
			}
			out.WriteString(s)
		}
	}
	return out.String()
}
