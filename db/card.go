package db

import (
	"cmp"

	"github.com/clipdb/clipdb/encoder"
)

// Card says what people should know of the model whose vectors the database
// holds: as its file keeps it, or, where the file does not, as the encoder of
// the same model tells it. It needs no model to be installed. False means that
// nothing is known: the vectors are the caller's own, or the file is of an
// older version.
func (d *DB) Card() (card encoder.Card, licence string, ok bool) {
	spec := d.eng.Spec()
	if d.enc() != nil && (!spec.Bound() || spec.Check(d.spec()) == nil) {
		m := d.enc().Model()
		spec.Licence, spec.Card = cmp.Or(spec.Licence, m.Licence), cmp.Or(spec.Card, m.Card.String())
	}
	card, err := encoder.ParseCard(spec.Card)
	if err != nil {
		d.opts.Logger.Warn("the card of the model in the file cannot be read", "error", err)
	}
	return card, spec.Licence, spec.Licence != "" || !card.IsZero()
}

// checkLicences compares the licences of the encoder and of the model that the
// file names with those that are allowed.
func (d *DB) checkLicences() error {
	allowed := d.opts.AllowedLicences
	if len(allowed) == 0 {
		return nil
	}
	if d.enc() != nil {
		m := d.enc().Model()
		if err := encoder.CheckLicence(allowed, m.Name, m.Licence); err != nil {
			return err
		}
	}
	spec := d.eng.Spec()
	if !spec.Bound() || spec.Own() {
		return nil
	}
	_, licence, _ := d.Card()
	return encoder.CheckLicence(allowed, spec.Model, licence)
}
