package db

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"slices"
	"strings"

	"github.com/clipdb/clipdb/db/engine"
	"github.com/clipdb/clipdb/encoder"
)

// captionBatch is how many captions of labels the model gets at once, between
// two looks at the context.
const captionBatch = 256

// checkLabels refuses what cannot be classified with, before anything is made
// of it.
func checkLabels(labels, templates []string) error {
	switch {
	case len(labels) == 0 || len(labels) > MaxLabels:
		return fmt.Errorf("%w: %d labels; 1 to %d are allowed", ErrQuery, len(labels), MaxLabels)
	case len(templates) > MaxTemplates:
		return fmt.Errorf("%w: %d templates; %d are allowed", ErrQuery, len(templates), MaxTemplates)
	}
	longest := 0
	for i, l := range labels {
		if strings.TrimSpace(l) == "" {
			return fmt.Errorf("%w: label %d is empty", ErrQuery, i+1)
		}
		longest = max(longest, len(l))
	}
	if longest > MaxText {
		return fmt.Errorf("%w: a label has %d bytes, %d are allowed", ErrText, longest, MaxText)
	}
	for _, t := range templates {
		places := strings.Count(t, "{}")
		if places == 0 {
			return fmt.Errorf("%w: the template %.60q has no place {} for the label", ErrQuery, t)
		}
		if n := len(t) + places*(longest-len("{}")); n > MaxText {
			return fmt.Errorf("%w: a label of %d bytes in the template %.60q makes %d bytes, %d are allowed", ErrText, longest, t, n, MaxText)
		}
	}
	return nil
}

// labels returns the unit vectors of labels: each the mean over the templates,
// none of which takes those of the model. They are kept by model, templates and
// label; their captions are not, which would drive all else from the cache. A
// call that is stopped midway leaves what it had for the next one.
func (e *embedder) labels(ctx context.Context, enc encoder.Encoder, labels, templates []string) ([][]float32, error) {
	m := enc.Model()
	if len(templates) == 0 {
		templates = m.Templates
	}
	if len(templates) == 0 {
		templates = []string{"{}"}
	}
	if err := checkLabels(labels, templates); err != nil { // the model's own may be anything
		return nil, err
	}
	// A key is the label behind a hash of the templates, which may be long.
	sum := sha256.Sum256([]byte(strings.Join(templates, "\x00")))
	prefix := hex.EncodeToString(sum[:]) + " "
	vectors := make([][]float32, 0, len(labels))
	keys := make([]string, 0, captionBatch)
	for some := range slices.Chunk(labels, max(1, captionBatch/len(templates))) {
		keys = keys[:0]
		for _, l := range some {
			keys = append(keys, prefix+strings.TrimSpace(l))
		}
		vs, err := e.labelCache.through(m.Fingerprint, keys, func(keys []string) ([][]float32, error) {
			if err := ctx.Err(); err != nil {
				return nil, err
			}
			labels := make([]string, len(keys))
			for i, k := range keys {
				labels[i] = k[len(prefix):]
			}
			return e.means(ctx, enc, labels, templates)
		})
		if err != nil {
			return nil, err
		}
		vectors = append(vectors, vs...)
	}
	return vectors, nil
}

// means asks the model for the vectors of labels.
func (e *embedder) means(ctx context.Context, enc encoder.Encoder, labels, templates []string) ([][]float32, error) {
	captions := make([]string, 0, len(labels)*len(templates))
	for _, l := range labels {
		for _, t := range templates {
			captions = append(captions, strings.ReplaceAll(t, "{}", l))
		}
	}
	vs, err := e.encodeTexts(ctx, enc, captions)
	if err != nil {
		return nil, err
	}
	means := make([][]float32, len(labels))
	for i := range means {
		mean := make([]float32, enc.Model().Dim)
		for _, v := range vs[i*len(templates) : (i+1)*len(templates)] {
			for j, x := range v {
				mean[j] += x
			}
		}
		if means[i], err = engine.Unit(mean); err != nil {
			return nil, fmt.Errorf("the captions of the label %.60q cancel each other out: %w", labels[i], err)
		}
	}
	return means, nil
}
