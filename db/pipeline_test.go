package db_test

import (
	"context"
	"errors"
	"fmt"
	"image"
	"image/color"
	"path/filepath"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/clipdb/clipdb/db"
	"github.com/clipdb/clipdb/encoder"
)

// sampled is the palette with its work on pixels done ahead: a tensor is 32 x
// 32 colours. It refuses groups with a black picture.
type sampled struct {
	palette
	enter    func() // called by each EncodeTensors
	prepared atomic.Int64
}

const sampledBytes = 4 * 3 * 32 * 32

var errBlack = errors.New("too dark")

func (s *sampled) PrepareImage(img image.Image) ([]float32, error) {
	s.prepared.Add(1)
	tensor := make([]float32, 0, sampledBytes/4)
	b := img.Bounds()
	for i := range 32 * 32 {
		c := color.RGBAModel.Convert(img.At(b.Min.X+i%32*b.Dx()/32, b.Min.Y+i/32*b.Dy()/32)).(color.RGBA)
		tensor = append(tensor, float32(c.R), float32(c.G), float32(c.B))
	}
	return tensor, nil
}

func (s *sampled) EncodeTensors(ctx context.Context, tensors [][]float32) ([][]float32, error) {
	if err := s.ready(ctx); err != nil {
		return nil, err
	}
	if s.enter != nil {
		s.enter()
	}
	out := make([][]float32, len(tensors))
	for i, t := range tensors {
		v := make([]float64, paletteDim)
		for p := range slices.Chunk(t, 3) {
			addColour(v, color.RGBA{uint8(p[0]), uint8(p[1]), uint8(p[2]), 255}, 1)
		}
		out[i] = unit(v)
		if v[0] > 32*32/2 {
			return nil, errBlack
		}
		clear(t) // it is the encoder's own
	}
	return out, nil
}

// unprepared is the same encoder without the seam for work ahead.
type unprepared struct {
	encoder.Encoder
	s *sampled
}

func (w unprepared) EncodeImages(ctx context.Context, images []image.Image) ([][]float32, error) {
	tensors := make([][]float32, len(images))
	for i, img := range images {
		var err error
		if tensors[i], err = w.s.PrepareImage(img); err != nil {
			return nil, err
		}
	}
	return w.s.EncodeTensors(ctx, tensors)
}

// both runs a test with each way of the pictures to the model.
func both(t *testing.T, test func(t *testing.T, s *sampled, enc encoder.Encoder)) {
	t.Run("ahead", func(t *testing.T) { s := &sampled{}; test(t, s, s) })
	t.Run("whole", func(t *testing.T) { s := &sampled{}; test(t, s, unprepared{s, s}) })
}

// TestInsertAllWays: whether pictures are prepared ahead or not, each item
// comes to the same, one that the model refuses and one that is bad included.
func TestInsertAllWays(t *testing.T) {
	type outcome struct {
		db.ItemResult
		why    string
		vector []float32
	}
	var outcomes [2][]outcome
	n := 0
	both(t, func(t *testing.T, s *sampled, enc encoder.Encoder) {
		d := open(t, newPath(t), &db.Options{Encoder: enc})
		items := func(yield func(db.Item) bool) {
			for item := range photos(t, 50) { // every eighth is black, every tenth no picture
				if !yield(item) || !yield(db.Item{ID: "own " + item.ID, Vector: vector(len(item.ID), paletteDim)}) {
					return
				}
			}
			yield(db.Item{ID: "0000", Image: picture(t, "cyan", 1)})
		}
		var all []outcome
		rep, err := d.InsertAll(ctx, items, &db.BatchOptions{BatchSize: 7, Workers: 3, Result: func(r db.ItemResult) {
			o := outcome{ItemResult: r, why: fmt.Sprint(r.Err)}
			o.Err = nil
			all = append(all, o)
		}})
		if err != nil || rep.Failed != 10 || rep.Skipped != 1 || rep.Added != 90 || rep.Encoding <= 0 || rep.Encoding > rep.Elapsed || rep.EncoderShare() <= 0 {
			t.Errorf("%+v, %v", rep, err)
		}
		for _, f := range rep.Failures {
			if black := number(f.ID)%8 == 5; errors.Is(f.Err, errBlack) != (black && number(f.ID)%10 != 9) {
				t.Errorf("%+v", f)
			}
		}
		for i, o := range all {
			if o.Status == db.Added {
				r, err := d.GetWith(ctx, o.ID, db.Fetch{Vector: true})
				if err != nil {
					t.Fatal(err)
				}
				all[i].vector = r.Vector
			}
		}
		outcomes[n] = all
		n++
	})
	if len(outcomes[0]) != 101 || len(outcomes[1]) != 101 {
		t.Fatalf("%d and %d results", len(outcomes[0]), len(outcomes[1]))
	}
	for i, a := range outcomes[0] {
		if b := outcomes[1][i]; a.ItemResult != b.ItemResult || a.why != b.why || !slices.Equal(a.vector, b.vector) || a.Index != i {
			t.Errorf("%+v\n%+v", a, b)
		}
	}
}

