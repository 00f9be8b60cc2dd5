package db

import (
	"context"
	_ "embed"
	"math"
	"slices"
	"strings"
	"sync"

	"github.com/clipdb/clipdb/db/engine"
	"github.com/clipdb/clipdb/encoder"
)

// cohortFile holds some two hundred everyday words, a line each: texts that
// anybody might search for, most of which are not about most pictures.
//
//go:embed cohort.txt
var cohortFile string

// cutSample is how many stored vectors the cohort is held against.
const cutSample = 500

// cutStandIns is how many queries stand in for one with pictures.
const cutStandIns = 64

// cutter knows how high the scores of words and pictures lie that have nothing
// to do with each other, which is the same for all texts until vectors come or
// go. It is the way of speaker verification (Auckenthaler et al. 2000, "score
// normalization", there by the mean and the deviation of impostors): texts that are mostly
// unrelated are held against pictures, and what they score says what chance does.
type cutter struct {
	mu    sync.Mutex
	known unrelated
}

// unrelated is what was found, and in which state of the database.
type unrelated struct {
	model       string // fingerprint; "" before the first
	state       uint64
	records     int
	mean, sigma float64
}

// cutScore is the cosine with a query that so many unrelated items are expected
// to reach, of all in the database. It is 0 where nothing can be said.
func (d *DB) cutScore(ctx context.Context, enc encoder.Encoder, q Query, expected float64) (float32, error) {
	spec := d.eng.Spec()
	s, err := d.eng.Sample(ctx, cutSample)
	if err != nil || len(s.Vectors) < 2 {
		return 0, err
	}
	// Reembed may have come between.
	now, dim := d.eng.Spec(), len(s.Vectors[0])
	if now.Fingerprint != spec.Fingerprint || dim != spec.Dim || q.asksModel() && enc.Model().Dim != dim {
		return 0, &engine.MismatchError{Stored: now, Given: spec}
	}
	share := expected / float64(s.Records)
	if share >= 0.5 {
		return 0, nil
	}
	z := math.Sqrt2 * math.Erfinv(1-2*share)
	var words [][]float32
	if slices.ContainsFunc(q.parts, func(p part) bool { return p.kind == partText }) {
		list := strings.Split(strings.TrimSpace(cohortFile), "\n")
		if words, err = d.labels(ctx, enc, list, []string{"{}"}); err != nil {
			return 0, err
		}
	}
	if len(q.parts) == 1 && words != nil && q.parts[0].weight > 0 {
		u, err := d.cutter.texts(ctx, words, s, spec.Fingerprint)
		return float32(u.mean + z*u.sigma), err
	}
	return standInScore(ctx, q, words, s.Vectors, z)
}

// texts measures what words score on the sample, or remembers. Their scores are
// taken for normal.
func (c *cutter) texts(ctx context.Context, words [][]float32, s engine.Sample, fingerprint string) (unrelated, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	u := unrelated{model: fingerprint + " ", state: s.State, records: s.Records}
	if k := c.known; k.model == u.model && k.state == u.state && k.records == u.records {
		return k, nil
	}
	var m moments
	for _, a := range words {
		if err := ctx.Err(); err != nil {
			return u, err
		}
		for _, b := range s.Vectors {
			m.add(float64(dot(a, b)))
		}
	}
	u.mean, u.sigma = m.of()
	c.known = u
	return u, nil
}

// standInScore measures with queries that are made as q is, of as many parts of
// the same weights: words in the place of texts, stored vectors in that of all
// else. Pictures score high on their like, up to 1, so that Fisher's z of a
// cosine, its inverse hyperbolic tangent, is taken for normal.
func standInScore(ctx context.Context, q Query, words, stored [][]float32, z float64) (float32, error) {
	var m moments
	mix := make([]float32, len(stored[0]))
	for i := range cutStandIns {
		if err := ctx.Err(); err != nil {
			return 0, err
		}
		clear(mix)
		used := map[int]bool{}
		for j, p := range q.parts {
			from, at := words, i*7+j*31
			if p.kind != partText {
				from = stored
				used[(i*13+j*41)%len(stored)] = true
				at = i*13 + j*41
			}
			for k, x := range from[at%len(from)] {
				mix[k] += float32(p.weight) * x
			}
		}
		unit, err := engine.Unit(mix)
		if err != nil {
			continue // parts that cancel out
		}
		for k, v := range stored {
			if !used[k] {
				m.add(math.Atanh(min(max(float64(dot(unit, v)), -maxCosine), maxCosine)))
			}
		}
	}
	mean, sigma := m.of()
	if sigma == 0 {
		return 0, nil
	}
	return float32(math.Tanh(mean + z*sigma)), nil
}

// maxCosine keeps equal pictures, whose Fisher's z is infinite, from deciding all.
const maxCosine = 0.999

// moments adds up to a mean and a deviation.
type moments struct{ n, sum, squares float64 }

func (m *moments) add(x float64) { m.n, m.sum, m.squares = m.n+1, m.sum+x, m.squares+x*x }

func (m *moments) of() (mean, sigma float64) {
	if m.n == 0 {
		return 0, 0
	}
	mean = m.sum / m.n
	return mean, math.Sqrt(max(m.squares/m.n-mean*mean, 0))
}
