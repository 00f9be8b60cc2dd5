package token_test

import (
	"errors"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/clipdb/clipdb/encoder/token"
)

// TestHostile gives a megabyte (less under the race detector) that makes a careless tokenizer quadratic. The
// bound is generous, a quadratic one would take hours.
func TestHostile(t *testing.T) {
	uncased, _, pairs := tiny(t)
	for name, text := range map[string]string{
		"one letter":       strings.Repeat("a", mega),
		"two letters":      strings.Repeat("ab", mega/2),
		"spaces":           strings.Repeat(" ", mega),
		"letters, spaces":  strings.Repeat("a ", mega/2),
		"ampersands":       strings.Repeat("&", mega),
		"entities":         strings.Repeat("&amp;", mega/5),
		"half an entity":   strings.Repeat("&a", mega/2),
		"long entity":      "&" + strings.Repeat("a", mega),
		"long number":      "&#" + strings.Repeat("9", mega),
		"brackets":         strings.Repeat("[", mega),
		"specials":         strings.Repeat("[SEP]", mega/5),
		"angles":           strings.Repeat("<|", mega/2),
		"quotes":           strings.Repeat("'", mega),
		"sigmas":           strings.Repeat("Σ'", mega/3),
		"sigma and quotes": "aΣ" + strings.Repeat("'", mega),
		"marks":            "a" + strings.Repeat("\u0301\u0323", mega/4),
		"not UTF-8":        strings.Repeat("\xff", mega),
		"emoji":            strings.Repeat("😀", mega/4),
	} {
		for _, tok := range []token.Tokenizer{uncased, pairs} {
			begin := time.Now()
			ids := tok.Encode(text, 77)
			if took := time.Since(begin); took > 20*time.Second {
				t.Errorf("%T, %s: %v", tok, name, took)
			} else {
				t.Logf("%T, %s: %v", tok, name, took.Round(time.Millisecond))
			}
			if len(ids) > 77 {
				t.Errorf("%T, %s: %d ids", tok, name, len(ids))
			}
		}
	}
}

// TestNotUTF8 holds text that is not UTF-8 against the same text with U+FFFD.
func TestNotUTF8(t *testing.T) {
	uncased, _, pairs := tiny(t)
	for _, text := range []string{"a\xffb", "\xc3(", "caf\xe9", "\xed\xa0\x80", "a &#233\xff;"} {
		valid := string([]rune(text))
		for _, tok := range []token.Tokenizer{uncased, pairs} {
			if got, want := tok.Encode(text, 77), tok.Encode(valid, 77); !slices.Equal(got, want) {
				t.Errorf("%T %q: %v, with U+FFFD %v", tok, text, got, want)
			}
		}
	}
}

func TestConcurrent(t *testing.T) {
	uncased, cased, pairs := tiny(t)
	all := goldens(t)
	var group sync.WaitGroup
	for range 8 {
		group.Go(func() {
			for _, g := range all {
				if !slices.Equal(uncased.Encode(g.Text, 0), g.Uncased) ||
					!slices.Equal(cased.Encode(g.Text, 0), g.Cased) ||
					!slices.Equal(pairs.Encode(g.Text, 0), g.Bytepair) {
					t.Errorf("%q differs under concurrency", g.Text)
				}
			}
		})
	}
	group.Wait()
}

func TestBadVocabulary(t *testing.T) {
	for name, text := range map[string]string{
		"empty":          "",
		"no version":     "a b\nb c\n",
		"one token":      "#version: 0.2\nab\n",
		"three tokens":   "#version: 0.2\na b c\n",
		"unknown token":  "#version: 0.2\na zz\n",
		"not UTF-8":      "#version: 0.2\na \xff\n",
		"long line":      "#version: 0.2\na " + strings.Repeat("b", 5000) + "\n",
		"truncated gzip": "\x1f\x8b\x08",
	} {
		if _, err := token.NewBytePair(strings.NewReader(text)); !errors.Is(err, token.ErrVocabulary) {
			t.Errorf("byte pair, %s: %v", name, err)
		}
	}
	for name, text := range map[string]string{
		"empty":     "",
		"no [UNK]":  "[PAD]\n[CLS]\n[SEP]\na\n",
		"not UTF-8": "[PAD]\n[UNK]\n[CLS]\n[SEP]\n\xff\n",
		"too long":  "[PAD]\n[UNK]\n[CLS]\n[SEP]\n" + strings.Repeat("a\n", 1<<20),
	} {
		if _, err := token.NewWordPiece(strings.NewReader(text), token.WordPieceOptions{}); !errors.Is(err, token.ErrVocabulary) {
			t.Errorf("word piece, %s: %v", name, err)
		}
	}
}

func FuzzEncode(f *testing.F) {
	for _, g := range goldens(f) {
		f.Add(g.Text, 77)
	}
	f.Add("\xff\xfe&#xD800;<|endoftext|>", 3)
	uncased, cased, pairs := tiny(f)
	f.Fuzz(func(t *testing.T, text string, n int) {
		for _, tok := range []token.Tokenizer{uncased, cased, pairs} {
			ids := tok.Encode(text, n)
			if n > 0 && len(ids) > n || len(ids) == 0 {
				t.Fatalf("%d ids for context length %d", len(ids), n)
			}
			for _, id := range ids {
				if id < 0 || int(id) >= tok.Size() {
					t.Fatalf("id %d of %d", id, tok.Size())
				}
			}
			if n > 1 && len(ids) < n && !slices.Equal(ids, tok.Encode(text, 0)) {
				t.Fatalf("uncut ids differ from those without a limit")
			}
			if !utf8.ValidString(text) && !slices.Equal(ids, tok.Encode(string([]rune(text)), n)) {
				t.Fatalf("text that is not UTF-8 differs from the same with U+FFFD")
			}
		}
	})
}

func FuzzVocabulary(f *testing.F) {
	f.Add(read(f, "tiny_merges.txt"))
	f.Add(read(f, "tiny_vocab.txt"))
	f.Add([]byte("\x1f\x8b\x08\x00"))
	f.Fuzz(func(t *testing.T, data []byte) {
		if b, err := token.NewBytePair(strings.NewReader(string(data))); err == nil {
			b.Encode("a photo of a cat", 77)
		} else if !errors.Is(err, token.ErrVocabulary) {
			t.Fatal(err)
		}
		if w, err := token.NewWordPiece(strings.NewReader(string(data)), token.WordPieceOptions{Lowercase: true}); err == nil {
			w.Encode("a photo of a cat", 77)
		} else if !errors.Is(err, token.ErrVocabulary) {
			t.Fatal(err)
		}
	})
}
