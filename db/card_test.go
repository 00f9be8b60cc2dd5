package db_test

import (
	"errors"
	"reflect"
	"strings"
	"testing"

	"github.com/clipdb/clipdb/db"
	"github.com/clipdb/clipdb/db/local"
	"github.com/clipdb/clipdb/encoder"
)

// carded is a palette with licence and card.
type carded struct {
	palette
	licence string
	card    encoder.Card
}

func (c *carded) Model() encoder.Model {
	m := c.palette.Model()
	m.Licence, m.Card = c.licence, c.card
	return m
}

// A database tells the card of its model without the model, also one that was
// begun before there were cards.
func TestCard(t *testing.T) {
	card := encoder.Card{About: "a palette", Biases: []string{"sees colours alone"}, Training: "not published"}
	full := &carded{licence: "MIT", card: card}
	for name, first := range map[string]encoder.Encoder{"with a card": full, "begun without": &palette{}} {
		path := newPath(t)
		d := open(t, path, &db.Options{Encoder: first})
		gallery(t, d)
		if err := d.Close(); err != nil {
			t.Fatal(err)
		}
		d = open(t, path, &db.Options{Encoder: full})
		if _, err := d.Insert(ctx, db.Item{ID: "another", Vector: make1(paletteDim)}); err != nil {
			t.Fatal(err)
		}
		if err := d.Close(); err != nil {
			t.Fatal(err)
		}
		d = open(t, path, nil)
		got, licence, ok := d.Card()
		if !ok || licence != "MIT" || !reflect.DeepEqual(got, card) {
			t.Errorf("%s: %+v, %q, %v", name, got, licence, ok)
		}
		if err := d.Close(); err != nil {
			t.Fatal(err)
		}

		for _, o := range []db.Options{
			{AllowedLicences: []string{"Apache-2.0", "CC0-1.0"}},
			{AllowedLicences: []string{"Apache-2.0"}, Encoder: full},
			{AllowedLicences: []string{"Apache-2.0"}, Encoder: &carded{licence: "Apache-2.0"}}, // the file's own counts
		} {
			eng, err := local.Open(path, nil)
			if err != nil {
				t.Fatal(err)
			}
			if _, err := db.Open(eng, &o); !errors.Is(err, db.ErrLicence) || !strings.Contains(err.Error(), "palette is under MIT") {
				t.Errorf("%s: opened under %v: %v", name, o.AllowedLicences, err)
			}
		}
		open(t, path, &db.Options{AllowedLicences: []string{"mit"}, Encoder: full})
	}

	// An encoder is refused before there is anything in the file; the caller's
	// own vectors are nobody's model.
	eng, err := local.Open(newPath(t), nil)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := db.Open(eng, &db.Options{Encoder: &palette{}, AllowedLicences: []string{"MIT"}}); !errors.Is(err, db.ErrLicence) || !strings.Contains(err.Error(), "unknown") {
		t.Errorf("an encoder without a licence: %v", err)
	}
	path := newPath(t)
	for range 2 {
		d := open(t, path, &db.Options{AllowedLicences: []string{"MIT"}})
		if _, _, err := d.Upsert(ctx, db.Item{ID: "a", Vector: []float32{1, 2}}); err != nil {
			t.Fatal(err)
		}
		if _, _, ok := d.Card(); ok {
			t.Error("own vectors have a card")
		}
		if err := d.Close(); err != nil {
			t.Fatal(err)
		}
	}
}

func make1(dim int) []float32 {
	v := make([]float32, dim)
	v[0] = 1
	return v
}
