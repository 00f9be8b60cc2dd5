package encoder

import (
	"slices"
	"unicode"

	"golang.org/x/text/language"
)

// scriptNames are the names that Unicode gives the scripts of living languages
// (PropertyValueAliases.txt), by their ISO 15924 codes. Japanese, Korean and
// Chinese are written in several at once.
var scriptNames = map[string][]string{
	"Adlm": {"Adlam"}, "Arab": {"Arabic"}, "Armn": {"Armenian"}, "Beng": {"Bengali"}, "Bopo": {"Bopomofo"},
	"Cans": {"Canadian_Aboriginal"}, "Cher": {"Cherokee"}, "Cyrl": {"Cyrillic"}, "Deva": {"Devanagari"},
	"Ethi": {"Ethiopic"}, "Geor": {"Georgian"}, "Grek": {"Greek"}, "Gujr": {"Gujarati"}, "Guru": {"Gurmukhi"},
	"Hang": {"Hangul"}, "Hani": {"Han"}, "Hans": {"Han"}, "Hant": {"Han", "Bopomofo"}, "Hebr": {"Hebrew"},
	"Jpan": {"Han", "Hiragana", "Katakana"}, "Khmr": {"Khmer"}, "Knda": {"Kannada"}, "Kore": {"Hangul", "Han"},
	"Laoo": {"Lao"}, "Latn": {"Latin"}, "Mlym": {"Malayalam"}, "Mong": {"Mongolian"}, "Mymr": {"Myanmar"},
	"Nkoo": {"Nko"}, "Olck": {"Ol_Chiki"}, "Orya": {"Oriya"}, "Sinh": {"Sinhala"}, "Syrc": {"Syriac"},
	"Taml": {"Tamil"}, "Telu": {"Telugu"}, "Tfng": {"Tifinagh"}, "Thaa": {"Thaana"}, "Thai": {"Thai"}, "Tibt": {"Tibetan"},
}

// Scripts returns the names of the scripts, as in unicode.Scripts, that
// languages (BCP 47 tags) are written in. It is false when they say nothing
// about scripts: there are none, one is not a language ("mul", "und"), or its
// script is not known.
func Scripts(languages []string) ([]string, bool) {
	var scripts []string
	for _, l := range languages {
		tag, err := language.Parse(l)
		base, _, _ := tag.Raw()
		if b := base.String(); err != nil || b == "und" || b == "mul" {
			return nil, false
		}
		code, sure := tag.Script()
		names, known := scriptNames[code.String()]
		if sure == language.No || !known {
			return nil, false
		}
		scripts = append(scripts, names...)
	}
	slices.Sort(scripts)
	scripts = slices.Compact(scripts)
	return scripts, len(scripts) > 0
}

// ScriptOf returns the name of the script that a letter belongs to, as in
// unicode.Scripts. What is no letter has none, and so have the few letters
// that every script shares.
func ScriptOf(r rune) string {
	switch {
	case r < unicode.MaxASCII:
		if 'a' <= r && r <= 'z' || 'A' <= r && r <= 'Z' {
			return "Latin"
		}
		return ""
	case !unicode.IsLetter(r):
		return ""
	}
	// The common ones before all others.
	for _, name := range [...]string{"Latin", "Cyrillic", "Han", "Arabic", "Hangul", "Hiragana", "Katakana", "Devanagari", "Greek"} {
		if unicode.Is(unicode.Scripts[name], r) {
			return name
		}
	}
	for name, table := range unicode.Scripts {
		if unicode.Is(table, r) {
			if name == "Common" || name == "Inherited" {
				return ""
			}
			return name
		}
	}
	return ""
}

// scriptReaders are the models, by name, whose text towers read scripts other
// than Latin; "" stands for the rest. A test holds them against the registry of
// package store.
var scriptReaders = map[string][]string{
	"Han": {"siglip2-base-patch16-224", "chinese-clip-vit-base-patch16"},
	"":    {"siglip2-base-patch16-224"},
}

// ModelsReading names models that `clipdb model pull` gets and whose text
// towers read a script: docs/models.md tells of them.
func ModelsReading(script string) []string {
	if script == "Latin" {
		return nil
	}
	if names, ok := scriptReaders[script]; ok {
		return slices.Clone(names)
	}
	return slices.Clone(scriptReaders[""])
}
