package token

import "testing"

// What ftfy 6.3.1's fix_text gives.
func TestMend(t *testing.T) {
	for in, want := range map[string]string{
		"plain text": "plain text", "“x” ‘y’": `"x" 'y'`, "ﬁ ﬅ": "fi ſt", "ŉ": "'n", "Ǆ": "DŽ", "ｶﾞ ﾊﾞ": "ガ バ", "￦": "₩",
		"\u2028": "\n", "a\r\nb\rc": "a\nb\nc", "㌀": "㌀", "cafe\u0301": "café", "x\u200by\u00ad": "x\u200by\u00ad", "ｆｕｌｌ　１２": "full 12",
		"a\x00b": "ab", "a\x0cb": "a\x0cb",
	} {
		if got := mend(in); got != want {
			t.Errorf("%q: %q, want %q", in, got, want)
		}
	}
}