// TestInsertAllBudget: while the model is stuck, pictures are made ready up to
// MaxBytes and not beyond, and a group that the budget cuts short goes on.
func TestInsertAllBudget(t *testing.T) {
	const workers, room = 2, 20
	both(t, func(t *testing.T, s *sampled, enc encoder.Encoder) {
		var yielded atomic.Int64
		stuck, release := make(chan struct{}), make(chan struct{})
		s.enter = func() {
			select {
			case stuck <- struct{}{}:
				<-release
			case <-release:
			}
		}
		d := open(t, newPath(t), &db.Options{Encoder: enc, Images: db.KeepNone})
		each := int64(sampledBytes) // that a picture holds at least
		if _, ok := enc.(encoder.Preparer); !ok {
			img := painted("red", 0)
			each = int64(3 * img.Bounds().Dx() * img.Bounds().Dy())
		}
		items := func(yield func(db.Item) bool) {
			for i := range 120 {
				yielded.Add(1)
				if !yield(db.Item{ID: fmt.Sprint(i), Image: picture(t, names[i%4], i)}) {
					return
				}
			}
		}
		done := make(chan struct{})
		go func() {
			defer close(done)
			rep, err := d.InsertAll(ctx, items, &db.BatchOptions{BatchSize: 64, Workers: workers, MaxBytes: room * each})
			if err != nil || rep.Added != 120 {
				t.Errorf("%v, %v", rep, err)
			}
		}()
		<-stuck
		var n int64
		for again := true; again; { // until it stands still
			n = yielded.Load()
			time.Sleep(100 * time.Millisecond)
			again = yielded.Load() != n
		}
		close(release)
		<-done
		// One is yielded before it is asked whether there is room, and workers
		// have one each in hand.
		if n > room+workers+1 || n < room/2 {
			t.Errorf("%d pictures were read ahead, with room for %d and %d workers", n, room, workers)
		}
	})
}

// TestInsertAllAheadCancel: what was prepared when the caller gave up is gone,
// what was acknowledged is stored.
func TestInsertAllAheadCancel(t *testing.T) {
	c, cancel := context.WithCancel(ctx)
	defer cancel()
	s := &sampled{}
	calls := 0
	s.enter = func() {
		if calls++; calls == 4 {
			cancel()
		}
	}
	d := open(t, newPath(t), &db.Options{Encoder: s})
	acked := 0
	rep, err := d.InsertAll(c, photosNoBad(t, 100_000), &db.BatchOptions{BatchSize: 5, Result: func(db.ItemResult) { acked++ }})
	if !errors.Is(err, context.Canceled) || rep.Added+rep.Failed != acked || rep.Added == 0 || acked > 40 || count(t, d) != rep.Added {
		t.Errorf("%v, %v; %d acknowledged", rep, err, acked)
	}
}

// TestEncoderShare: a slow model that is never kept waiting is at work nearly
// all the time.
func TestEncoderShare(t *testing.T) {
	s := &sampled{}
	s.enter = func() { time.Sleep(30 * time.Millisecond) }
	d := open(t, filepath.Join(t.TempDir(), "slow.clipdb"), &db.Options{Encoder: s})
	rep, err := d.InsertAll(ctx, photosNoBad(t, 48), &db.BatchOptions{BatchSize: 4})
	if err != nil || rep.Encoding < 12*30*time.Millisecond || rep.EncoderShare() < 0.3 || !strings.Contains(rep.String(), "the model at work") {
		t.Errorf("%+v, %v", rep, err)
	}
	if share := (db.BatchReport{}).EncoderShare(); share != 0 {
		t.Errorf("of nothing: %v", share)
	}
}
