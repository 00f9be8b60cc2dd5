package model

import (
	_ "embed"
	"encoding/json"
	"maps"
	"slices"
	"sync"

	"github.com/clipdb/clipdb/encoder"
)

//go:embed families.json
var familiesFile []byte

var families = sync.OnceValues(func() (map[string]encoder.Card, error) {
	var cards map[string]encoder.Card
	err := json.Unmarshal(familiesFile, &cards)
	return cards, err
})

// Families returns the families that have a card, by name.
func Families() []string {
	cards, err := families()
	if err != nil {
		return nil // a test reads the embedded file
	}
	return slices.Sorted(maps.Keys(cards))
}

// FamilyCard returns what is known of every model of a family; the zero Card
// for a family that is not known.
func FamilyCard(family string) encoder.Card {
	cards, err := families()
	if err != nil {
		return encoder.Card{} // a test reads the embedded file
	}
	c, ok := cards[family]
	if !ok {
		return encoder.Card{}
	}
	c.Biases, c.Limits, c.ReadMore = slices.Clone(c.Biases), slices.Clone(c.Limits), slices.Clone(c.ReadMore)
	return c
}

// CardOf returns the card of a family with what is known of one model put in:
// its own training note, and what it is good at. Without a training note
// OfFamily is set: the weights in a folder may be anybody's.
func CardOf(family, goodAt, training, source string) encoder.Card {
	c := FamilyCard(family)
	c.OfFamily = training == "" && family != ownFamily && !c.IsZero()
	if goodAt != "" {
		c.GoodAt = goodAt
	}
	if training != "" {
		c.Training = training
	}
	c.Source = source
	return c
}

// ownFamily is that of the built-in model, whose card is its own.
const ownFamily = "clipdb-mini"

// Card says what the model is, what it learnt from and where it errs.
func (m *Manifest) Card() encoder.Card {
	return CardOf(m.Family, m.GoodAt, m.TrainingNote, m.Source)
}
