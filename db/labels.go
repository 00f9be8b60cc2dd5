package db

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"strings"

	"github.com/clipdb/clipdb/db/engine"
	"github.com/clipdb/clipdb/encoder"
)

// captionBatch is how many captions of labels the model gets at once, between
// two looks at the context.
const captionBatch = 256

// labels returns the unit vectors of labels: each the mean over the templates,
// none of which takes those of the model. They are kept by model, templates and
// label; their captions are not, which would drive all else from the cache.
func (e *embedder) labels(ctx context.Context, enc encoder.Encoder, labels, templates []string) ([][]float32, error) {
	m := enc.Model()
	if len(templates) == 0 {
		templates = m.Templates
	}
	if len(templates) == 0 {
		templates = []string{"{}"}
	}
	// A key is the label behind a hash of the templates, which may be long.
	sum := sha256.Sum256([]byte(strings.Join(templates, "\x00")))
	prefix := hex.EncodeToString(sum[:]) + " "
	keys := make([]string, len(labels))
	for i, l := range labels {
		keys[i] = prefix + l
	}
	return e.labelCache.through(m.Fingerprint, keys, func(keys []string) ([][]float32, error) {
		captions := make([]string, 0, len(keys)*len(templates))
		for _, k := range keys {
			for _, t := range templates {
				captions = append(captions, strings.ReplaceAll(t, "{}", strings.TrimPrefix(k, prefix)))
			}
		}
		means := make([][]float32, len(keys))
		for i := range means {
			means[i] = make([]float32, m.Dim)
		}
		for at := 0; at < len(captions); at += captionBatch {
			if err := ctx.Err(); err != nil {
				return nil, err
			}
			vs, err := e.encodeTexts(ctx, enc, captions[at:min(at+captionBatch, len(captions))])
			if err != nil {
				return nil, err
			}
			for i, v := range vs {
				mean := means[(at+i)/len(templates)]
				for j, x := range v {
					mean[j] += x
				}
			}
		}
		for i, mean := range means {
			u, err := engine.Unit(mean)
			if err != nil {
				return nil, err // captions that cancel out to nothing
			}
			means[i] = u
		}
		return means, nil
	})
}
