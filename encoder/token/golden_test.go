package token_test

import (
	"bytes"
	"compress/gzip"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/clipdb/clipdb/encoder/token"
)

// tiny opens the small vocabularies of testdata.
func tiny(t testing.TB) (uncased, cased *token.WordPiece, pairs *token.BytePair) {
	t.Helper()
	open := func(name string, lowercase bool) *token.WordPiece {
		w, err := token.NewWordPiece(bytes.NewReader(read(t, name)), token.WordPieceOptions{Lowercase: lowercase})
		if err != nil {
			t.Fatal(err)
		}
		return w
	}
	pairs, err := token.NewBytePair(bytes.NewReader(read(t, "tiny_merges.txt")))
	if err != nil {
		t.Fatal(err)
	}
	return open("tiny_vocab.txt", true), open("tiny_vocab.txt", false), pairs
}

func read(t testing.TB, name string) []byte {
	t.Helper()
	data, err := os.ReadFile(filepath.Join("testdata", name))
	if err != nil {
		t.Fatal(err)
	}
	return data
}

// golden is one line of golden.jsonl: what Hugging Face's tokenizers gave.
type golden struct {
	Text                     string
	Uncased, Cased, Bytepair []int32
}

func goldens(t testing.TB) []golden {
	t.Helper()
	var all []golden
	for l := range strings.Lines(string(read(t, "golden.jsonl"))) {
		var g golden
		if err := json.Unmarshal([]byte(l), &g); err != nil {
			t.Fatal(err)
		}
		all = append(all, g)
	}
	if len(all) < 40 {
		t.Fatalf("only %d golden strings", len(all))
	}
	return all
}

func TestGolden(t *testing.T) {
	uncased, cased, pairs := tiny(t)
	for _, g := range goldens(t) {
		for _, c := range []struct {
			name string
			tok  token.Tokenizer
			want []int32
		}{{"uncased", uncased, g.Uncased}, {"cased", cased, g.Cased}, {"bytepair", pairs, g.Bytepair}} {
			if got := c.tok.Encode(g.Text, 0); !slices.Equal(got, c.want) {
				t.Errorf("%s %q:\n got %v\nwant %v", c.name, g.Text, got, c.want)
			}
		}
	}
}

// TestCut holds the rule of the context length against the uncut ids: the
// beginning stays, and so does the end token.
func TestCut(t *testing.T) {
	uncased, _, pairs := tiny(t)
	for _, tok := range []token.Tokenizer{uncased, pairs} {
		for _, g := range goldens(t) {
			whole := tok.Encode(g.Text, 0)
			end := whole[len(whole)-1]
			for n := 1; n <= len(whole)+2; n++ {
				want := whole
				if n < len(whole) {
					want = append(slices.Clone(whole[:n-1]), end)
				}
				if got := tok.Encode(g.Text, n); !slices.Equal(got, want) {
					t.Fatalf("%T %q cut at %d:\n got %v\nwant %v", tok, g.Text, n, got, want)
				}
			}
		}
	}
}

func TestBytePairGzip(t *testing.T) {
	_, _, plain := tiny(t)
	var zipped bytes.Buffer
	z := gzip.NewWriter(&zipped)
	if _, err := z.Write(read(t, "tiny_merges.txt")); err != nil {
		t.Fatal(err)
	}
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	pairs, err := token.NewBytePair(&zipped)
	if err != nil {
		t.Fatal(err)
	}
	for _, g := range goldens(t) {
		if got, want := pairs.Encode(g.Text, 77), plain.Encode(g.Text, 77); !slices.Equal(got, want) {
			t.Fatalf("%q: gzipped %v, plain %v", g.Text, got, want)
		}
	}
}

// TestWordPieceBERT compares the ids of the shared captions and odd strings
// under the vocabularies at hand: the built-in model's, and the one that
// CLIPDB_BERT_VOCAB names, such as BERT's own of 30,522 pieces.
func TestWordPieceBERT(t *testing.T) {
	var references []struct {
		Vocabulary string `json:"vocabulary_sha256"`
		IDs        [][]int32
	}
	if err := json.Unmarshal(read(t, "bert_ids.json"), &references); err != nil {
		t.Fatal(err)
	}
	paths := []string{filepath.Join("..", "builtin", "vocab.txt")}
	if path := os.Getenv("CLIPDB_BERT_VOCAB"); path != "" {
		paths = append(paths, path)
	}
	var lines []line
	for _, name := range []string{"openai_tokens_captions.jsonl", "openai_tokens_edge.jsonl"} {
		lines = append(lines, readLines(t, sharedFile(t, "fixtures", "clip", name))...)
	}
	for _, path := range paths {
		t.Run(filepath.Base(filepath.Dir(path)), func(t *testing.T) {
			vocab, err := os.ReadFile(path)
			if err != nil {
				t.Skipf("vocabulary absent: %v", err)
			}
			sum := sha256.Sum256(vocab)
			for _, reference := range references {
				if reference.Vocabulary != hex.EncodeToString(sum[:]) {
					continue
				}
				w, err := token.NewWordPiece(bytes.NewReader(vocab), token.WordPieceOptions{Lowercase: true})
				if err != nil {
					t.Fatal(err)
				}
				if len(lines) != len(reference.IDs) {
					t.Fatalf("%d lines, %d references", len(lines), len(reference.IDs))
				}
				equal := 0
				for i, l := range lines {
					if got := w.Encode(l.Text, 0); slices.Equal(got, reference.IDs[i]) {
						equal++
					} else {
						t.Errorf("%q:\n got %v\nwant %v", l.Text, got, reference.IDs[i])
					}
				}
				t.Logf("%d of %d lines equal", equal, len(lines))
				return
			}
			t.Skipf("%s is a vocabulary without reference ids; testdata/make_golden.py makes them", path)
		})
	}
}
