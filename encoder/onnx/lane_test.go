package onnx

import (
	"context"
	"errors"
	"math"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/clipdb/clipdb/encoder"
)

// script is an executor whose runs the test lets through one by one. The
// vector of an item is (its first id, 1), before normalisation.
type script struct {
	enter, leave chan struct{}
	mu           sync.Mutex
	batches      [][]int32
	terminated   int
	resumed      int
	fail         func(batch []*item) ([]float32, error) // may be nil
	closed       bool
}

func newScript() *script {
	return &script{enter: make(chan struct{}, 100), leave: make(chan struct{}, 100)}
}

func (s *script) run(batch []*item) ([]float32, error) {
	var ids []int32
	var rows []float32
	for _, it := range batch {
		ids = append(ids, it.ids[0])
		rows = append(rows, float32(it.ids[0]), 1)
	}
	s.mu.Lock()
	s.batches = append(s.batches, ids)
	s.mu.Unlock()
	s.enter <- struct{}{}
	<-s.leave
	if s.fail != nil {
		return s.fail(batch)
	}
	return rows, nil
}

func (s *script) terminate() { s.mu.Lock(); s.terminated++; s.mu.Unlock() }
func (s *script) resume()    { s.mu.Lock(); s.resumed++; s.mu.Unlock() }
func (s *script) close()     { s.closed = true }

// ask submits ids as one call.
func ask(t *testing.T, l *lane, ids ...int32) (*call, [][]float32) {
	t.Helper()
	c, out := newCall(len(ids)), vectors(len(ids), 2)
	var items []*item
	for i, id := range ids {
		items = append(items, &item{call: c, ids: []int32{id}, vector: out[i]})
	}
	if err := l.submit(items...); err != nil {
		t.Fatal(err)
	}
	return c, out
}

// wantVector checks the vector that script gives for id.
func wantVector(t *testing.T, got []float32, id int32) {
	t.Helper()
	n := math.Hypot(float64(id), 1)
	if math.Abs(float64(got[0])-float64(id)/n) > 1e-6 || math.Abs(float64(got[1])-1/n) > 1e-6 {
		t.Errorf("vector of %d is %v", id, got)
	}
}

func TestLaneBatchesWhatComesMeanwhile(t *testing.T) {
	s := newScript()
	l := newLane(s, 4)
	a, outA := ask(t, l, 1)
	<-s.enter // the first run is under way, alone
	b, outB := ask(t, l, 2, 3)
	c, outC := ask(t, l, 4, 5, 6)
	for range 3 {
		s.leave <- struct{}{}
	}
	for _, c := range []*call{a, b, c} {
		if err := l.wait(context.Background(), c); err != nil {
			t.Fatal(err)
		}
	}
	wantVector(t, outA[0], 1)
	for i, v := range slices.Concat(outB, outC) {
		wantVector(t, v, int32(i+2))
	}
	l.close()
	if !s.closed {
		t.Error("the tower was not closed")
	}
	if want := [][]int32{{1}, {2, 3, 4, 5}, {6}}; !slices.EqualFunc(s.batches, want, slices.Equal) {
		t.Errorf("batches %v, want %v", s.batches, want)
	}
}

func TestLaneAbandon(t *testing.T) {
	s := newScript()
	l := newLane(s, 2)
	defer l.close()
	ctx, cancel := context.WithCancel(context.Background())
	running, _ := ask(t, l, 1)
	<-s.enter
	kept, out := ask(t, l, 2)
	queued, _ := ask(t, l, 3, 4)
	cancel()
	if err := l.wait(ctx, queued); !errors.Is(err, context.Canceled) {
		t.Errorf("call in the queue: %v", err)
	}
	if err := l.wait(ctx, running); !errors.Is(err, context.Canceled) {
		t.Errorf("running call: %v", err)
	}
	s.leave <- struct{}{}
	s.leave <- struct{}{}
	if err := l.wait(context.Background(), kept); err != nil {
		t.Fatal(err)
	}
	wantVector(t, out[0], 2)
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.terminated != 1 || s.resumed != 1 {
		t.Errorf("terminated %d times, resumed %d, want 1 and 1", s.terminated, s.resumed)
	}
	if want := [][]int32{{1}, {2}}; !slices.EqualFunc(s.batches, want, slices.Equal) {
		t.Errorf("batches %v, want %v: items of a call that gave up must not run", s.batches, want)
	}
}

