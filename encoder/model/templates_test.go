package model

import (
	"slices"
	"strings"
	"testing"
	"unicode"
)

// Every family has captions to classify with, each once and with one place for
// the label; Chinese-CLIP has Chinese ones.
func TestTemplatesOfFamilies(t *testing.T) {
	for _, family := range append(Families(), "nobody") {
		templates := Templates(family)
		if len(templates) == 0 {
			t.Errorf("%s has no templates", family)
		}
		for i, tpl := range templates {
			if strings.Count(tpl, "{}") != 1 || slices.Contains(templates[:i], tpl) {
				t.Errorf("%s: %q", family, tpl)
			}
			if han := strings.ContainsFunc(tpl, func(r rune) bool { return unicode.Is(unicode.Han, r) }); han != (family == "chinese-clip") {
				t.Errorf("%s: %q is in the wrong language", family, tpl)
			}
		}
		if templates[0] = "spoilt"; Templates(family)[0] == "spoilt" {
			t.Errorf("%s: callers share one list", family)
		}
	}
	if !slices.Equal(Templates("eva-clip"), Templates("clip")) {
		t.Error("a CLIP of another maker has captions of its own")
	}
}

// Templates and temperature of a manifest go before those of the family, are
// checked, and leave the fingerprint as it is: vectors do not depend on them.
func TestManifestTemplates(t *testing.T) {
	plain := parse(t, "", nil)
	if got := plain.Model().Templates; !slices.Equal(got, Templates(plain.Family)) {
		t.Errorf("templates %q", got)
	}
	own := parse(t, "templates", []string{"a drawing of {}", "{}"})
	if got := own.Model().Templates; !slices.Equal(got, []string{"a drawing of {}", "{}"}) || own.Fingerprint() != plain.Fingerprint() {
		t.Errorf("templates %q, fingerprint %s", got, own.Fingerprint())
	}
	warm := parse(t, "temperature", 1.5)
	if warm.Model().Temperature != 1.5 || warm.Fingerprint() != plain.Fingerprint() {
		t.Errorf("temperature %v, fingerprint %s", warm.Model().Temperature, warm.Fingerprint())
	}
}
