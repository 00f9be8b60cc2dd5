package db

import (
	"context"
	_ "embed"
	"math"
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

// cutter knows how high the scores of what is unrelated lie, which is the same
// for all queries of a side until vectors come or go. It is the way of speaker
// verification (Auckenthaler et al. 2000, "score normalization", there by the
// mean and the deviation of impostors): texts that are mostly unrelated are held against
// pictures, and what they score says what chance does.
type cutter struct {
	mu    sync.Mutex
	known [2]unrelated // by side
}

// unrelated is what was found, and in which state of the database.
type unrelated struct {
	model       string // fingerprint; "" before the first
	state       uint64
	records     int
	mean, sigma float64
}

// cutScore is the cosine that so many unrelated items are expected to reach, of
// all in the database: the scores of unrelated pairs taken for normal. It is 0
// where nothing can be said.
func (d *DB) cutScore(ctx context.Context, enc encoder.Encoder, side engine.Side, expected float64) (float32, error) {
	s, err := d.eng.Sample(ctx, cutSample)
	if err != nil || len(s.Vectors) < 2 {
		return 0, err
	}
	u, err := d.unrelated(ctx, enc, side, s)
	if err != nil {
		return 0, err
	}
	share := expected / float64(s.Records)
	if share >= 0.5 || u.sigma == 0 {
		return 0, nil
	}
	return float32(u.mean + math.Sqrt2*math.Erfinv(1-2*share)*u.sigma), nil
}

// unrelated measures a side, or remembers.
func (d *DB) unrelated(ctx context.Context, enc encoder.Encoder, side engine.Side, s engine.Sample) (unrelated, error) {
	c := &d.cutter
	c.mu.Lock()
	defer c.mu.Unlock()
	u := unrelated{model: d.eng.Spec().Fingerprint + " ", state: s.State, records: s.Records}
	known := &c.known[0]
	texts := side == engine.SideText && enc != nil
	if texts {
		known = &c.known[1]
	}
	if known.model == u.model && known.state == u.state && known.records == u.records {
		return *known, nil
	}
	cohort := s.Vectors
	if texts {
		var err error
		words := strings.Split(strings.TrimSpace(cohortFile), "\n")
		if cohort, err = d.labels(ctx, enc, words, []string{"{}"}); err != nil {
			return u, err
		}
	}
	n := 0
	var sum, squares float64
	for i, a := range cohort {
		if err := ctx.Err(); err != nil {
			return u, err
		}
		for j, b := range s.Vectors {
			if !texts && i == j {
				continue // a picture is related to itself
			}
			x := float64(dot(a, b))
			sum, squares, n = sum+x, squares+x*x, n+1
		}
	}
	u.mean = sum / float64(n)
	u.sigma = math.Sqrt(max(squares/float64(n)-u.mean*u.mean, 0))
	*known = u
	return u, nil
}
