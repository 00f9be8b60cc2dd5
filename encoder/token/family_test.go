package token_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/clipdb/clipdb/encoder/token"
)

// familyGolden is what golden.json of package modeltest says of ids.
type familyGolden struct {
	Texts []string  `json:"texts"`
	IDs   [][]int32 `json:"ids"`
}

func familyFile(t testing.TB, elem ...string) []byte {
	t.Helper()
	data, err := os.ReadFile(filepath.Join(append([]string{"..", "modeltest", "testdata"}, elem...)...))
	if err != nil {
		t.Fatal(err)
	}
	return data
}

func must[T any](t testing.TB, v T, err error) T {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
	return v
}

// families opens the tokenizers of the families' models.
func families(t testing.TB) map[string]token.Tokenizer {
	file := func(elem ...string) *bytes.Reader { return bytes.NewReader(familyFile(t, elem...)) }
	open := func(family string) *token.Pipeline {
		p, err := token.NewFromJSON(file(family, "tokenizer.json"))
		return must(t, p, err)
	}
	clip, err := token.NewCLIP(file("fashion-clip", "vocab.json"), file("fashion-clip", "merges.txt"))
	must(t, clip, err)
	siglip, err := token.NewSentencePiece(file("siglip", "spiece.model"), token.SentencePieceOptions{End: true, Clean: token.CleanSiglip})
	must(t, siglip, err)
	chinese, err := token.NewWordPiece(file("chinese-clip", "vocab.txt"), token.WordPieceOptions{Lowercase: true})
	must(t, chinese, err)
	return map[string]token.Tokenizer{
		"openai-clip": open("openai-clip"), "fashion-clip": clip, "siglip": siglip,
		"siglip2": open("siglip2"), "chinese-clip": chinese, "unigram": open("unigram"),
	}
}

// TestFamilies compares the ids with those of transformers and open_clip for
// 40 texts, cut and padded as there.
func TestFamilies(t *testing.T) {
	for family, tok := range families(t) {
		var g familyGolden
		if err := json.Unmarshal(familyFile(t, family, "golden.json"), &g); err != nil {
			t.Fatal(err)
		}
		if len(g.Texts) != 40 || len(g.IDs) != 40 {
			t.Fatalf("%s: %d texts", family, len(g.Texts))
		}
		pad := tok.Pad()
		if family == "siglip" {
			pad = 1 // transformers pads with the end token, which no file says
		}
		for i, text := range g.Texts {
			want := g.IDs[i]
			got := tok.Encode(text, len(want))
			n := len(got)
			for len(got) < len(want) {
				got = append(got, pad)
			}
			if !slices.Equal(got, want) {
				t.Errorf("%s: %.40q:\n got %v\nwant %v", family, text, got[:n], want[:min(len(want), n+2)])
			}
		}
	}
}

// TestSentencePieceLibrary holds both kinds of .model file against the ids of
// the sentencepiece library.
func TestSentencePieceLibrary(t *testing.T) {
	var g struct {
		Texts          []string
		Unigram, Pairs [][]int32
	}
	if err := json.Unmarshal(familyFile(t, "unigram", "sentencepiece.json"), &g); err != nil {
		t.Fatal(err)
	}
	for path, want := range map[string][][]int32{"siglip/spiece.model": g.Unigram, "siglip2/gemma.model": g.Pairs} {
		m, err := token.NewSentencePiece(bytes.NewReader(familyFile(t, path)), token.SentencePieceOptions{})
		must(t, m, err)
		if len(want) != 40 {
			t.Fatalf("%d texts", len(want))
		}
		for i, text := range g.Texts {
			if got := m.Encode(text, 0); !slices.Equal(got, want[i]) {
				t.Errorf("%s: %.40q:\n got %v\nwant %v", path, text, got, want[i])
			}
		}
	}
}

