package db

import (
	"context"
	"errors"
	"fmt"
	"image"
	"io"
	"math"
	"slices"
	"strings"

	"github.com/clipdb/clipdb/db/engine"
	"github.com/clipdb/clipdb/encoder"
)

// DefaultK is how many matches a search returns when SearchOptions.K is zero.
const DefaultK = 10

// MaxK is the most matches that can be asked for.
const MaxK = 100_000

// SearchOptions say how to search. Nil is the zero value.
type SearchOptions struct {
	K      int    // matches wanted, at most MaxK; 0 means DefaultK
	Filter Filter // which items may match; zero means all
	Ef     int    // effort of the index: more finds more of the true nearest and takes longer; 0 takes Recall

	// Recall is the share of the K nearest that the search is to find, on
	// average: 0.95 asks for 95 of 100. The index measures about itself what
	// that takes, for texts and pictures apart. It counts when Ef is zero; zero
	// takes the database's default, and 1 is Exact.
	Recall float32

	Exact bool // compare with every item instead of asking the index

	// MinScore leaves weaker matches out; zero leaves none out. Cosines
	// between a text and a picture are low even for good matches (0.2 to 0.4
	// with most models) and differ from model to model.
	MinScore float32

	// Cut leaves out the tail of an answer that is probably not about the query
	// at all: it is how many unrelated items may be expected to come through,
	// of all in the database, such as 0.1. Something is always nearest; with
	// Cut, a search for what is not there may find nothing. The score that is
	// asked for is measured: by what everyday words score on stored pictures,
	// and stored pictures on each other, made into queries as this one is made
	// (docs/search.md has how well it does). Zero cuts nothing.
	Cut float64

	// Hybrid ranks by the words of captions too, beside the vectors; nil by
	// vectors alone.
	Hybrid *Hybrid

	WithImage     bool // fetch the original of each match
	WithThumbnail bool // fetch the thumbnail of each match
	WithVector    bool // fetch the vector of each match
}

// Match is one answer of a search.
type Match struct {
	Record
	Score float32 // cosine with the query, from -1 to 1; 0 for keywords alone

	// Of searches with keywords, else zero:
	Keyword float32 // BM25 of the caption; 0 when it has none of the words
	Fused   float32 // what the matches are ordered by
}

// SearchByText finds the pictures that show what the words say.
func (d *DB) SearchByText(ctx context.Context, text string, opts *SearchOptions) ([]Match, error) {
	return d.Search(ctx, Text(text), opts)
}

// SearchByImage finds the pictures like the one that r holds.
func (d *DB) SearchByImage(ctx context.Context, r io.Reader, opts *SearchOptions) ([]Match, error) {
	return d.Search(ctx, Image(r), opts)
}

// answer is one try of a search, with one encoder.
func (d *DB) answer(ctx context.Context, enc encoder.Encoder, q Query, o SearchOptions, words *engine.Keywords) (*Answer, error) {
	a := &Answer{}
	var r resolved
	var err error
	if !q.keywordsAlone() {
		if r, err = d.resolve(ctx, enc, q); err != nil || r.vector == nil {
			return a, err
		}
	}
	if o.Cut > 0 && !q.keywordsAlone() {
		if a.Cut, err = d.cutScore(ctx, enc, q, o.Cut); err != nil {
			return a, err
		}
	}
	hits, err := d.eng.Search(ctx, engine.Query{
		Cut:    a.Cut,
		Vector: r.vector, K: o.K + len(r.like), Filter: o.Filter, Ef: o.Ef, Recall: o.Recall, Exact: o.Exact, MinScore: o.MinScore, Side: r.side, Keywords: words, Spec: r.spec,
		Fetch: Fetch{Vector: o.WithVector, Original: o.WithImage, Thumbnail: o.WithThumbnail},
	})
	if err != nil {
		return nil, err
	}
	a.Matches = make([]Match, 0, min(o.K, len(hits)))
	for _, h := range hits {
		if !r.like[h.Record.ID] && len(a.Matches) < o.K {
			a.Matches = append(a.Matches, Match{Record: *h.Record, Score: h.Score, Keyword: h.Keyword, Fused: h.Fused})
		}
	}
	return a, nil
}

// resolved is a query as one vector.
type resolved struct {
	vector []float32 // nil when the database is empty, and so the answer
	side   engine.Side
	like   map[string]bool // stored items that the query names
	spec   engine.Spec     // of the vectors it compares with
}

// opened decodes the pictures of a query, whose readers serve once.
func (d *DB) opened(ctx context.Context, q Query) (Query, error) {
	parts := slices.Clone(q.parts)
	for i := range parts {
		if parts[i].kind != partImage {
			continue
		}
		enc := d.enc()
		err := d.usableWith(ctx, enc) // before anything is read
		for errors.Is(err, ErrModelMismatch) && d.switching(ctx, enc) {
			enc = d.enc()
			err = d.usableWith(ctx, enc)
		}
		if err != nil {
			return q, err
		}
		if parts[i].pixels, err = d.open(ctx, parts[i].image); err != nil {
			return q, err
		}
	}
	return Query{parts}, nil
}

