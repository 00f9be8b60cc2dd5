package truth

import (
	"bytes"
	"context"
	"errors"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/clipdb/clipdb/bench/dataset"
	"github.com/clipdb/clipdb/bench/npy"
	"github.com/clipdb/clipdb/index"
)

// The oracle: all cosines in float64, sorted.
func oracle(base npy.Matrix, q []float32, k int) []uint32 {
	type scored struct {
		id    uint32
		score float64
	}
	all := make([]scored, base.Rows)
	for i := range all {
		all[i].id = uint32(i)
		for j, x := range base.Row(i) {
			all[i].score += float64(x) * float64(q[j])
		}
	}
	slices.SortFunc(all, func(a, b scored) int {
		if a.score != b.score {
			if a.score > b.score {
				return -1
			}
			return 1
		}
		return int(a.id) - int(b.id)
	})
	var ids []uint32
	for _, s := range all[:k] {
		ids = append(ids, s.id)
	}
	return ids
}

func TestFind(t *testing.T) {
	for _, c := range []struct{ n, dim, queries, k int }{{1, 3, 2, 5}, {700, 48, 37, 10}, {130, 8, 300, 130}} {
		s := dataset.CLIPLike(c.n, c.dim, c.queries, 1, 3)
		q := s.Queries[0].Matrix
		got, err := Find(context.Background(), s.Base, q, c.k)
		if err != nil {
			t.Fatal(err)
		}
		k := min(c.k, c.n)
		if got.K != k || got.Queries() != c.queries {
			t.Fatalf("%d neighbours of %d queries", got.K, got.Queries())
		}
		var answers [][]uint32
		for i := range q.Rows {
			want := oracle(s.Base, q.Row(i), k)
			answers = append(answers, want)
			if same := got.Hits(s.Base, q.Row(i), i, want); same != k {
				t.Errorf("n=%d, query %d: %d of %d agree\n%v\n%v", c.n, i, same, k, got.Neighbours(i), want)
			}
			for j := 1; j < k; j++ {
				if got.Scores[i*k+j-1] < got.Scores[i*k+j] {
					t.Fatalf("query %d is not in order", i)
				}
			}
		}
		if r := got.Recall(s.Base, q, answers); r != 1 {
			t.Errorf("recall of the oracle is %v", r)
		}
	}
}

func TestRecall(t *testing.T) {
	// Rows 0 and 1 are equal; 2 is close; 3 is far.
	base := npy.Matrix{Rows: 4, Cols: 2, Data: []float32{1, 0, 1, 0, 0.8, 0.6, 0, 1}}
	q := npy.Matrix{Rows: 2, Cols: 2, Data: []float32{1, 0, 0, 1}}
	got, err := Find(context.Background(), base, q, 1)
	if err != nil || !slices.Equal(got.IDs, []uint32{0, 3}) {
		t.Fatalf("%v, %v", got, err)
	}
	for _, c := range []struct {
		answers [][]uint32
		want    float64
	}{
		{[][]uint32{{0}, {3}}, 1},
		{[][]uint32{{1}, {3}}, 1}, // as good as row 0
		{[][]uint32{{2}, {3}}, 0.5},
		{[][]uint32{{0, 1, 1}, {3, 3}}, 1}, // no more than K count
		{[][]uint32{{}, {}}, 0},
		{[][]uint32{{99}, {3}}, 0.5},
		{[][]uint32{nil, {3}}, 1}, // not asked
		{[][]uint32{nil, nil}, 0},
		{nil, 0},
	} {
		if r := got.Recall(base, q, c.answers); r != c.want {
			t.Errorf("%v: recall %v, want %v", c.answers, r, c.want)
		}
	}
	two, err := Find(context.Background(), base, q, 2)
	if err != nil {
		t.Fatal(err)
	}
	if h := two.Hits(base, q.Row(0), 0, []uint32{0, 0}); h != 1 {
		t.Errorf("a row named twice counts %d times", h)
	}
}

func TestRefused(t *testing.T) {
	s := dataset.CLIPLike(20, 8, 2, 2, 0)
	if _, err := Find(context.Background(), s.Base, npy.Matrix{Rows: 1, Cols: 2, Data: []float32{1, 0}}, 1); !errors.Is(err, index.ErrDimension) {
		t.Errorf("another dimension: %v", err)
	}
	if _, err := Find(context.Background(), s.Base, s.Queries[0].Matrix, 0); err == nil {
		t.Error("k of 0")
	}
	ctx, stop := context.WithCancel(context.Background())
	stop()
	if _, err := Find(ctx, s.Base, s.Queries[0].Matrix, 1); !errors.Is(err, context.Canceled) {
		t.Errorf("cancelled: %v", err)
	}
}

func TestCache(t *testing.T) {
	ctx, c := context.Background(), Cache{filepath.Join(t.TempDir(), "new", "folder")}
	s := dataset.CLIPLike(200, 16, 9, 4, 1)
	q := s.Queries[0].Matrix
	find := func(q npy.Matrix, k int, kept bool) *Truth {
		t.Helper()
		got, was, err := c.Find(ctx, s.Base, q, k)
		if err != nil || was != kept {
			t.Fatalf("kept %v, want %v; %v", was, kept, err)
		}
		return got
	}
	first := find(q, 10, false)
	if again := find(q, 10, true); !slices.Equal(first.IDs, again.IDs) || !slices.Equal(first.Scores, again.Scores) || again.K != 10 {
		t.Error("what was kept differs")
	}
	find(q, 9, false)
	find(s.Queries[1].Matrix, 10, false)
	old := s.Base.Data[77]
	s.Base.Data[77] += 1e-3
	find(q, 10, false)
	s.Base.Data[77] = old
	find(q, 10, true)

	files, err := filepath.Glob(filepath.Join(c.Dir, "*"))
	if err != nil || len(files) != 4 {
		t.Fatalf("%v, %v", files, err)
	}
	for _, f := range files {
		data, err := os.ReadFile(f)
		if err != nil {
			t.Fatal(err)
		}
		data[len(data)/2] ^= 1
		if err := os.WriteFile(f, data, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	find(q, 10, false) // found anew
	find(q, 10, true)
}

func FuzzUnmarshal(f *testing.F) {
	rng := rand.New(rand.NewPCG(1, 2))
	t := &Truth{K: 3}
	for range 12 {
		t.IDs, t.Scores = append(t.IDs, rng.Uint32N(99)), append(t.Scores, rng.Float32())
	}
	f.Add(t.Marshal())
	f.Add((&Truth{K: 1}).Marshal())
	f.Add([]byte(magic + "\xff\xff\xff\xff\xff\xff\xff\xff\x00\x00\x00\x00"))
	f.Fuzz(func(t *testing.T, data []byte) {
		got, err := Unmarshal(data)
		if err != nil {
			if !errors.Is(err, ErrFormat) {
				t.Fatalf("error of another kind: %v", err)
			}
			return
		}
		if !bytes.Equal(got.Marshal(), data) {
			t.Fatal("not written as it was read")
		}
	})
}
