package keyword

import (
	"slices"
	"strings"
	"testing"
)

// The terms of captions in many languages. Fields are terms; what a query
// leaves out is in brackets.
func TestTerms(t *testing.T) {
	for _, c := range []struct {
		lang       Language
		text, want string
	}{
		{"", "Two DOGS' bones; the man's dog doesn't run", "two dog bone (the) man dog doesn run"},
		{"", "A U.S.A. flag, file_name.jpg IMG_1234 3.5 10,000 T-shirt", "(a) usa flag file name jpg img 1234 3.5 10,000 t shirt"},
		{"en", "running runs runner, ponies pony, skies", "run run runner poni poni sky"},
		{"", "½ cup", "1 2 cup"},
		{"", "Café CAFE\u0301 cafe", "cafe cafe cafe"},
		{"", "ＦＵＬＬ ｗｉｄｔｈ, ﬁne", "full width fine"},
		{"de", "Die Hunde spielen im schönen Häuschen", "(die) hund spiel (im) schon hausch"},
		{"de", "Straße STRASSE Haus Häuser Hundehütte", "strass strass haus haus hundehutt"},
		{"fr", "L’été, les chevaux couraient à l'école", "ete (le) cheval cour (a) ecol"},
		{"fr", "le cheval qu'il m'aime, un cœur", "(le) cheval (qu) (il) aim (un) coeur"},
		{"es", "Los niños corrían; las canciones y la canción", "(los) nin corri (las) cancion (y) (la) cancion"},
		{"it", "i gatti, il gatto e l'acqua", "(i) gatt (il) gatt (e) acqua"},
		{"pt", "os gatos e o gato", "(os) gat (e) (o) gat"},
		{"nl", "de honden en een hond", "(de) hond (en) (een) hond"},
		{"sv", "hundarna och en hund på ängen", "hund (och) (en) hund (pa) ang"},
		{"da", "hundene på stranden, rødgrød", "hund (pa) strand rodgrod"},
		{"no", "hundene på stranden, bjørn", "hund (pa) strand bjorn"},
		{"fi", "koirat juoksevat metsässä", "koira juoksev mets"},
		{"none", "The DOGS running по снегу", "the dogs running по снегу"},
		{"", "Красивые собаки бегут по снегу", "красив собак бегут (по) снег"},
		{"", "ёлка елка, йод, украї́нська", "елк елк йод українськ"},
		{"", "الكلاب تجري في الثلج كَلْبٌ كلب", "كلاب تجر في ثلج كلب كلب"},
		{"", "מדרסה הַכֶּלֶב", "מדרסה הכלב"},
		{"", "Ωμέγα ΣΊΣΥΦΟΣ", "ωμεγα σισυφοσ"},
		{"", "कुत्ता दौड़ रहा है", "कुत्ता दौड़ रहा है"},
		{"", "İstanbul ıssız Łódź Øre", "istanbul issiz lodz ore"},
		{"", "犬", "犬"},
		{"", "黑色的狗", "[黑] 黑色 [色] 色的 [的] 的狗 [狗]"},
		{"", "犬が走る。猫", "[犬] 犬が が走 [走] 走る 猫"},
		{"", "ｶﾒﾗ カメラ ラーメン", "カメ メラ カメ メラ ラー ーメ メン"},
		{"", "한국어 개 K팝", "[한] 한국 [국] 국어 [어] 개 k 팝"},
		{"", "สุนัขวิ่ง", "สุนั นัข ขวิ่ วิ่ง"},
		{"", "東京Tower2024年", "[東] 東京 [京] tower2024 年"},
		{"", "dog🐕 👍🏽 👍 👨‍👩‍👧 🇩🇪❤️ 1️⃣", "dog 🐕 👍 👍 👨‍👩‍👧 🇩🇪 ❤ 1"},
		{"", "the who", "the who"}, // nothing but stop words: they are what is meant
		{"", " \t\n.,;:!?-—…()", ""},
		{"", "", ""},
	} {
		var doc, query []string
		onlyStops := !strings.ContainsAny(c.want, "()")
		for _, f := range strings.Fields(c.want) {
			bare := strings.Trim(f, "()[]")
			doc = append(doc, bare)
			if f[0] != '[' && (onlyStops || f[0] != '(') {
				query = append(query, bare)
			}
		}
		a := NewAnalyzer(c.lang)
		if got := a.Document(c.text); !slices.Equal(got, doc) {
			t.Errorf("%q: the document has %q, want %q", c.text, got, doc)
		}
		if got := a.Query(c.text); !slices.Equal(got, query) {
			t.Errorf("%q: the query has %q, want %q", c.text, got, query)
		}
	}
}

func TestLanguages(t *testing.T) {
	if len(Languages()) != 11 {
		t.Errorf("languages: %v", Languages())
	}
	for _, l := range append(Languages(), "", None) {
		if err := l.Check(); err != nil {
			t.Error(err)
		}
		if l != "" && l != None && len(stopWords[l]) == 0 {
			t.Errorf("%s has no stop words", l)
		}
	}
	if err := Language("xx").Check(); err == nil || !strings.Contains(err.Error(), "sv") {
		t.Errorf("xx: %v", err)
	}
}

// FuzzAnalyzer: whatever the text, folding it twice changes nothing more, a
// query looks for nothing that the same text as a caption would not have, and
// terms are bounded.
func FuzzAnalyzer(f *testing.F) {
	for _, s := range []string{"Two dogs' l'été", "Straße ﬁ ½ ℡ ㏂", "犬が走る ｶﾞ", "한국어 각", "สุนัข ໍ", "👨‍👩‍👧🇩🇪1️⃣", "الكلب ٱ", "ї́ ё", "\xff\x00'", "ᾳ ΐ İ ŉ ſ", "ﷺ", "Ａ．Ｂ", "a'b'c''d", "\u0345\u0301", "क्षि", "\u1100\u1161\u11a8"} {
		f.Add(s)
	}
	analyzers := []*Analyzer{}
	for _, l := range append(Languages(), None) {
		analyzers = append(analyzers, NewAnalyzer(l))
	}
	f.Fuzz(func(t *testing.T, s string) {
		once := Fold(s)
		if twice := Fold(once); twice != once {
			t.Fatalf("%q folds to %q, and that to %q", s, once, twice)
		}
		for _, a := range analyzers {
			doc := map[string]bool{}
			n := 0
			for _, w := range a.Document(s) {
				doc[w] = true
				n++
				if w == "" || len(w) > 4*len(once) {
					t.Fatalf("%q has the term %q", s, w)
				}
			}
			if n > 2*len(once) {
				t.Fatalf("%q has %d terms", s, n)
			}
			for _, w := range a.Query(s) {
				if !doc[w] {
					t.Fatalf("%q: the query looks for %q, the caption has %v", s, w, doc)
				}
			}
		}
	})
}
