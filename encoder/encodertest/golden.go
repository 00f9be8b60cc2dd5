package encodertest

import (
	"context"
	"encoding/json"
	"fmt"
	"math"
	"os"
	"slices"
	"testing"

	"github.com/clipdb/clipdb/encoder"
	"github.com/clipdb/clipdb/encoder/token"
)

// Golden is a file of texts with the ids and vectors that the framework which
// trained a model gives for them:
//
//	{"model": "clipdb-mini-1", "items": [{"text": "a dog", "ids": [2, 43, 3], "vector": [0.1, ...]}, ...]}
type Golden struct {
	Model string       `json:"model"` // Model().Name of the encoder
	Items []GoldenItem `json:"items"`
}

// GoldenItem is one text of a [Golden] file.
type GoldenItem struct {
	Text   string    `json:"text"`
	IDs    []int32   `json:"ids"`    // start and end token included, cut, not padded
	Vector []float32 `json:"vector"` // unit length, give or take the digits written
}

// maxGoldenBytes bounds what ReadGolden reads.
const maxGoldenBytes = 64 << 20

// ReadGolden reads a golden file and checks that it is whole: vectors of one
// length, of unit norm, ids and texts.
func ReadGolden(path string) (*Golden, error) {
	info, err := os.Stat(path)
	if err != nil {
		return nil, err
	}
	if info.Size() > maxGoldenBytes {
		return nil, fmt.Errorf("%s: %d bytes, limit %d", path, info.Size(), maxGoldenBytes)
	}
	data, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	var g Golden
	if err := json.Unmarshal(data, &g); err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	if g.Model == "" || len(g.Items) == 0 {
		return nil, fmt.Errorf("%s: no model or no items", path)
	}
	for i, item := range g.Items {
		norm := 0.0
		for _, v := range item.Vector {
			norm += float64(v) * float64(v)
		}
		switch {
		case len(item.IDs) == 0:
			return nil, fmt.Errorf("%s: item %d has no ids", path, i)
		case len(item.Vector) != len(g.Items[0].Vector) || !(math.Abs(math.Sqrt(norm)-1) < 1e-3):
			return nil, fmt.Errorf("%s: item %d: vector of %d components and norm %v", path, i, len(item.Vector), math.Sqrt(norm))
		}
	}
	return &g, nil
}

// Tokens holds a tokenizer against the ids of the file: every one is equal.
func (g *Golden) Tokens(t testing.TB, tok token.Tokenizer, contextLength int) {
	t.Helper()
	for _, item := range g.Items {
		if got := tok.Encode(item.Text, contextLength); !slices.Equal(got, item.IDs) {
			t.Errorf("%q:\n got %v\nwant %v", item.Text, got, item.IDs)
		}
	}
}

// Vectors holds an encoder against the vectors of the file: each cosine is at
// least the given one. 0.9999 is what the same weights in float32 reach.
func (g *Golden) Vectors(t testing.TB, e encoder.Encoder, least float64) {
	t.Helper()
	if name := e.Model().Name; name != g.Model {
		t.Fatalf("golden file of model %s, encoder of %s", g.Model, name)
	}
	in := make([]string, len(g.Items))
	for i, item := range g.Items {
		in[i] = item.Text
	}
	out, err := e.EncodeText(context.Background(), in)
	if err != nil {
		t.Fatal(err)
	}
	worst := 1.0
	for i, item := range g.Items {
		c := cosine(out[i], item.Vector)
		if !(c >= least) {
			t.Errorf("%q: cosine %.6f, want at least %v", item.Text, c, least)
		}
		worst = min(worst, c)
	}
	t.Logf("%d texts, lowest cosine %.7f", len(in), worst)
}
