package onnx

import (
	"context"
	"fmt"
	"slices"
	"sort"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/clipdb/clipdb/encoder"
	"github.com/clipdb/clipdb/encoder/token"
)

// ReadText implements encoder.Reader. It loads the vocabulary, and nothing
// else.
func (e *Encoder) ReadText(ctx context.Context, text string) (encoder.Reading, error) {
	if err := e.enter(); err != nil {
		return encoder.Reading{}, err
	}
	defer e.inflight.Done()
	if err := ctx.Err(); err != nil {
		return encoder.Reading{}, err
	}
	if err := checkText(text); err != nil {
		return encoder.Reading{}, fmt.Errorf("text: %w", err)
	}
	words, err := e.words(ctx)
	if err != nil {
		return encoder.Reading{}, err
	}
	return reading(words, text, e.manifest.Text.ContextLength), nil
}

func reading(words token.Tokenizer, text string, contextLength int) encoder.Reading {
	ids := words.Encode(text, 0)
	r := encoder.Reading{Tokens: len(ids), Context: max(0, contextLength), Marks: len(words.Encode("", 0))}
	if u, ok := words.(token.Unknower); ok {
		if unk, ok := u.Unknown(); ok {
			for _, id := range ids {
				if id == unk {
					r.Unknown++
				}
			}
		}
	}
	if r.Cut() {
		r.Unread = unread(words, text, contextLength)
	}
	return r
}

// unread is what comes after the shortest beginning of text that has the ids
// of the whole. No tokenizer looks beyond a space, so beginnings that end at
// one can be searched by halving.
func unread(words token.Tokenizer, text string, contextLength int) string {
	want := words.Encode(text, contextLength)
	same := func(end int) bool { return slices.Equal(words.Encode(text[:end], contextLength), want) }
	ends := wordEnds(text)
	i := sort.Search(len(ends)-1, func(i int) bool { return same(ends[i]) })
	end := ends[i]
	if begin := strings.LastIndexFunc(text[:end], unicode.IsSpace) + 1; strings.ContainsFunc(text[begin:end], spaceless) {
		var runes []int // ends of the characters of the word
		for at, r := range text[begin:end] {
			runes = append(runes, begin+at+utf8.RuneLen(r))
		}
		end = runes[sort.Search(len(runes)-1, func(i int) bool { return same(runes[i]) })]
	}
	return strings.TrimSpace(text[end:])
}

// wordEnds are the places where words end, the last of them the end of text.
func wordEnds(text string) (ends []int) {
	within := false
	for at, r := range text {
		space := unicode.IsSpace(r)
		if space && within {
			ends = append(ends, at)
		}
		within = !space
	}
	if within || len(ends) == 0 {
		ends = append(ends, len(text))
	}
	return ends
}

// spaceless reports the letters of scripts that put no spaces between words.
func spaceless(r rune) bool {
	return r >= 0x0E00 && unicode.In(r, unicode.Han, unicode.Hiragana, unicode.Katakana, unicode.Thai, unicode.Lao, unicode.Khmer, unicode.Myanmar)
}