// TestCLIPTokenizerJSON compares the whole vocabulary of CLIP, in Hugging
// Face's form, with OpenAI's tokenizer on 1,000 captions: on plain English
// the two agree.
func TestCLIPTokenizerJSON(t *testing.T) {
	data, err := os.ReadFile(sharedFile(t, "fixtures", "clip", "hf-clip-tokenizer.json"))
	must(t, data, err)
	p, err := token.NewFromJSON(bytes.NewReader(data))
	must(t, p, err)
	if p.Size() != 49408 || p.Pad() != 49407 {
		t.Errorf("%d ids, pad %d", p.Size(), p.Pad())
	}
	for _, l := range readLines(t, sharedFile(t, "fixtures", "clip", "openai_tokens_captions.jsonl")) {
		if got := p.Encode(l.Text, 0); !slices.Equal(got, l.IDs) {
			t.Errorf("%q:\n got %v\nwant %v", l.Text, got, l.IDs)
		}
	}
	cleaned := p.Clean(token.CleanLower) // as open_clip runs it
	for _, l := range readLines(t, sharedFile(t, "fixtures", "clip", "openai_tokens_edge.jsonl")) {
		if got := cleaned.Encode(l.Text, 0); !slices.Equal(got, l.IDs) {
			t.Logf("differs from OpenAI's (NFC, mended text): %q:\n got %v\nwant %v", l.Text, got, l.IDs)
		}
	}
}

// TestFamiliesCut holds the promises of Tokenizer for every context length.
func TestFamiliesCut(t *testing.T) {
	for family, tok := range families(t) {
		for _, text := range []string{"", "a photo of a cat", "café 你好 😀 \xff", "猫と犬猫と犬"} {
			whole := tok.Encode(text, 0)
			for n := 1; n < len(whole)+3; n++ {
				got := tok.Encode(text, n)
				if len(got) > n || n >= len(whole) && !slices.Equal(got, whole) || got[len(got)-1] != whole[len(whole)-1] {
					t.Errorf("%s: %q cut at %d: %v, whole %v", family, text, n, got, whole)
				}
			}
			for _, id := range whole {
				if id < 0 || int(id) >= tok.Size() {
					t.Errorf("%s: id %d of %d", family, id, tok.Size())
				}
			}
		}
	}
}

// TestFamiliesHostile gives each tokenizer what makes a careless one
// quadratic.
func TestFamiliesHostile(t *testing.T) {
	const n = mega / 4
	all := families(t)
	for name, text := range map[string]string{
		"one letter": strings.Repeat("a", n), "spaces": strings.Repeat(" ", n), "marks": "a" + strings.Repeat("\u0301\u0323", n/4),
		"emoji": strings.Repeat("😀", n/4), "joined": strings.Repeat("👩\u200d", n/7), "flags": strings.Repeat("🇩", n/4),
		"not UTF-8": strings.Repeat("\xff", n), "special": strings.Repeat("<|endoftext|", n/12), "unknown": strings.Repeat("\u4e02", n/3),
		"entities": strings.Repeat("&amp;", n/5), "newlines": strings.Repeat("\n", n), "mark": strings.Repeat("▁", n/3),
	} {
		for family, tok := range all {
			begin := time.Now()
			tok.Encode(text, 77)
			if took := time.Since(begin); took > 20*time.Second {
				t.Errorf("%s, %s: %v", family, name, took)
			} else if took > time.Second {
				t.Logf("%s, %s: %v", family, name, took.Round(time.Millisecond))
			}
		}
	}
}

func TestVocabularyRefused(t *testing.T) {
	for name, text := range map[string]string{
		"empty": "", "no model": "{}", "unknown model": `{"model":{"type":"X"}}`,
		"lookahead":  `{"model":{"type":"BPE","vocab":{},"merges":[]},"normalizer":{"type":"Replace","pattern":{"Regex":"a(?!b)"},"content":""}}`,
		"normalizer": `{"model":{"type":"BPE","vocab":{},"merges":[]},"normalizer":{"type":"Odd"}}`,
		"merge":      `{"model":{"type":"BPE","vocab":{"a":0},"merges":["a b"]}}`,
		"negative":   `{"model":{"type":"BPE","vocab":{"a":-1},"merges":[]}}`,
		"huge id":    `{"model":{"type":"BPE","vocab":{"a":2000000000},"merges":[]}}`,
		"charsmap":   `{"model":{"type":"BPE","vocab":{"a":0},"merges":[]},"normalizer":{"type":"Precompiled","precompiled_charsmap":"////fw=="}}`,
		"unk":        `{"model":{"type":"Unigram","vocab":[["a",-1]],"unk_id":3}}`,
		"deep":       `{"model":{"type":"BPE","vocab":{},"merges":[]},"normalizer":` + strings.Repeat(`{"type":"Sequence","normalizers":[`, 50) + strings.Repeat(`]}`, 50) + `}`,
		"special":    `{"model":{"type":"BPE","vocab":{"a":0},"merges":[]},"post_processor":{"type":"BertProcessing","sep":["x",7],"cls":["y",0]}}`,
	} {
		if _, err := token.NewFromJSON(strings.NewReader(text)); !errors.Is(err, token.ErrVocabulary) {
			t.Errorf("%s: %v", name, err)
		}
	}
	for name, data := range map[string]string{"empty": "", "text": "hello, world", "zeros": strings.Repeat("\x00", 64), "unknown only": "\x0a\x03\x0a\x01a\x12\x03\x18\x03\x20"} {
		if _, err := token.NewSentencePiece(strings.NewReader(data), token.SentencePieceOptions{}); !errors.Is(err, token.ErrVocabulary) {
			t.Errorf(".model, %s: %v", name, err)
		}
	}
}

