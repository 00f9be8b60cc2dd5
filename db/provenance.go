package db

import (
	"fmt"
	"time"

	"github.com/clipdb/clipdb/db/engine"
)

// Names of the attributes that say where an item comes from and how long it
// may be kept. They are reserved for this; filters test them as any others.
const (
	AttrSource         = "source"          // string: where the picture comes from, an address or a collection
	AttrLicence        = "licence"         // string: of the picture, an SPDX identifier such as "CC-BY-4.0"
	AttrAuthor         = "author"          // string: whom to credit
	AttrConsent        = "consent"         // string: what those shown have said, see ConsentGiven
	AttrConsentUntil   = "consent_until"   // time: consent ends then
	AttrRetentionUntil = "retention_until" // time: the item is to be erased then
)

// What AttrConsent may say. Other words are kept as they are and mean nothing
// to clipdb.
const (
	ConsentGiven     = "given"
	ConsentNotNeeded = "not-needed" // nobody is shown, or there is another legal ground
	ConsentUnknown   = "unknown"
	ConsentWithdrawn = "withdrawn" // Expire erases the item
)

// Provenance says where an item comes from and how long it may be kept. Empty
// fields and zero times are not stored.
type Provenance struct {
	Source         string
	Licence        string
	Author         string
	Consent        string
	ConsentUntil   time.Time
	RetentionUntil time.Time
}

// Attrs returns a with the provenance put in, as a new map. Fields that are
// empty leave what a has.
func (p Provenance) Attrs(a Attrs) Attrs {
	a = a.Clone()
	if a == nil {
		a = Attrs{}
	}
	for name, s := range map[string]string{AttrSource: p.Source, AttrLicence: p.Licence, AttrAuthor: p.Author, AttrConsent: p.Consent} {
		if s != "" {
			a[name] = engine.String(s)
		}
	}
	for name, t := range map[string]time.Time{AttrConsentUntil: p.ConsentUntil, AttrRetentionUntil: p.RetentionUntil} {
		if !t.IsZero() {
			a[name] = engine.Time(t)
		}
	}
	return a
}

// ProvenanceOf reads the provenance out of attributes. It returns
// ErrProvenance, naming the attribute, for one of another type; the other
// fields are filled all the same.
func ProvenanceOf(a Attrs) (Provenance, error) {
	var p Provenance
	var bad error
	for name, into := range map[string]*string{AttrSource: &p.Source, AttrLicence: &p.Licence, AttrAuthor: &p.Author, AttrConsent: &p.Consent} {
		if v, ok := a[name]; ok {
			if *into, ok = v.AsString(); !ok {
				bad = wrongType(name, v, "a string")
			}
		}
	}
	for name, into := range map[string]*time.Time{AttrConsentUntil: &p.ConsentUntil, AttrRetentionUntil: &p.RetentionUntil} {
		if v, ok := a[name]; ok {
			if *into, ok = v.AsTime(); !ok {
				bad = wrongType(name, v, "a time")
			}
		}
	}
	return p, bad
}

func wrongType(name string, v Value, want string) error {
	return fmt.Errorf("%w: the attribute %s is a %v, it must be %s", ErrProvenance, name, v.Kind(), want)
}

// checkProvenance refuses what Expire would pass over in silence: ends that
// are no times, and a consent that is no string.
func checkProvenance(a Attrs) error {
	for _, name := range []string{AttrConsentUntil, AttrRetentionUntil} {
		if v, ok := a[name]; ok && v.Kind() != engine.KindTime {
			return wrongType(name, v, "a time")
		}
	}
	if v, ok := a[AttrConsent]; ok && v.Kind() != engine.KindString {
		return wrongType(AttrConsent, v, "a string")
	}
	return nil
}
