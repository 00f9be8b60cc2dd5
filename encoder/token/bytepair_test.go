package token_test

import (
	"os"
	"slices"
	"testing"

	"github.com/clipdb/clipdb/encoder/token"
)

func openAI(t testing.TB) *token.BytePair {
	t.Helper()
	f, err := os.Open(sharedFile(t, "fixtures", "clip", "bpe_simple_vocab_16e6.txt.gz"))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	b, err := token.NewBytePair(f)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// TestBytePairOpenAI compares with the ids that OpenAI's own tokenizer gave
// for 1,000 captions and 40 odd strings.
func TestBytePairOpenAI(t *testing.T) {
	b := openAI(t)
	if b.Size() != 49408 {
		t.Fatalf("%d ids, want 49408", b.Size())
	}
	equal, total := 0, 0
	for _, name := range []string{"openai_tokens_captions.jsonl", "openai_tokens_edge.jsonl"} {
		for _, l := range readLines(t, sharedFile(t, "fixtures", "clip", name)) {
			total++
			if got := b.Encode(l.Text, 0); slices.Equal(got, l.IDs) {
				equal++
			} else {
				t.Errorf("%q:\n got %v\nwant %v", l.Text, got, l.IDs)
			}
		}
	}
	t.Logf("%d of %d lines equal", equal, total)
	if total != 1040 {
		t.Errorf("%d lines, want 1040", total)
	}
}
