package db_test

import (
	"fmt"
	"slices"
	"sync"
	"sync/atomic"
	"testing"

	"context"

	"github.com/clipdb/clipdb/db"
)

// counted counts the texts that reach the model.
type counted struct {
	palette
	texts atomic.Int64
}

func (c *counted) EncodeText(ctx context.Context, texts []string) ([][]float32, error) {
	c.texts.Add(int64(len(texts)))
	return c.palette.EncodeText(ctx, texts)
}

func TestTextCache(t *testing.T) {
	enc := &counted{}
	d := open(t, newPath(t), &db.Options{Encoder: enc, TextCache: 4})
	for i := range 20 {
		mustInsert(t, d, crashItem(t, i))
	}
	first, err := d.SearchByText(ctx, "a red car", nil)
	if err != nil {
		t.Fatal(err)
	}
	for _, same := range []string{"a red car", "  a red car\n"} {
		again, err := d.SearchByText(ctx, same, nil)
		if err != nil || !slices.Equal(ids(again), ids(first)) {
			t.Errorf("%q again: %v, %v", same, ids(again), err)
		}
	}
	if n := enc.texts.Load(); n != 1 {
		t.Errorf("the model was asked %d times for one text", n)
	}
	// The oldest goes when there are more than fit.
	for i := range 4 {
		if _, err := d.SearchByText(ctx, fmt.Sprint("blue ", i), nil); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := d.SearchByText(ctx, "a red car", nil); err != nil || enc.texts.Load() != 6 {
		t.Errorf("%d texts reached the model, want 6: %v", enc.texts.Load(), err)
	}
	if st, err := d.Stats(ctx); err != nil || st.TextHits != 2 || st.TextMisses != 6 {
		t.Errorf("hits %d, misses %d, %v", st.TextHits, st.TextMisses, err)
	}
	// What a caller gets is its own: several at once, and classifying.
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			for i := range 20 {
				if _, err := d.SearchByText(ctx, fmt.Sprint("green ", i%6), nil); err != nil {
					t.Error(err)
				}
			}
		})
	}
	wg.Wait()
	// Another model has vectors of its own.
	if _, err := d.Reembed(ctx, newTurned(), nil); err != nil {
		t.Fatal(err)
	}
	turnedRed, err := d.SearchByText(ctx, "a red car", nil)
	if err != nil || !slices.Equal(ids(turnedRed), ids(first)) {
		t.Errorf("after the model has changed: %v, before %v, %v", ids(turnedRed), ids(first), err)
	}

	off := &counted{}
	d = open(t, newPath(t), &db.Options{Encoder: off, TextCache: -1})
	mustInsert(t, d, crashItem(t, 1))
	for range 2 {
		if _, err := d.SearchByText(ctx, "red", nil); err != nil {
			t.Fatal(err)
		}
	}
	if off.texts.Load() != 2 {
		t.Errorf("without a cache the model was asked %d times for two searches", off.texts.Load())
	}
}
