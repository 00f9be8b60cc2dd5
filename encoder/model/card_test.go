package model_test

import (
	"strings"
	"testing"

	"github.com/clipdb/clipdb/encoder"
	"github.com/clipdb/clipdb/encoder/model"
)

// Every family has a whole card, within what a database stores.
func TestFamilyCards(t *testing.T) {
	names := model.Families()
	if len(names) < 10 {
		t.Fatalf("families %v", names)
	}
	for _, name := range names {
		c := model.FamilyCard(name)
		if c.About == "" || c.GoodAt == "" || c.Training == "" || len(c.Biases) == 0 || len(c.Limits) == 0 || len(c.ReadMore) == 0 {
			t.Errorf("%s: %+v", name, c)
		}
		for _, u := range c.ReadMore {
			if !strings.HasPrefix(u, "https://") {
				t.Errorf("%s: %q is no address", name, u)
			}
		}
		if got, err := encoder.ParseCard(c.String()); err != nil || got.About != c.About {
			t.Errorf("%s: %v", name, err)
		}
		c.Biases[0] = "spoilt"
		if model.FamilyCard(name).Biases[0] == "spoilt" {
			t.Errorf("%s: cards share memory", name)
		}
	}
	if c := model.FamilyCard("nobody"); !c.IsZero() {
		t.Errorf("a family that is not known: %+v", c)
	}
	if c := model.CardOf("clip", "", "", "x"); !c.OfFamily || c.Source != "x" {
		t.Errorf("a folder's card: %+v", c)
	}
	if c := model.CardOf("clip", "cats", "my cats", "x"); c.OfFamily || c.Training != "my cats" || c.GoodAt != "cats" {
		t.Errorf("a known model's card: %+v", c)
	}
}
