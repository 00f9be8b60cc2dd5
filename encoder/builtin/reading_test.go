package builtin

import (
	"context"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/clipdb/clipdb/encoder"
)

func TestReadText(t *testing.T) {
	enc, err := New(nil)
	if err != nil {
		t.Fatal(err)
	}
	defer enc.Close()
	var reader encoder.Reader = enc
	read := func(text string) encoder.Reading {
		t.Helper()
		r, err := reader.ReadText(context.Background(), text)
		if err != nil {
			t.Fatal(err)
		}
		return r
	}
	if r := read("a cat"); r.Tokens != 4 || r.Marks != 2 || r.Unknown != 0 || r.Cut() || r.Unread != "" || r.Context < 16 {
		t.Errorf("a cat: %+v", r)
	}
	if r := read("🐶"); r.Unknown != 1 || r.Tokens != 3 {
		t.Errorf("an emoji: %+v", r)
	}
	limit := read("").Context
	m, err := Manifest()
	if err != nil {
		t.Fatal(err)
	}
	words, err := m.Text.OpenTokenizer(func(string) ([]byte, error) { return vocabFile, nil })
	if err != nil {
		t.Fatal(err)
	}
	// What is called unread has no part in the ids, and what comes before it
	// has: with another word in the place of its last they change.
	vocabulary := strings.Fields("cat dog unbelievable house photosynthesis-like tree, Österreich кот 東京 a of")
	r := rand.New(rand.NewPCG(3, 4))
	cut := 0
	for range 300 {
		var list []string
		for range limit/3 + r.IntN(limit) {
			list = append(list, vocabulary[r.IntN(len(vocabulary))])
		}
		text := strings.Join(list, strings.Repeat(" ", 1+r.IntN(2)))
		got := read(text)
		ids := words.Encode(text, limit)
		if got.Cut() != (len(words.Encode(text, 0)) > limit) {
			t.Fatalf("%q: %+v", text, got)
		}
		if !got.Cut() {
			if got.Unread != "" {
				t.Fatalf("%q is read whole, not up to %q", text, got.Unread)
			}
			continue
		}
		cut++
		if !strings.HasSuffix(text, got.Unread) {
			t.Fatalf("%q does not end with %q", text, got.Unread)
		}
		before := strings.TrimSuffix(text, got.Unread)
		if !slices.Equal(words.Encode(before, limit), ids) {
			t.Fatalf("%q: what is unread, %q, has its part in the ids", text, got.Unread)
		}
		shorter := strings.TrimRight(before, " ")
		at := strings.LastIndex(shorter, " ")
		if last := shorter[at+1:]; strings.ContainsAny(last, "東京") {
			at = strings.LastIndexAny(shorter, "東京")
		}
		if slices.Equal(words.Encode(shorter[:at+1], limit), ids) {
			t.Fatalf("%q: %q is not read either", text, shorter[at+1:])
		}
	}
	if cut < 100 {
		t.Fatalf("%d texts were cut, too few to tell", cut)
	}
	if r := read(strings.Repeat("x", 1000)); r.Cut() || r.Unknown != 1 {
		t.Errorf("a word beyond the vocabulary: %+v", r)
	}
	if r := read(strings.Repeat("猫", 200)); !r.Cut() || r.Unread != strings.Repeat("猫", 200-(limit-2)) {
		t.Errorf("Chinese without spaces: %+v", r)
	}
}
