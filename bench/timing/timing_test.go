package timing

import (
	"context"
	"errors"
	"math"
	"slices"
	"testing"
	"time"
)

// The nearest rank: the smallest value that at least p of all do not exceed.
func TestPercentile(t *testing.T) {
	for n := 1; n < 300; n++ {
		values := make([]int, n)
		for i := range values {
			values[i] = i / 2 // with ties
		}
		for _, p := range []float64{0, 0.001, 0.25, 0.5, 0.9, 0.99, 0.999, 1} {
			got := Percentile(values, p)
			want := slices.IndexFunc(values, func(v int) bool {
				below := 0
				for _, w := range values {
					if w <= v {
						below++
					}
				}
				return float64(below) >= p*float64(n)-1e-9
			})
			if got != values[want] {
				t.Fatalf("n=%d p=%v: %d, want %d", n, p, got, values[want])
			}
		}
	}
	if got := Percentile([]time.Duration(nil), 0.5); got != 0 {
		t.Errorf("of none: %v", got)
	}
}

func TestMedian(t *testing.T) {
	for _, c := range []struct {
		values []float64
		want   float64
	}{{nil, 0}, {[]float64{3}, 3}, {[]float64{9, 1}, 5}, {[]float64{5, 1, 100}, 5}, {[]float64{4, 1, 3, 2}, 2.5}} {
		in := slices.Clone(c.values)
		if got := Median(in); math.Abs(got-c.want) > 1e-12 || !slices.Equal(in, c.values) {
			t.Errorf("%v: %v, want %v", c.values, got, c.want)
		}
	}
}

func TestRun(t *testing.T) {
	for _, threads := range []int{0, 1, 4} {
		r, err := Run(context.Background(), Load{Queries: 100, Threads: threads, MinTime: 20 * time.Millisecond}, func() func(int) ([]uint32, error) {
			own := make([]uint32, 1) // used again: Run has to copy
			return func(i int) ([]uint32, error) {
				time.Sleep(50 * time.Microsecond)
				own[0] = uint32(i)
				return own, nil
			}
		})
		if err != nil {
			t.Fatal(err)
		}
		if r.Done < 100 || r.Done != len(r.Latencies) || !slices.IsSorted(r.Latencies) || r.Wall < 20*time.Millisecond {
			t.Errorf("%d threads: %d answers, %d latencies in %v", threads, r.Done, len(r.Latencies), r.Wall)
		}
		if r.Latencies[0] < 50*time.Microsecond {
			t.Errorf("a sleep of 50 µs took %v", r.Latencies[0])
		}
		if q := r.QPS(); math.Abs(q*r.Wall.Seconds()-float64(r.Done)) > 1e-6*q {
			t.Errorf("%v queries a second", q)
		}
		for i, a := range r.Answers {
			if len(a) != 1 || a[0] != uint32(i) {
				t.Fatalf("%d threads: answer %d is %v", threads, i, a)
			}
		}
	}
}

// A slow search stops at the limit; what was not asked has no answer.
func TestMaxTime(t *testing.T) {
	r, err := Run(context.Background(), Load{Queries: 1000, MaxTime: 30 * time.Millisecond}, func() func(int) ([]uint32, error) {
		return func(int) ([]uint32, error) { time.Sleep(5 * time.Millisecond); return nil, nil }
	})
	if err != nil || r.Done < 1 || r.Done > 7 {
		t.Fatalf("%+v, %v", r, err)
	}
	for i, a := range r.Answers {
		if asked := a != nil; asked != (i < r.Done) {
			t.Fatalf("answer %d of %d: %v", i, r.Done, a)
		}
	}
}

func TestFailure(t *testing.T) {
	bad := errors.New("bad")
	_, err := Run(context.Background(), Load{Queries: 50, Threads: 3}, func() func(int) ([]uint32, error) {
		return func(i int) ([]uint32, error) {
			if i == 20 {
				return nil, bad
			}
			return nil, nil
		}
	})
	if !errors.Is(err, bad) {
		t.Error(err)
	}
	if _, err := Run(context.Background(), Load{}, nil); err == nil {
		t.Error("no queries")
	}
}
