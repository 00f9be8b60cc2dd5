package encodertest

import (
	"context"
	"errors"
	"image"
	"sync"
	"testing"
	"time"

	"github.com/clipdb/clipdb/encoder"
)

// patience is how long a call may take on a slow, busy machine before it
// counts as hung.
const patience = 2 * time.Minute

// within fails the test when run does not return.
func within(t *testing.T, what string, run func()) {
	t.Helper()
	done := make(chan struct{})
	go func() {
		defer close(done)
		run()
	}()
	select {
	case <-done:
	case <-time.After(patience):
		t.Fatalf("%s: still busy after %v", what, patience)
	}
}

// testConcurrent asks from many goroutines at once, texts and images mixed:
// everyone gets the answers to his own questions.
func testConcurrent(t *testing.T, e encoder.Encoder) {
	words, pictures := encodeTexts(t, e, texts...), encodeImages(t, e, scenes()...)
	within(t, "concurrent calls", func() {
		var group sync.WaitGroup
		for g := range 8 {
			group.Go(func() {
				for round := range 3 {
					i, n := (g+round)%len(texts), 1+g%3
					in := make([]string, n)
					for k := range in {
						in[k] = texts[(i+k)%len(texts)]
					}
					out, err := e.EncodeText(context.Background(), in)
					if err != nil || len(out) != n {
						t.Errorf("EncodeText: %d vectors, %v", len(out), err)
						return
					}
					for k, v := range out {
						near(t, in[k], v, words[(i+k)%len(texts)])
					}
					all := scenes()
					at := (g + round) % len(all)
					out, err = e.EncodeImages(context.Background(), []image.Image{all[at]})
					if err != nil || len(out) != 1 {
						t.Errorf("EncodeImages: %d vectors, %v", len(out), err)
						return
					}
					near(t, sceneName(at), out[0], pictures[at])
				}
			})
		}
		group.Wait()
	})
}

func testCancelled(t *testing.T, e encoder.Encoder) {
	cancelled, cancel := context.WithCancel(context.Background())
	cancel()
	late, done := context.WithDeadline(context.Background(), time.Now().Add(-time.Second))
	defer done()
	for _, c := range []struct {
		ctx  context.Context
		want error
	}{{cancelled, context.Canceled}, {late, context.DeadlineExceeded}} {
		if out, err := e.EncodeText(c.ctx, texts[:1]); !errors.Is(err, c.want) || out != nil {
			t.Errorf("EncodeText: %d vectors, %v, want %v", len(out), err, c.want)
		}
		if out, err := e.EncodeImages(c.ctx, scenes()); !errors.Is(err, c.want) || out != nil {
			t.Errorf("EncodeImages: %d vectors, %v, want %v", len(out), err, c.want)
		}
	}
}

// testCancelledOnTheWay ends contexts while calls wait or run: each call gives
// all its vectors or the context's error, and the encoder works on.
func testCancelledOnTheWay(t *testing.T, e encoder.Encoder) {
	within(t, "cancelled calls", func() {
		var group sync.WaitGroup
		for i := range 12 {
			group.Go(func() {
				ctx, cancel := context.WithTimeout(context.Background(), time.Duration(i)*3*time.Millisecond)
				defer cancel()
				var out [][]float32
				var err error
				want := len(texts)
				if i%2 == 0 {
					out, err = e.EncodeText(ctx, texts)
				} else {
					all := append(scenes(), scenes()...)
					want = len(all)
					out, err = e.EncodeImages(ctx, all)
				}
				switch {
				case err == nil && len(out) != want:
					t.Errorf("%d vectors of %d without an error", len(out), want)
				case err != nil && (!errors.Is(err, context.DeadlineExceeded) || out != nil):
					t.Errorf("%d vectors, %v", len(out), err)
				}
			})
		}
		group.Wait()
	})
	for i, v := range encodeTexts(t, e, texts...) {
		unit(t, texts[i], e, v)
	}
	for i, v := range encodeImages(t, e, scenes()...) {
		unit(t, sceneName(i), e, v)
	}
}

func testClose(t *testing.T, open Open) {
	e := open(t)
	before := e.Model()
	encodeTexts(t, e, texts[0])
	for i := range 2 {
		if err := e.Close(); err != nil {
			t.Errorf("Close number %d: %v", i+1, err)
		}
	}
	ctx := context.Background()
	if out, err := e.EncodeText(ctx, texts[:1]); !errors.Is(err, encoder.ErrClosed) || out != nil {
		t.Errorf("EncodeText after Close: %d vectors, %v", len(out), err)
	}
	if out, err := e.EncodeImages(ctx, scenes()[:1]); !errors.Is(err, encoder.ErrClosed) || out != nil {
		t.Errorf("EncodeImages after Close: %d vectors, %v", len(out), err)
	}
	if after := e.Model(); after.Fingerprint != before.Fingerprint {
		t.Errorf("Model after Close: %+v", after)
	}
	// Never used, only closed.
	if err := open(t).Close(); err != nil {
		t.Errorf("Close of an encoder that never worked: %v", err)
	}
	// A new one works although others were closed.
	again := open(t)
	unit(t, "an encoder opened after a Close", again, encodeTexts(t, again, texts[0])[0])
	if err := again.Close(); err != nil {
		t.Error(err)
	}
}

// testCloseDuringCalls closes while others ask: every call ends, with all its
// vectors or with ErrClosed.
func testCloseDuringCalls(t *testing.T, open Open) {
	e := open(t)
	encodeTexts(t, e, texts[0]) // loaded by now
	within(t, "Close during calls", func() {
		var group sync.WaitGroup
		for i := range 8 {
			group.Go(func() {
				for range 50 {
					var out [][]float32
					var err error
					want := 2
					if i%4 != 0 {
						out, err = e.EncodeText(context.Background(), texts[:want])
					} else {
						out, err = e.EncodeImages(context.Background(), scenes()[:want])
					}
					if errors.Is(err, encoder.ErrClosed) && out == nil {
						return
					}
					if err != nil || len(out) != want {
						t.Errorf("%d vectors, %v", len(out), err)
						return
					}
				}
			})
		}
		time.Sleep(10 * time.Millisecond)
		var closers sync.WaitGroup
		for range 3 {
			closers.Go(func() {
				if err := e.Close(); err != nil {
					t.Errorf("Close: %v", err)
				}
			})
		}
		closers.Wait()
		group.Wait()
	})
}
