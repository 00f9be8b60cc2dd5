package db_test

import (
	"context"
	"errors"
	"fmt"
	"image"
	"math/rand/v2"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/clipdb/clipdb/db"
	"github.com/clipdb/clipdb/db/local"
	"github.com/clipdb/clipdb/encoder"
	"github.com/clipdb/clipdb/storage/storagetest"
)

// turned is another model of the same dimension: palette's vectors backwards.
// A query of one among the vectors of the other finds nonsense.
type turned struct{ palette }

func newTurned() *turned { return &turned{palette{name: "turned"}} }

func backwards(vs [][]float32, err error) ([][]float32, error) {
	for _, v := range vs {
		slices.Reverse(v)
	}
	return vs, err
}

func (t *turned) EncodeText(ctx context.Context, texts []string) ([][]float32, error) {
	return backwards(t.palette.EncodeText(ctx, texts))
}

func (t *turned) EncodeImages(ctx context.Context, images []image.Image) ([][]float32, error) {
	return backwards(t.palette.EncodeImages(ctx, images))
}

// served checks that every item has a vector of one model, and is found by it.
func served(t *testing.T, d *db.DB, want int) {
	t.Helper()
	model := d.Spec().Fingerprint
	n := 0
	for rec, err := range d.All(ctx) {
		if err != nil {
			t.Fatal(err)
		}
		if n++; rec.Model != model {
			t.Fatalf("%s has a vector of %q, the database is of %q", rec.ID, rec.Model, model)
		}
	}
	if n != want {
		t.Errorf("%d items, want %d", n, want)
	}
	for i := 0; i < want; i += max(1, want/8) {
		ms, err := d.SearchByImage(ctx, crashItem(t, i).Image, &db.SearchOptions{K: 1})
		if err != nil || len(ms) != 1 || ms[0].Score < 0.9999 {
			t.Errorf("%s is not found by its picture: %v, %v", crashID(i), ids(ms), err)
		}
	}
}

func TestReembed(t *testing.T) {
	const n = 60
	d := open(t, newPath(t), &db.Options{Encoder: &palette{}})
	for i := range n {
		mustInsert(t, d, crashItem(t, i))
	}
	// Searches and inserts go on meanwhile, and never meet a mixture.
	stop := make(chan struct{})
	var wg sync.WaitGroup
	wg.Go(func() {
		for {
			select {
			case <-stop:
				return
			default:
			}
			ms, err := d.SearchByImage(ctx, crashItem(t, 3).Image, &db.SearchOptions{K: 1})
			if err != nil || len(ms) != 1 || ms[0].Score < 0.9999 {
				t.Errorf("a search meanwhile: %v, %v", ms, err)
				return
			}
		}
	})
	extra := 0
	wg.Go(func() {
		for i := n; ; i++ {
			select {
			case <-stop:
				return
			default:
			}
			switch _, err := d.Insert(ctx, crashItem(t, i)); {
			case errors.Is(err, db.ErrModelMismatch):
				i-- // under way at the switch: again
			case err != nil:
				t.Errorf("an insert meanwhile: %v", err)
				return
			default:
				extra++
			}
		}
	})
	enc := newTurned()
	calls := 0
	rep, err := d.Reembed(ctx, enc, &db.ReembedOptions{BatchSize: 8, Progress: func(db.ReembedProgress) { calls++ }})
	time.Sleep(20 * time.Millisecond) // the new model at work
	close(stop)
	wg.Wait()
	if err != nil || !rep.Switched || rep.Embedded < n || len(rep.Failed) > 0 || calls < n/8 {
		t.Fatalf("%+v, %v; %d calls of Progress", rep, err, calls)
	}
	if m, _ := d.Model(); m.Name != "turned" {
		t.Errorf("the database embeds with %s", m.Name)
	}
	served(t, d, n+extra)

	// Once more is nothing to do.
	before := enc.images.Load()
	if rep, err := d.Reembed(ctx, enc, nil); err != nil || !rep.Switched || rep.Embedded != 0 || enc.images.Load() != before {
		t.Errorf("a second time: %+v, %v", rep, err)
	}
}

// What was made stays made when the run is cancelled; another model begins
// anew.
func TestReembedResumes(t *testing.T) {
	const n = 40
	d := open(t, newPath(t), &db.Options{Encoder: &palette{}})
	for i := range n {
		mustInsert(t, d, crashItem(t, i))
	}
	run, cancel := context.WithCancel(ctx)
	defer cancel()
	_, err := d.Reembed(run, newTurned(), &db.ReembedOptions{BatchSize: 4, Progress: func(p db.ReembedProgress) {
		if p.Done >= 12 {
			cancel()
		}
	}})
	if !errors.Is(err, context.Canceled) {
		t.Fatalf("cancelled: %v", err)
	}
	served(t, d, n)
	rep, err := d.Reembed(ctx, newTurned(), nil)
	if err != nil || !rep.Switched || rep.Kept < 12 || rep.Kept+rep.Embedded != n {
		t.Fatalf("resumed: %+v, %v", rep, err)
	}
	served(t, d, n)
}