func TestLaneSharedRunGoesOn(t *testing.T) {
	s := newScript()
	l := newLane(s, 4)
	defer l.close()
	first, _ := ask(t, l, 9)
	<-s.enter
	a, _ := ask(t, l, 1)
	b, out := ask(t, l, 2)
	s.leave <- struct{}{}
	<-s.enter // a and b run together
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	if err := l.wait(ctx, a); !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
	s.leave <- struct{}{}
	for _, c := range []*call{first, b} {
		if err := l.wait(context.Background(), c); err != nil {
			t.Fatal(err)
		}
	}
	wantVector(t, out[0], 2)
	if s.terminated != 0 {
		t.Error("a run was terminated that somebody waited for")
	}
}

func TestLaneFailures(t *testing.T) {
	boom := errors.New("boom")
	for name, c := range map[string]struct {
		fail func([]*item) ([]float32, error)
		want string
	}{
		"error": {func([]*item) ([]float32, error) { return nil, boom }, "boom"},
		"panic": {func([]*item) ([]float32, error) { panic("out of order") }, "out of order"},
		"zero":  {func([]*item) ([]float32, error) { return []float32{0, 0}, nil }, "without direction"},
		"nan":   {func([]*item) ([]float32, error) { return []float32{float32(math.NaN()), 0}, nil }, "without direction"},
		"short": {func([]*item) ([]float32, error) { return nil, nil }, "without direction"},
	} {
		t.Run(name, func(t *testing.T) {
			s := newScript()
			s.fail = c.fail
			l := newLane(s, 4)
			defer l.close()
			for range 2 { // the lane survives
				call, _ := ask(t, l, 1)
				s.leave <- struct{}{}
				err := l.wait(context.Background(), call)
				if err == nil || !strings.Contains(err.Error(), c.want) {
					t.Errorf("got %v, want %q", err, c.want)
				}
			}
		})
	}
}

func TestLaneCloseAnswersTheQueue(t *testing.T) {
	s := newScript()
	l := newLane(s, 1)
	a, _ := ask(t, l, 1, 2, 3)
	<-s.enter
	closed := make(chan struct{})
	go func() { l.close(); close(closed) }()
	select {
	case <-closed:
		t.Fatal("closed with items in the queue")
	case <-time.After(20 * time.Millisecond):
	}
	for range 3 {
		s.leave <- struct{}{}
	}
	if err := l.wait(context.Background(), a); err != nil {
		t.Error(err)
	}
	<-closed
	l.close() // again, without harm
	if err := l.submit(&item{}); !errors.Is(err, encoder.ErrClosed) {
		t.Errorf("submit after close: %v", err)
	}
}

func TestLaneKeepsLongTextsApart(t *testing.T) {
	s := newScript()
	l := newLane(s, 8)
	defer l.close()
	first, _ := ask(t, l, 1)
	<-s.enter
	var items []*item
	c, out := newCall(6), vectors(6, 2)
	for i, n := range []int{5, 60, 6, 64, 12, 1} {
		ids := make([]int32, n)
		ids[0] = int32(n)
		items = append(items, &item{call: c, ids: ids, vector: out[i]})
	}
	if err := l.submit(items...); err != nil {
		t.Fatal(err)
	}
	for range 4 {
		s.leave <- struct{}{}
	}
	for _, c := range []*call{first, c} {
		if err := l.wait(context.Background(), c); err != nil {
			t.Fatal(err)
		}
	}
	for i, it := range items {
		wantVector(t, out[i], it.ids[0])
	}
	if want := [][]int32{{1}, {5, 6, 12}, {60, 64}, {1}}; !slices.EqualFunc(s.batches, want, slices.Equal) {
		t.Errorf("batches %v, want %v", s.batches, want)
	}
}

func TestNormalise(t *testing.T) {
	v := []float32{3e20, 4e20}
	if err := normalise(v); err != nil || math.Abs(float64(v[0])-0.6) > 1e-6 || math.Abs(float64(v[1])-0.8) > 1e-6 {
		t.Errorf("%v, %v", v, err)
	}
	if err := normalise([]float32{float32(math.Inf(1)), 1}); err == nil {
		t.Error("an infinite vector was accepted")
	}
}
