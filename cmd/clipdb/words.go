package main

import (
	"math"
	"strings"

	"github.com/clipdb/clipdb/db"
	"github.com/clipdb/clipdb/db/local/keyword"
)

// wordFlags say how the words of captions take part in a search.
type wordFlags struct {
	Hybrid   bool     `name:"hybrid" help:"Rank by the words of captions too, beside the pictures."`
	Weight   *float64 `name:"weight" placeholder:"W" help:"With --hybrid: share of the words in the order, from 0 (pictures alone) to 1."`
	Keywords bool     `name:"keywords" help:"Rank by the words of captions alone; needs no model."`
	Language string   `name:"language" placeholder:"LANG" help:"Language of the captions, for their word forms: da, de, en (default), es, fi, fr, it, nl, no, pt, sv, or none. Scripts other than Latin need no telling."`
}

// apply checks the flags, and returns the query for the text.
func (f *wordFlags) apply(text string, o *db.SearchOptions) (db.Query, error) {
	switch {
	case f.Hybrid && f.Keywords:
		return db.Query{}, usagef("--hybrid and --keywords exclude each other")
	case f.Weight != nil && !f.Hybrid:
		return db.Query{}, usagef("--weight goes with --hybrid")
	case f.Weight != nil && (math.IsNaN(*f.Weight) || *f.Weight < 0 || *f.Weight > 1):
		return db.Query{}, usagef("--weight is %v; it goes from 0 to 1", *f.Weight)
	case f.Language != "" && !f.Hybrid && !f.Keywords:
		return db.Query{}, usagef("--language goes with --hybrid or --keywords")
	case f.Keywords && (o.MinScore != 0 || o.Cut != 0):
		return db.Query{}, usagef("--min-score and --cut are about cosines, which --keywords does not compute")
	}
	f.Language = strings.ToLower(f.Language)
	if err := keyword.Language(f.Language).Check(); err != nil {
		return db.Query{}, usagef("--language: %v", err)
	}
	if f.Keywords {
		return db.Keywords(text), nil
	}
	if f.Hybrid && (f.Weight == nil || *f.Weight > 0) {
		o.Hybrid = &db.Hybrid{}
		if f.Weight != nil {
			o.Hybrid.Weight = *f.Weight
		}
	}
	return db.Text(text), nil
}

// shown is the score that people see.
func (q asked) shown(m db.Match) float32 {
	if q.alone {
		return m.Keyword
	}
	return m.Score
}
