package onnx

import (
	"context"
	"fmt"
	"slices"
	"unicode/utf8"

	"github.com/clipdb/clipdb/encoder"
	"github.com/clipdb/clipdb/encoder/model"
	"github.com/clipdb/clipdb/encoder/token"
)

// MaxTextBytes is the longest text that EncodeText takes. Whatever a tower's
// context holds is far shorter; longer input is a mistake.
const MaxTextBytes = 64 << 10

// EncodeText implements encoder.Encoder.
func (e *Encoder) EncodeText(ctx context.Context, texts []string) ([][]float32, error) {
	if err := e.enter(); err != nil {
		return nil, err
	}
	defer e.inflight.Done()
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	for i, s := range texts {
		if err := checkText(s); err != nil {
			return nil, fmt.Errorf("text %d: %w", i, err)
		}
	}
	if len(texts) == 0 {
		return nil, nil
	}
	words, err := e.words(ctx)
	if err != nil {
		return nil, err
	}
	t, err := e.textTower(ctx)
	if err != nil {
		return nil, err
	}
	out := vectors(len(texts), e.manifest.Dim)
	items := make([]*item, len(texts))
	for i, s := range texts {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		ids := words.Encode(s, e.manifest.Text.ContextLength)
		real := len(ids)
		if e.manifest.Text.PadFull {
			for len(ids) < e.manifest.Text.ContextLength {
				ids = append(ids, e.manifest.Text.PadID)
			}
		}
		items[i] = &item{ids: ids, real: real, vector: out[i]}
	}
	// Texts of like length share a run, so that little of it is padding. One
	// run after the other leaves room for other callers in between.
	slices.SortStableFunc(items, func(a, b *item) int { return len(a.ids) - len(b.ids) })
	for batch := range slices.Chunk(items, batchOf(e.manifest.Text.Batch, e.opts.TextBatch)) {
		c := newCall(len(batch))
		for _, it := range batch {
			it.call = c
		}
		if err := t.lane.submit(batch...); err != nil {
			return nil, err
		}
		if err := t.lane.wait(ctx, c); err != nil {
			return nil, err
		}
	}
	return out, nil
}

// checkText refuses what no tokenizer should see.
func checkText(s string) error {
	if len(s) > MaxTextBytes {
		return fmt.Errorf("%w: %d bytes, the limit is %d", encoder.ErrBadText, len(s), MaxTextBytes)
	}
	if !utf8.ValidString(s) {
		return fmt.Errorf("%w: not UTF-8", encoder.ErrBadText)
	}
	return nil
}

// words returns the tokenizer.
func (e *Encoder) words(ctx context.Context) (token.Tokenizer, error) {
	return e.tokenizer.get(ctx, &e.inflight, func() (tk token.Tokenizer, err error) {
		defer func() {
			if p := recover(); p != nil {
				tk, err = nil, fmt.Errorf("vocabulary: %v", p)
			}
		}()
		tx := e.manifest.Text
		hashes := map[string]model.File{tx.Vocab: {Name: tx.Vocab, SHA256: tx.VocabSHA256}}
		for _, f := range e.manifest.ExtraFor("tokenizer") {
			hashes[f.Name] = f
		}
		tk, err = tx.OpenTokenizer(func(name string) ([]byte, error) {
			return read(context.Background(), e.files, hashes[name])
		})
		if err != nil {
			return nil, fmt.Errorf("vocabulary: %w", err)
		}
		return tk, nil
	})
}
