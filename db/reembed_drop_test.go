package db_test

import (
	"errors"
	"testing"

	"github.com/clipdb/clipdb/db"
)

func TestReembedKeepsWhatALimitOfTodayRefuses(t *testing.T) {
	path := newPath(t)
	d := open(t, path, &db.Options{Encoder: &palette{}})
	mustInsert(t, d, db.Item{ID: "a", Image: picture(t, "red", 1)})
	mustInsert(t, d, db.Item{ID: "bare", Vector: vector(1, paletteDim)})
	if err := d.Close(); err != nil {
		t.Fatal(err)
	}
	d = open(t, path, &db.Options{Encoder: &palette{}, MaxImagePixels: 10})
	rep, err := d.Reembed(ctx, newTurned(), &db.ReembedOptions{DropFailed: true})
	if !errors.Is(err, db.ErrPending) || rep.Switched || len(rep.Failed) != 2 || count(t, d) != 2 {
		t.Errorf("pictures of too many pixels for today: %+v, %v", rep, err)
	}
	if err := d.Close(); err != nil {
		t.Fatal(err)
	}
	d = open(t, path, &db.Options{Encoder: &palette{}, MaxImageBytes: 10})
	rep, err = d.Reembed(ctx, newTurned(), &db.ReembedOptions{DropFailed: true})
	if err != nil || !rep.Switched || rep.Embedded != 1 || count(t, d) != 1 {
		t.Errorf("pictures of more bytes than today's limit: %+v, %v", rep, err)
	}
}

func TestReembedDropsCaptionsToo(t *testing.T) {
	d := open(t, newPath(t), &db.Options{Encoder: &palette{}})
	mustInsert(t, d, db.Item{ID: "bare", Vector: vector(1, paletteDim), Caption: "zebra"})
	mustInsert(t, d, db.Item{ID: "kept", Image: picture(t, "red", 1), Caption: "a zebra that stands in some grass with others"})
	search := func(want string) {
		t.Helper()
		ms, err := d.SearchByKeywords(ctx, "zebra", &db.SearchOptions{K: 1})
		if err != nil || len(ms) != 1 || ms[0].ID != want {
			t.Errorf("zebra: %v, %v; want %s", ids(ms), err, want)
		}
	}
	search("bare")
	if _, err := d.Reembed(ctx, newTurned(), &db.ReembedOptions{DropFailed: true}); err != nil {
		t.Fatal(err)
	}
	search("kept")
}

func TestReembedKeepsWhatIsReplacedMeanwhile(t *testing.T) {
	d := open(t, newPath(t), &db.Options{Encoder: &palette{}})
	mustInsert(t, d, db.Item{ID: "bare", Vector: vector(1, paletteDim)})
	mustInsert(t, d, db.Item{ID: "ok", Image: picture(t, "red", 2)})
	once := true
	rep, err := d.Reembed(ctx, newTurned(), &db.ReembedOptions{DropFailed: true, Progress: func(db.ReembedProgress) {
		if !once {
			return
		}
		once = false // the pass has found nothing that it could use
		if _, _, err := d.Upsert(ctx, db.Item{ID: "bare", Image: picture(t, "blue", 3)}); err != nil {
			t.Error(err)
		}
	}})
	if err != nil || !rep.Switched || len(rep.Failed) != 0 || count(t, d) != 2 {
		t.Errorf("an item that got a picture meanwhile: %+v, %v, %d left", rep, err, count(t, d))
	}
}
