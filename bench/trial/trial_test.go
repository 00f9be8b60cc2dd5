package trial

import (
	"context"
	"errors"
	"slices"
	"testing"
	"time"

	"github.com/clipdb/clipdb/bench/dataset"
	"github.com/clipdb/clipdb/bench/truth"
	"github.com/clipdb/clipdb/index"
)

func TestConfig(t *testing.T) {
	for text, want := range map[string]Config{
		"hnsw":                       {Kind: "hnsw"},
		"hnsw:M=16,ef=100":           {Kind: "hnsw", M: 16, Ef: []int{100}},
		" hnsw: m=8 , efc=50, ":      {Kind: "hnsw", M: 8, EfConstruction: 50},
		"coder:M=64,ef=20/40/80":     {Kind: "coder", M: 64, Ef: []int{20, 40, 80}},
		"hnsw:quant=int8-only":       {Kind: "hnsw", Quant: index.QuantInt8Only},
		"hnsw:vectors=own,seed=7":    {Kind: "hnsw", Own: true, Seed: 7},
		"flat:vectors=caller":        {Kind: "flat"},
		"hnsw:workers=3,quant=int8,": {Kind: "hnsw", Workers: 3},
	} {
		got, err := ParseConfig(text)
		if err != nil || got.String() != want.String() || !slices.Equal(got.Ef, want.Ef) {
			t.Errorf("%q: %+v, %v", text, got, err)
		}
		if again, err := ParseConfig(got.String()); err != nil || again.String() != got.String() {
			t.Errorf("%q is written as %q and read as %+v, %v", text, got, again, err)
		}
	}
	for _, bad := range []string{"", "ivf", "hnsw:M", "hnsw:M=x", "hnsw:ef=0", "hnsw:ef=20+40", "hnsw:quant=int4", "hnsw:colour=red", "hnsw:vectors=some", "hnsw:ef=99999999"} {
		if _, err := ParseConfig(bad); !errors.Is(err, ErrConfig) {
			t.Errorf("%q: %v", bad, err)
		}
	}
	for _, bad := range []string{"hnsw:M=1", "hnsw:M=9999", "hnsw:workers=-1"} {
		if c, err := ParseConfig(bad); err != nil || !errors.Is(c.Check(), ErrConfig) {
			t.Errorf("%q: %v, %v", bad, err, c.Check())
		}
	}
}

// What Quants names can be built, and nothing else.
func TestQuants(t *testing.T) {
	for _, kind := range Kinds {
		offered := Quants(kind)
		if len(offered) == 0 {
			t.Errorf("%s offers nothing", kind)
		}
		if kind != "hnsw" {
			continue
		}
		for q := index.QuantInt8; q <= index.QuantFloat32; q++ {
			err := Config{Kind: kind, Quant: q}.Check()
			if (err == nil) != slices.Contains(offered, q) {
				t.Errorf("%v of %v: %v", q, offered, err)
			}
		}
	}
}

// Every index is built, measured and opened again.
func TestMeasure(t *testing.T) {
	ctx := context.Background()
	set := dataset.CLIPLike(1500, 32, 60, 30, 4)
	for _, q := range set.Queries {
		tr, err := truth.Find(ctx, set.Base, q.Matrix, 10)
		if err != nil {
			t.Fatal(err)
		}
		var built []*Built
		for _, text := range []string{"flat", "hnsw:M=8,ef=10/200", "hnsw:vectors=own,ef=200", "coder:ef=50", "hnsw:quant=float32,ef=200", "scan:ef=100,recall=0.95"} {
			c, err := ParseConfig(text)
			if err != nil {
				t.Fatal(err)
			}
			b, err := Build(ctx, c, set.Base)
			if err != nil {
				t.Fatal(err)
			}
			defer b.Close()
			built = append(built, b)
		}
		calls := 0
		rows, err := Measure(ctx, set, q, tr, built, Plan{K: 10, Threads: []int{1, 2}, Rounds: 2, Dir: t.TempDir()}, func(done, total int) {
			if calls++; done != calls || total != 32 {
				t.Errorf("call %d: %d of %d", calls, done, total)
			}
		})
		if err != nil || len(rows) != 16 || calls != 32 {
			t.Fatalf("%d rows, %d calls, %v", len(rows), calls, err)
		}
		for _, r := range rows {
			if r.QPS <= 0 || r.P50 <= 0 || r.P50 > r.P99 || r.P99 > r.P999 || r.BuildS <= 0 || r.OpenS <= 0 || r.BytesPerVector < 8 || r.Rounds != 2 {
				t.Errorf("%+v", r)
			}
			if r.Vectors != 1500 || r.Dim != 32 || r.Queries != q.Rows || r.K != 10 || r.Side != dataset.SideName(q.Side) {
				t.Errorf("%+v", r)
			}
			switch {
			case r.Index == "scan" && (r.Quant != "binary" || r.Recall < 0.94 || r.BytesPerVector > 60),
				r.Index == "hnsw" && r.Quant == "float32" && r.BytesPerVector < 4*32,
				r.Index == "flat" && (r.Recall != 1 || r.Ef != 0),
				r.Index == "hnsw" && r.Ef == 200 && r.Recall < 0.99,
				r.Index == "hnsw" && r.Ef == 10 && (r.Recall < 0.3 || r.M != 8),
				r.Threads != 1 && r.Threads != 2:
				t.Errorf("%+v", r)
			}
		}
		// A copy of the vectors shows in the memory.
		if own, caller := rows[6].BytesPerVector, rows[2].BytesPerVector; own < caller+100 {
			t.Errorf("own vectors take %.0f bytes, the caller's %.0f", own, caller)
		}
	}
}

func TestMeasureRefuses(t *testing.T) {
	ctx := context.Background()
	set := dataset.CLIPLike(100, 8, 5, 5, 4)
	tr, err := truth.Find(ctx, set.Base, set.Queries[0].Matrix, 3)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := Measure(ctx, set, set.Queries[0], tr, nil, Plan{K: 4}, nil); err == nil {
		t.Error("a truth of too few neighbours was taken")
	}
	ctx, stop := context.WithCancel(ctx)
	stop()
	if _, err := Build(ctx, Config{Kind: "hnsw"}, set.Base); !errors.Is(err, context.Canceled) {
		t.Errorf("cancelled: %v", err)
	}
	b, err := Build(context.Background(), Config{Kind: "flat"}, set.Base)
	if err != nil {
		t.Fatal(err)
	}
	defer b.Close()
	if _, err := Run(ctx, b.Index, set.Queries[0].Matrix, Ask{K: 3, MinTime: time.Minute}); !errors.Is(err, context.Canceled) {
		t.Errorf("cancelled: %v", err)
	}
}

func FuzzParseConfig(f *testing.F) {
	for _, s := range []string{"hnsw:M=16,ef=100", "coder:ef=1/2", "flat", "hnsw:quant=binary,vectors=own,seed=1,workers=2,efc=9"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		c, err := ParseConfig(s)
		if err != nil {
			if !errors.Is(err, ErrConfig) {
				t.Fatal(err)
			}
			return
		}
		if again, err := ParseConfig(c.String()); err != nil || again.String() != c.String() {
			t.Fatalf("%q, %q, %v", c, again, err)
		}
	})
}
