package token

import (
	"slices"
	"testing"
)

// Sums that differ by less than a float32 tells are equal in the sentencepiece
// library, and the split that was met first stays.
func TestUnigramSums(t *testing.T) {
	pieces := []piece{{text: "<unk>"}, {text: "a", score: -1 << 24}, {text: "b", score: 0.5}, {text: "ab", score: -1 << 24}}
	for _, c := range []struct {
		single bool
		want   []int32
	}{{true, []int32{3}}, {false, []int32{1, 2}}} {
		u, err := newUnigram(pieces, 0, false)
		if err != nil {
			t.Fatal(err)
		}
		u.single = c.single
		if got := u.append(nil, "ab", new(scratch)); !slices.Equal(got, c.want) {
			t.Errorf("single %v: ids %v, want %v", c.single, got, c.want)
		}
	}
}
