// github.com/coder/hnsw needs renameio, which has no Windows build.

//go:build !windows

package coder

import (
	"context"
	"errors"
	"testing"

	"github.com/clipdb/clipdb/index"
	"github.com/clipdb/clipdb/index/indextest"
	"github.com/clipdb/clipdb/index/indextest/cliplike"
)

// What is asked of recall here is little: the library gives no more. All else
// the adapter makes good.
func TestConformance(t *testing.T) {
	indextest.Run(t, func(p index.Params) (index.Index, error) { return New(p) }, indextest.Options{Recall: 0.2, Scale: 3, Random: true})
}

// A library that panics is found out, built anew, and searches answer.
func TestPanicIsNoPanic(t *testing.T) {
	x, err := New(index.Params{Dim: 64})
	if err != nil {
		t.Fatal(err)
	}
	v := cliplike.New(cliplike.Config{N: 500, Dim: 64}).Images()
	slots := make([]index.Slot, len(v))
	for i := range slots {
		slots[i] = index.Slot(i)
	}
	if err := x.Add(context.Background(), slots, v); err != nil {
		t.Fatal(err)
	}
	q := index.Query{Vector: v[3], K: 5}
	x.graph.Distance = func(a, b []float32) float32 { panic("as it does") }
	got, err := x.Search(context.Background(), q)
	if err != nil || len(got) != 5 || got[0].Slot != 3 {
		t.Fatalf("Search: %v, %v", got, err)
	}
	if got, err = x.Search(context.Background(), q); err != nil || len(got) != 5 {
		t.Fatalf("Search after the rebuild: %v, %v", got, err)
	}
	if err := guard(func() { panic("once more") }); !errors.Is(err, ErrLibrary) {
		t.Errorf("a panic became %v", err)
	}
}
