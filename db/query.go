package db

import (
	"image"
	"io"
	"slices"
)

// Query says what to look for: one text, picture, stored item or vector, or a
// weighted sum of several.
//
//	db.Text("horse").Plus(2, db.Image(r)).Minus(0.5, db.Text("fence"))
//
// Every part becomes a unit vector, the sum of the weighted parts is scaled
// to unit length, and matches are those nearest to it. Queries are values:
// Plus and Minus return new ones. A query with Image reads its reader and so
// serves one search.
type Query struct {
	parts []part
}

type partKind uint8

const (
	partText partKind = iota
	partImage
	partLike
	partVector
	partKeywords
)

type part struct {
	kind   partKind
	weight float64
	text   string // text, or id of the stored item
	image  io.Reader
	pixels image.Image // what image held, once it was read
	vector []float32
}

// Text looks for pictures that show what the words say.
func Text(text string) Query { return Query{[]part{{kind: partText, weight: 1, text: text}}} }

// Image looks for pictures like the one that r holds.
func Image(r io.Reader) Query { return Query{[]part{{kind: partImage, weight: 1, image: r}}} }

// Like looks for items like the stored one, which is itself left out of the
// answer.
func Like(id string) Query { return Query{[]part{{kind: partLike, weight: 1, text: id}}} }

// Vector looks for items near the caller's own vector, of any length but
// zero.
func Vector(v []float32) Query {
	return Query{[]part{{kind: partVector, weight: 1, vector: slices.Clone(v)}}}
}

// Keywords looks for items whose captions hold the words, best fit by BM25
// first. It asks no model, and so works without ONNX Runtime and for the
// caller's own vectors. It cannot be added to other parts: Hybrid ranks by
// words and vectors together.
func Keywords(text string) Query {
	return Query{[]part{{kind: partKeywords, weight: 1, text: text}}}
}

// Plus returns q with other added, weight times as strong.
func (q Query) Plus(weight float64, other Query) Query {
	parts := slices.Clone(q.parts)
	for _, p := range other.parts {
		p.weight *= weight
		parts = append(parts, p)
	}
	return Query{parts}
}

// Minus returns q pushed away from other, weight times as strong.
func (q Query) Minus(weight float64, other Query) Query { return q.Plus(-weight, other) }

// asksModel reports whether a part needs the encoder.
func (q Query) asksModel() bool {
	return slices.ContainsFunc(q.parts, func(p part) bool { return p.kind == partText || p.kind == partImage })
}
