package encoder_test

import (
	"errors"
	"reflect"
	"strings"
	"testing"

	"github.com/clipdb/clipdb/encoder"
)

func TestCard(t *testing.T) {
	c := encoder.Card{About: "a", GoodAt: "b", Training: "c", Biases: []string{"d"}, Limits: []string{"e", "f"}, Source: "g", ReadMore: []string{"h"}, OfFamily: true}
	if got, err := encoder.ParseCard(c.String()); err != nil || !reflect.DeepEqual(got, c) {
		t.Errorf("got %+v, %v", got, err)
	}
	if s := (encoder.Card{}).String(); s != "" {
		t.Errorf("nothing is stored as %q", s)
	}
	if s := (encoder.Card{About: strings.Repeat("x", encoder.MaxCard)}).String(); s != "" {
		t.Errorf("a card beyond the limit is stored in %d bytes", len(s))
	}
	for _, bad := range []string{"{", "[]", "\xff", strings.Repeat(" ", encoder.MaxCard) + "{}"} {
		if _, err := encoder.ParseCard(bad); err == nil {
			t.Errorf("%.20q is read", bad)
		}
	}
}

func FuzzParseCard(f *testing.F) {
	f.Add(`{"about":"x","biases":["y"]}`)
	f.Add("")
	f.Fuzz(func(t *testing.T, s string) {
		c, err := encoder.ParseCard(s)
		if err != nil {
			return
		}
		if again, err := encoder.ParseCard(c.String()); err != nil && c.String() != "" || again.String() != c.String() {
			t.Errorf("%q becomes %q, then %q: %v", s, c.String(), again.String(), err)
		}
	})
}

func TestCheckLicence(t *testing.T) {
	for _, c := range []struct {
		allowed []string
		licence string
		ok      bool
	}{
		{nil, "anything", true}, {nil, "", true}, {[]string{"MIT"}, "MIT", true}, {[]string{"mit", " apache-2.0 "}, "Apache-2.0", true},
		{[]string{"MIT"}, "MIT-0", false}, {[]string{"MIT"}, "", false}, {[]string{"unknown"}, "", true}, {[]string{"MIT"}, "MIT OR Apache-2.0", false},
	} {
		err := encoder.CheckLicence(c.allowed, "m", c.licence)
		if c.ok != (err == nil) || err != nil && !errors.Is(err, encoder.ErrLicence) {
			t.Errorf("%v, %q: %v", c.allowed, c.licence, err)
		}
	}
}
