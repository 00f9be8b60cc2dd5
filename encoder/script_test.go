package encoder

import (
	"slices"
	"testing"
	"unicode"
)

func TestScripts(t *testing.T) {
	for _, c := range []struct {
		languages, want []string
	}{
		{[]string{"en"}, []string{"Latin"}},
		{[]string{"de-CH", "en-GB"}, []string{"Latin"}},
		{[]string{"zh"}, []string{"Han"}},
		{[]string{"en", "ru", "ja"}, []string{"Cyrillic", "Han", "Hiragana", "Katakana", "Latin"}},
		{[]string{"sr-Latn"}, []string{"Latin"}},
		{[]string{"zh-TW"}, []string{"Bopomofo", "Han"}},
		{nil, nil},
		{[]string{"en", "mul"}, nil},
		{[]string{"und"}, nil},
		{[]string{"multilingual"}, nil},
		{[]string{"en", "no language"}, nil},
	} {
		got, ok := Scripts(c.languages)
		if !slices.Equal(got, c.want) || ok != (c.want != nil) {
			t.Errorf("Scripts(%q) = %q, %v, want %q", c.languages, got, ok, c.want)
		}
	}
	for code, names := range scriptNames {
		for _, n := range names {
			if unicode.Scripts[n] == nil {
				t.Errorf("%s: Unicode has no script %q", code, n)
			}
		}
	}
}

func TestScriptOf(t *testing.T) {
	for r, want := range map[rune]string{
		'a': "Latin", 'Z': "Latin", 'é': "Latin", 'ﬁ': "Latin", 'Ａ': "Latin", 'к': "Cyrillic", '猫': "Han", 'ね': "Hiragana", 'ネ': "Katakana",
		'고': "Hangul", 'ق': "Arabic", 'ש': "Hebrew", 'γ': "Greek", 'น': "Thai", 'ქ': "Georgian", 'ⴰ': "Tifinagh",
		'7': "", '٣': "", ' ': "", '!': "", '。': "", '🐶': "", '\u0301': "", '\u200d': "", '\ufe0f': "", 'µ': "", '∑': "", '€': "", 'ー': "",
	} {
		if got := ScriptOf(r); got != want {
			t.Errorf("ScriptOf(%q) = %q, want %q", r, got, want)
		}
	}
}
