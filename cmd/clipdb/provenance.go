package main

import (
	"maps"

	"github.com/clipdb/clipdb/db"
)

// provenanceFlags say of pictures that are added where they come from.
type provenanceFlags struct {
	Source         string `name:"source" placeholder:"TEXT" help:"Where the pictures come from; kept as the attribute source."`
	Licence        string `name:"licence" placeholder:"SPDX" help:"Licence of the pictures, e.g. CC-BY-4.0."`
	Author         string `name:"author" placeholder:"NAME" help:"Whom to credit."`
	Consent        string `name:"consent" placeholder:"WORD" help:"What those shown have said: given, not-needed, unknown, withdrawn, or a word of your own."`
	ConsentUntil   string `name:"consent-until" placeholder:"TIME" help:"When consent ends; clipdb expire then erases the pictures."`
	RetentionUntil string `name:"retention-until" placeholder:"TIME" help:"Until when to keep the pictures; clipdb expire then erases them."`
}

// into adds the flags that are given to attributes.
func (f *provenanceFlags) into(attrs db.Attrs) error {
	p := db.Provenance{Source: f.Source, Licence: f.Licence, Author: f.Author, Consent: f.Consent}
	var err error
	if f.ConsentUntil != "" {
		if p.ConsentUntil, err = timeFlag("--consent-until", f.ConsentUntil); err != nil {
			return err
		}
	}
	if f.RetentionUntil != "" {
		if p.RetentionUntil, err = timeFlag("--retention-until", f.RetentionUntil); err != nil {
			return err
		}
	}
	given := p.Attrs(nil)
	for name := range given {
		if _, twice := attrs[name]; twice {
			return usagef("the attribute %q is given twice, with --attr and with a flag of its own", name)
		}
	}
	maps.Copy(attrs, given)
	// What --attr says of the reserved names has to mean something too.
	if _, err := db.ProvenanceOf(attrs); err != nil {
		return &usageError{err: err}
	}
	return nil
}