// resolve turns a query into one unit vector.
func (d *DB) resolve(ctx context.Context, enc encoder.Encoder, q Query) (resolved, error) {
	r := resolved{like: map[string]bool{}, spec: d.eng.Spec()}
	if len(q.parts) == 0 {
		return r, fmt.Errorf("%w: it has no parts", ErrQuery)
	}
	if q.asksModel() {
		if err := d.usableWith(ctx, enc); err != nil {
			return r, err
		}
		r.spec = specOf(enc)
	}
	vectors := make([][]float32, len(q.parts))
	var texts []string
	var images []image.Image
	for i, p := range q.parts {
		if math.IsNaN(p.weight) || math.IsInf(p.weight, 0) {
			return r, fmt.Errorf("%w: a part has the weight %v", ErrQuery, p.weight)
		}
		var err error
		switch p.kind {
		case partText:
			if strings.TrimSpace(p.text) == "" {
				return r, fmt.Errorf("%w: the text is empty", ErrQuery)
			}
			texts = append(texts, p.text)
		case partImage:
			images = append(images, p.pixels)
		case partLike:
			vectors[i], err = d.stored(ctx, p.text)
			r.like[p.text] = true
		case partKeywords:
			err = fmt.Errorf("%w: Keywords stand alone; put the words into SearchOptions.Hybrid to have them beside other parts", ErrQuery)
		case partVector:
			vectors[i], err = d.ownQuery(p.vector)
		}
		if err != nil {
			return r, err
		}
	}
	if err := d.embedParts(ctx, enc, q.parts, vectors, texts, images); err != nil {
		return r, err
	}
	spec := d.eng.Spec()
	if !spec.Bound() {
		return r, nil // nothing was stored yet
	}
	if spec.Dim != len(vectors[0]) {
		// What has no items takes any model, and has no answers. Else the
		// vectors were changed for another model's since they were compared above.
		stats, err := d.eng.Stats(ctx)
		if err == nil && stats.Records > 0 {
			err = spec.Check(r.spec)
		}
		return r, err
	}
	var err error
	r.vector, r.side, err = combine(q.parts, vectors)
	return r, err
}

// embedParts fills in the vectors of texts and images, asking each tower once.
func (d *DB) embedParts(ctx context.Context, enc encoder.Encoder, parts []part, vectors [][]float32, texts []string, images []image.Image) error {
	var fromText, fromImage [][]float32
	var err error
	if len(texts) > 0 {
		if fromText, err = d.texts(ctx, enc, texts); err != nil {
			return err
		}
	}
	if len(images) > 0 {
		if fromImage, err = d.images(ctx, enc, images); err != nil {
			return err
		}
	}
	for i, p := range parts {
		switch p.kind {
		case partText:
			vectors[i], fromText = fromText[0], fromText[1:]
		case partImage:
			vectors[i], fromImage = fromImage[0], fromImage[1:]
		}
		if len(vectors[i]) != len(vectors[0]) {
			return &DimensionError{Want: len(vectors[0]), Got: len(vectors[i])}
		}
	}
	return nil
}

// stored returns the vector of an item.
func (d *DB) stored(ctx context.Context, id string) ([]float32, error) {
	rec, err := d.eng.Get(ctx, id, Fetch{Vector: true})
	if err != nil {
		return nil, err
	}
	return rec.Vector, nil
}

// ownQuery checks a vector of the caller's own.
func (d *DB) ownQuery(v []float32) ([]float32, error) {
	if spec := d.eng.Spec(); spec.Bound() && len(v) != spec.Dim {
		return nil, &DimensionError{Want: spec.Dim, Got: len(v)}
	}
	return engine.Unit(v)
}

// combine adds the weighted parts up. The side of the sum is that of the
// heavier parts.
func combine(parts []part, vectors [][]float32) ([]float32, engine.Side, error) {
	if len(parts) == 1 && parts[0].weight == 1 {
		return vectors[0], side(parts[0].kind), nil
	}
	sum := make([]float64, len(vectors[0]))
	var text, other, weight float64
	for i, p := range parts {
		for j, x := range vectors[i] {
			sum[j] += p.weight * float64(x)
		}
		weight += math.Abs(p.weight)
		if p.kind == partText {
			text += math.Abs(p.weight)
		} else {
			other += math.Abs(p.weight)
		}
	}
	var norm float64
	for _, x := range sum {
		norm += x * x
	}
	norm = math.Sqrt(norm)
	// What is left after cancelling is rounding noise below this, not a
	// direction.
	if !(norm > 1e-4*weight) || math.IsInf(norm, 0) {
		return nil, 0, fmt.Errorf("%w: the parts of the query cancel out", ErrVector)
	}
	v := make([]float32, len(sum))
	for i, x := range sum {
		v[i] = float32(x / norm)
	}
	if text > other {
		return v, engine.SideText, nil
	}
	return v, engine.SideImage, nil
}

func side(k partKind) engine.Side {
	if k == partText {
		return engine.SideText
	}
	return engine.SideImage
}
