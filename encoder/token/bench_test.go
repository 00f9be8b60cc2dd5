package token_test

import (
	"strings"
	"testing"

	"github.com/clipdb/clipdb/encoder/token"
)

func BenchmarkEncode(b *testing.B) {
	uncased, _, pairs := tiny(b)
	const caption = "Two dogs of different breeds looking at each other on the road ."
	for _, c := range []struct {
		name, text string
		limit      int
	}{
		{"caption", caption, 77},
		{"megabyte of words", strings.Repeat(caption+" ", 1<<20/len(caption)), 77},
		{"megabyte of a", strings.Repeat("a", 1<<20), 77},
		{"uncut", strings.Repeat(caption+" ", 1<<16/len(caption)), 0},
	} {
		for name, tok := range map[string]token.Tokenizer{"wordpiece": uncased, "bytepair": pairs} {
			b.Run(name+"/"+c.name, func(b *testing.B) {
				b.SetBytes(int64(len(c.text)))
				b.ReportAllocs()
				for b.Loop() {
					tok.Encode(c.text, c.limit)
				}
			})
		}
	}
}

// BenchmarkBytePairOpenAI encodes captions under the vocabulary of 49,408 ids.
func BenchmarkBytePairOpenAI(b *testing.B) {
	pairs := openAI(b)
	lines := readLines(b, sharedFile(b, "fixtures", "clip", "openai_tokens_captions.jsonl"))
	b.ReportAllocs()
	for i := 0; b.Loop(); i++ {
		pairs.Encode(lines[i%len(lines)].Text, 77)
	}
}