// use encodes a few texts; whatever the file was, nothing may panic and every
// id is one of the vocabulary's.
func use(t *testing.T, tok token.Tokenizer) {
	for _, text := range []string{"", "a photo of a cat", "Ça ▁▁ 你好 <|endoftext|></s> x\n\n", "\xff😀"} {
		for _, id := range tok.Encode(text, 32) {
			if id < 0 || int(id) >= tok.Size() {
				t.Errorf("%q: id %d of %d", text, id, tok.Size())
			}
		}
	}
}

func FuzzFromJSON(f *testing.F) {
	f.Add([]byte(`{"added_tokens":[{"id":3,"content":"<x>","normalized":true}],"normalizer":{"type":"BertNormalizer","clean_text":true},"pre_tokenizer":{"type":"BertPreTokenizer"},"model":{"type":"WordPiece","vocab":{"[UNK]":0,"a":1,"##b":2},"unk_token":"[UNK]","continuing_subword_prefix":"##","max_input_chars_per_word":100}}`))
	f.Add([]byte(`{"pre_tokenizer":{"type":"Metaspace","replacement":"▁"},"model":{"type":"Unigram","vocab":[["<unk>",0],["▁a",-1.5],["b",-2]],"unk_id":0}}`))
	f.Add([]byte(`{"pre_tokenizer":{"type":"Split","pattern":{"Regex":"[\\s]+|\\p{L}"},"behavior":"MergedWithNext"},"model":{"type":"BPE","vocab":{"a":0,"b":1,"ab":2,"x</w>":3},"merges":[["a","b"]],"end_of_word_suffix":"</w>"}}`))
	f.Add([]byte(`{"normalizer":{"type":"Precompiled","precompiled_charsmap":"CAAAAAAEAAAAAAAAYWIA"},"pre_tokenizer":{"type":"ByteLevel"},"model":{"type":"BPE","vocab":{"a":0},"merges":[],"unk_token":"a","fuse_unk":true}}`))
	f.Fuzz(func(t *testing.T, data []byte) {
		p, err := token.NewFromJSON(bytes.NewReader(data))
		if err != nil {
			if !errors.Is(err, token.ErrVocabulary) {
				t.Errorf("%v", err)
			}
			return
		}
		use(t, p)
	})
}

func FuzzSentencePiece(f *testing.F) {
	f.Add([]byte("\x0a\x0e\x0a\x05<unk>\x15\x00\x00\x00\x00\x18\x02\x0a\x0a\x0a\x03▁\x15\x00\x00\x80\xbf\x0a\x08\x0a\x01a\x15\x00\x00\x00\xc0"))
	f.Add([]byte("\x0a\x0e\x0a\x05<unk>\x15\x00\x00\x00\x00\x18\x02\x0a\x08\x0a\x01a\x15\x00\x00\x00\xc0\x12\x02\x18\x02\x1a\x06\x12\x04\x04\x00\x00\x00"))
	f.Fuzz(func(t *testing.T, data []byte) {
		p, err := token.NewSentencePiece(bytes.NewReader(data), token.SentencePieceOptions{Clean: token.CleanSiglip})
		if err != nil {
			if !errors.Is(err, token.ErrVocabulary) {
				t.Errorf("%v", err)
			}
			return
		}
		use(t, p)
	})
}