func TestReembedWithoutPictures(t *testing.T) {
	d := open(t, newPath(t), &db.Options{Encoder: &palette{}})
	mustInsert(t, d, crashItem(t, 1))
	mustInsert(t, d, db.Item{ID: "bare", Vector: vector(1, paletteDim)})
	rep, err := d.Reembed(ctx, newTurned(), nil)
	if !errors.Is(err, db.ErrPending) || rep.Switched || len(rep.Failed) != 1 || rep.Failed[0].ID != "bare" || rep.Failed[0].Reason == "" {
		t.Fatalf("an item without a picture: %+v, %v", rep, err)
	}
	if m, _ := d.Model(); m.Name != "palette" {
		t.Errorf("the database embeds with %s", m.Name)
	}
	rep, err = d.Reembed(ctx, newTurned(), &db.ReembedOptions{DropFailed: true})
	if err != nil || !rep.Switched || rep.Kept != 1 || count(t, d) != 1 {
		t.Fatalf("with DropFailed: %+v, %v", rep, err)
	}
	if _, err := d.Reembed(ctx, nil, nil); !errors.Is(err, db.ErrNoEncoder) {
		t.Errorf("without a model: %v", err)
	}
}

// openServed opens with the encoder of the vectors in the file, and returns
// the other one.
func openServed(path string) (d *db.DB, other encoder.Encoder) {
	encs := []encoder.Encoder{&palette{}, newTurned()}
	for i, enc := range encs {
		eng, err := local.Open(path, nil)
		if err != nil {
			fail(err)
		}
		if d, err = db.Open(eng, &db.Options{Encoder: enc}); err == nil {
			return d, encs[1-i]
		} else if !errors.Is(err, db.ErrModelMismatch) {
			fail(err)
		}
	}
	fail(errors.New("the file is of neither model"))
	return nil, nil
}

// reembedChild changes to the other model and says how far it is.
func reembedChild(args []string) {
	d, other := openServed(args[0])
	fmt.Println("open")
	rep, err := d.Reembed(ctx, other, &db.ReembedOptions{BatchSize: 2, Progress: func(p db.ReembedProgress) { fmt.Println("done", p.Done) }})
	if err != nil {
		fail(err)
	}
	fmt.Println("switched", rep.Kept)
	time.Sleep(time.Minute) // until it is killed
}

// TestKillReembed kills a process at random moments of a Reembed: all of one
// model is served afterwards, and the next run goes on where it was.
func TestKillReembed(t *testing.T) {
	if testing.Short() {
		t.Skip("kills processes")
	}
	const n = 200
	path := newPath(t)
	d := crashOpen(path)
	for i := range n {
		mustInsert(t, d, crashItem(t, i))
	}
	if err := d.Close(); err != nil {
		t.Fatal(err)
	}
	r := rand.New(rand.NewPCG(13, uint64(time.Now().UnixNano())))
	made, atWork, resumed := 0, 0, 0
	for round := range 20 {
		before := ""
		d, _ := openServed(path)
		before = d.Spec().Model
		if err := d.Close(); err != nil {
			t.Fatal(err)
		}
		switched := false
		var done int
		for _, line := range storagetest.Kill(t, time.Duration(r.IntN(110))*time.Millisecond, "reembed", path) {
			if _, err := fmt.Sscanf(line, "done %d", &done); err == nil {
				if done < made {
					t.Errorf("round %d: %d done, %d were before", round, done, made)
				}
				if made > 0 {
					resumed++
				}
			}
			switched = switched || len(line) > 8 && line[:8] == "switched"
		}
		d, _ = openServed(path)
		served(t, d, n)
		verified(t, d)
		now := d.Spec().Model
		if err := d.Close(); err != nil {
			t.Fatal(err)
		}
		switch {
		case now != before:
			made = 0
		case switched:
			t.Errorf("round %d: the switch was told of and is not there", round)
		default:
			made = max(made, done)
			atWork++
		}
		t.Logf("round %d: %s, now %s, %d made", round, before, now, made)
	}
	if atWork < 4 || resumed == 0 {
		t.Errorf("%d rounds were killed at work, %d went on with what was made", atWork, resumed)
	}
}
