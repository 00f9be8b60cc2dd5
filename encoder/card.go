package encoder

import (
	"encoding/json"
	"fmt"
	"unicode/utf8"
)

// Card says in plain words what a model is, what it learnt from and where it
// errs, after Mitchell et al., "Model Cards for Model Reporting" (2019). It is
// for people: no vector depends on it.
type Card struct {
	About    string   `json:"about,omitempty"`         // what the model is
	GoodAt   string   `json:"good_at,omitempty"`       // what it is good at
	Training string   `json:"training_data,omitempty"` // what it was trained on; "not published" where nobody says
	Biases   []string `json:"biases,omitempty"`        // known biases, a sentence each
	Limits   []string `json:"limits,omitempty"`        // what it cannot do or is not meant for, a sentence each
	Source   string   `json:"source,omitempty"`        // where these weights come from
	ReadMore []string `json:"read_more,omitempty"`     // addresses of the maker's card or paper
	OfFamily bool     `json:"of_family,omitempty"`     // what is said holds for the family; the weights have no card of their own
}

// MaxCard bounds the stored form of a card, in bytes.
const MaxCard = 64 << 10

// IsZero reports whether the card says nothing.
func (c Card) IsZero() bool {
	return c.About == "" && c.GoodAt == "" && c.Training == "" && len(c.Biases) == 0 && len(c.Limits) == 0 && c.Source == "" && len(c.ReadMore) == 0
}

// String is the stored form of the card, a JSON object; "" for a card that
// says nothing or more than MaxCard bytes of it.
func (c Card) String() string {
	if c.IsZero() {
		return ""
	}
	b, err := json.Marshal(c)
	if err != nil || len(b) > MaxCard {
		return ""
	}
	return string(b)
}

// ParseCard reads the stored form of a card; "" is the zero Card.
func ParseCard(s string) (Card, error) {
	var c Card
	if s == "" {
		return c, nil
	}
	if len(s) > MaxCard || !utf8.ValidString(s) {
		return c, fmt.Errorf("model card of %d bytes cannot be read (at most %d, UTF-8)", len(s), MaxCard)
	}
	if err := json.Unmarshal([]byte(s), &c); err != nil {
		return Card{}, fmt.Errorf("model card cannot be read: %w", err)
	}
	return c, nil
}
