package scan

import (
	"context"
	"math"
	"slices"
	"testing"

	"github.com/clipdb/clipdb/index"
	"github.com/clipdb/clipdb/index/indextest/cliplike"
)

// drifting adds few vectors, and then many more of another cloud, and returns
// the index with the vectors of the other cloud, by slot from few on.
func drifting(t *testing.T, p index.Params, few, many int, vectors index.Vectors, forget func(index.Slot)) (*Index, [][]float32) {
	t.Helper()
	p.Vectors = vectors
	x, err := New(p)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = x.Close() })
	a, b := cloud(p.Dim, few, 1), cloud(p.Dim, many, 2)
	all := append(slices.Clone(a), b...)
	slots := make([]index.Slot, len(all))
	for i := range slots {
		slots[i] = index.Slot(i)
		if k, ok := vectors.(known); ok {
			k[slots[i]] = all[i]
		}
	}
	add := func(from, to int) {
		if err := x.Add(context.Background(), slots[from:to], all[from:to]); err != nil {
			t.Fatal(err)
		}
	}
	add(0, few)
	if forget != nil {
		forget(slots[0])
	}
	for at := few; at < len(all); at += 100 {
		add(at, min(at+100, len(all)))
	}
	return x, b
}

func cloud(dim, n int, seed uint64) [][]float32 {
	return cliplike.New(cliplike.Config{N: n, Dim: dim, Latent: 32, Seed: seed}).Images()
}

type known map[index.Slot][]float32

func (k known) Vector(slot index.Slot, dst []float32) ([]float32, bool) {
	v, ok := k[slot]
	return append(dst[:0], v...), ok
}

// offMean is how far the codec's mean, seen through the ruler made with it, is
// off the vectors', in their spread.
func offMean(x *Index, vectors [][]float32) float64 { return x.ruler.Drift(vectors).Mean }

func TestCodecFollowsTheData(t *testing.T) {
	const dim, few, many = 100, 100, 2500
	for name, vectors := range map[string]index.Vectors{"own": nil, "caller's": known{}} {
		x, b := drifting(t, index.Params{Dim: dim}, few, many, vectors, nil)
		fresh, err := New(index.Params{Dim: dim})
		if err != nil {
			t.Fatal(err)
		}
		defer fresh.Close()
		if err := fresh.Add(context.Background(), []index.Slot{0}, cloud(dim, few, 1)[:1]); err != nil {
			t.Fatal(err)
		}
		if now, before := offMean(x, b), offMean(fresh, b); now > before/2 || before < 2*meanDrift {
			t.Errorf("%s: the mean is off by %.2f, and without retraining by %.2f", name, now, before)
		}
		// All codes are of the present codec.
		code, want := make([]uint8, x.codec.Bytes()), make([]uint8, x.codec.Bytes())
		var row []float32
		for slot := range x.live.All {
			v, _ := x.exact(slot, &row)
			f := x.codec.Encode(want, v)
			got, ok := x.codes.Get(code, slot)
			if !ok || !slices.Equal(code, want) || math.Abs(float64(got.Mul-f.Mul)) > 1e-6 {
				t.Fatalf("%s: slot %d has the code of another codec", name, slot)
			}
		}
	}
}

// While a vector cannot be read the old codes serve, and all is found.
func TestCodecStaysWhileVectorsAreMissing(t *testing.T) {
	const dim, few, many = 100, 100, 2500
	k := known{}
	x, b := drifting(t, index.Params{Dim: dim}, few, many, k, func(s index.Slot) { delete(k, s) })
	if offMean(x, b) < 2*meanDrift {
		t.Error("codes were made anew without all vectors")
	}
	x.CodesOnly()
	for i := 0; i < many; i += 50 {
		got, err := x.Search(context.Background(), index.Query{Vector: b[i], K: 1})
		if err != nil || len(got) != 1 || got[0].Score < 0.9999 {
			t.Fatalf("vector %d: %v, %v", i, got, err)
		}
	}
	// Once the slot is gone for good, the codec follows.
	x.Delete(0)
	more := cloud(dim, 1000, 2)
	for i := range more {
		slot := index.Slot(few + many + i)
		k[slot] = more[i]
		if err := x.Add(context.Background(), []index.Slot{slot}, more[i:i+1]); err != nil {
			t.Fatal(err)
		}
	}
	if off := offMean(x, b); off > 2*meanDrift {
		t.Errorf("the mean is still off by %.2f", off)
	}
}

func TestSearchAllocatesNothing(t *testing.T) {
	const dim, n = 100, 3000
	x, err := New(index.Params{Dim: dim})
	if err != nil {
		t.Fatal(err)
	}
	defer x.Close()
	v := cloud(dim, n, 1)
	slots := make([]index.Slot, n)
	for i := range slots {
		slots[i] = index.Slot(i)
	}
	if err := x.Add(context.Background(), slots, v); err != nil {
		t.Fatal(err)
	}
	filter := index.NewBitmap(n)
	for i := range index.Slot(n / 2) {
		filter.Set(2 * i)
	}
	// Bits, factors, the copy; chunks are of 4,096 rows.
	if per := x.Stats().BytesPerVector; per < 4*dim+dim/8+8 || per > 4*dim*1.1+(128/8+8)*1.4 {
		t.Errorf("%.0f bytes a vector", per)
	}
	var dst []index.Candidate
	for _, q := range []index.Query{{K: 10}, {K: 10, Ef: 300}, {K: 10, Allow: filter}, {K: 10, Recall: 0.9}} {
		i := 0
		if got := testing.AllocsPerRun(200, func() {
			q.Vector = v[i%n]
			i += 7
			if dst, err = x.AppendSearch(context.Background(), dst[:0], q); err != nil {
				t.Fatal(err)
			}
		}); got > 0.5 && !raceDetector {
			t.Errorf("%+v: %.1f allocations a search", q, got)
		}
	}
}

func TestRefuses(t *testing.T) {
	for _, q := range []index.Quant{index.QuantInt8Only, index.QuantFloat32} {
		if _, err := New(index.Params{Dim: 8, Quant: q}); err == nil {
			t.Errorf("%v was taken", q)
		}
	}
	x, err := New(index.Params{Dim: 8, Quant: index.QuantBinary})
	if err != nil {
		t.Fatal(err)
	}
	defer x.Close()
	v := cloud(8, 1, 1)[0]
	for _, q := range []index.Query{{K: 1, Ef: -1}, {K: 1, Ef: index.MaxEf + 1}, {K: 1, Recall: 1}, {K: 1, Recall: -0.1}} {
		q.Vector = v
		if _, err := x.Search(context.Background(), q); err == nil {
			t.Errorf("%+v was taken", q)
		}
	}
}
