package db_test

import (
	"bytes"
	"fmt"
	"image/png"
	"io/fs"
	"math/rand/v2"
	"os"
	"slices"
	"strconv"
	"testing"
	"time"

	"github.com/clipdb/clipdb/db"
	"github.com/clipdb/clipdb/db/engine"
	"github.com/clipdb/clipdb/db/local"
	"github.com/clipdb/clipdb/storage/storagetest"
)

// The crash tests start this test binary again as a child, which stores items
// and prints each id once it is acknowledged, and kill it at a random moment.

// crashItem is item n; all of it follows from the number.
func crashItem(t testing.TB, n int) db.Item {
	var b bytes.Buffer
	m := painted(names[n%8], n)
	if err := png.Encode(&b, m); err != nil {
		panic(err)
	}
	return db.Item{ID: crashID(n), Image: &b, Caption: fmt.Sprint("caption of ", n), Attrs: db.Attrs{"n": engine.Int(int64(n))}}
}

func crashID(n int) string { return fmt.Sprintf("item-%05d", n) }

func crashOpen(path string) *db.DB {
	eng, err := local.Open(path, nil)
	if err != nil {
		fail(err)
	}
	d, err := db.Open(eng, &db.Options{Encoder: &palette{}})
	if err != nil {
		fail(err)
	}
	return d
}

func fail(err error) {
	fmt.Fprintln(os.Stderr, err)
	os.Exit(1)
}

// batchChild stores items with InsertAll from the first on.
func batchChild(args []string) {
	d := crashOpen(args[0])
	if args[1] == "early" { // the time to the kill begins before the first item
		fmt.Println("open")
	}
	items := func(yield func(db.Item) bool) {
		for n := 0; ; n++ {
			if !yield(crashItem(nil, n)) {
				return
			}
		}
	}
	_, err := d.InsertAll(ctx, items, &db.BatchOptions{BatchSize: 4, Result: func(r db.ItemResult) {
		if r.Status == db.Failed {
			fail(r.Err)
		}
		fmt.Println(r.ID, r.Status)
	}})
	fail(err)
}

// insertChild stores, replaces and deletes one item at a time.
func insertChild(args []string) {
	d := crashOpen(args[0])
	first, err := strconv.Atoi(args[1])
	if err != nil {
		fail(err)
	}
	fmt.Println("open")
	for n := first; ; n++ {
		item := crashItem(nil, n)
		if _, err := d.Insert(ctx, item); err != nil {
			fail(err)
		}
		fmt.Println(item.ID, "added")
		switch {
		case n%5 == 4:
			if _, err := d.Delete(ctx, crashID(n-2)); err != nil {
				fail(err)
			}
			fmt.Println(crashID(n-2), "deleted")
		case n%5 == 3:
			again := crashItem(nil, n+1)
			again.ID = crashID(n)
			if _, _, err := d.Upsert(ctx, again); err != nil {
				fail(err)
			}
			fmt.Println(item.ID, "replaced")
		}
	}
}

// whole makes sure that a stored item is one that the child could have stored,
// with everything that belongs to it.
func whole(t *testing.T, d *db.DB, rec *db.Record) {
	t.Helper()
	n, ok := rec.Attrs["n"].AsInt()
	if !ok {
		t.Fatalf("%s has no number: %v", rec.ID, rec.Attrs)
	}
	want := crashItem(t, int(n))
	full, err := d.GetWith(ctx, rec.ID, db.Fetch{Vector: true, Original: true, Thumbnail: true})
	if err != nil {
		t.Fatalf("%s: %v", rec.ID, err)
	}
	data := want.Image.(*bytes.Buffer).Bytes()
	if full.Caption != want.Caption || !bytes.Equal(full.Image.Original, data) || len(full.Image.Thumbnail) == 0 || full.Model != (&palette{}).Model().Fingerprint {
		t.Errorf("%s is not whole: %q, image %d bytes of %d", rec.ID, full.Caption, len(full.Image.Original), len(data))
	}
	ms, err := d.SearchByImage(ctx, bytes.NewReader(data), &db.SearchOptions{K: 1, Filter: engine.Eq("n", engine.Int(n))})
	if err != nil || len(ms) != 1 || ms[0].Score < 0.9999 {
		t.Errorf("%s is not found by its picture: %v, %v", rec.ID, ids(ms), err)
	}
}

func TestKillInsertAll(t *testing.T) {
	if testing.Short() {
		t.Skip("kills processes for half a minute")
	}
	r := rand.New(rand.NewPCG(11, uint64(time.Now().UnixNano())))
	path := newPath(t)
	acked := map[string]bool{}
	for round := range 12 {
		when := "early"
		if round%3 > 0 {
			when = "later"
		}
		after := time.Duration(r.IntN(900)) * time.Millisecond
		for _, line := range storagetest.Kill(t, after, "batch", path, when) {
			var id, status string
			if n, _ := fmt.Sscan(line, &id, &status); n == 2 {
				if acked[id] != (status == "skipped") {
					t.Errorf("round %d: %s was %s, acknowledged before: %v", round, id, status, acked[id])
				}
				acked[id] = true
			}
		}
		d := crashOpen(path)
		stored := map[string]bool{}
		for rec, err := range d.All(ctx) {
			if err != nil {
				t.Fatal(err)
			}
			stored[rec.ID] = true
			if r.IntN(10) == 0 || !acked[rec.ID] {
				whole(t, d, rec)
			}
		}
		for id := range acked {
			if !stored[id] {
				t.Errorf("round %d: %s was acknowledged and is gone", round, id)
			}
		}
		// What was stored and not acknowledged is the start of what came next:
		// nothing is stored out of turn.
		for n := range len(stored) {
			if !stored[crashID(n)] {
				t.Errorf("round %d: %d items, and number %d is not among them", round, len(stored), n)
				break
			}
		}
		for id := range stored {
			acked[id] = true // the next run skips it
		}
		verified(t, d)
		if err := d.Close(); err != nil {
			t.Fatal(err)
		}
	}
	if len(acked) < 50 {
		t.Errorf("only %d items in all: the children were killed too early to tell anything", len(acked))
	}
	d := crashOpen(path)
	defer d.Close()
	rep, err := d.InsertAll(ctx, func(yield func(db.Item) bool) {
		for n := range len(acked) + 30 {
			if !yield(crashItem(t, n)) {
				return
			}
		}
	}, nil)
	if err != nil || rep.Added != 30 || rep.Skipped != len(acked) || rep.Failed != 0 {
		t.Errorf("the last run: %v, %v; %d were there", rep, err, len(acked))
	}
	verified(t, d)
}

func TestKillInserts(t *testing.T) {
	if testing.Short() {
		t.Skip("kills processes for half a minute")
	}
	r := rand.New(rand.NewPCG(12, uint64(time.Now().UnixNano())))
	path := newPath(t)
	first := 0
	for round := range 8 {
		after := time.Duration(r.IntN(500)) * time.Millisecond
		want := map[string]string{}
		var order []string
		for _, line := range storagetest.Kill(t, after, "insert", path, strconv.Itoa(first)) {
			var id, what string
			if n, _ := fmt.Sscan(line, &id, &what); n == 2 {
				want[id] = what
				order = append(order, id)
			}
		}
		d := crashOpen(path)
		// One operation after the last acknowledged one may have been stored.
		next := first
		for want[crashID(next)] != "" {
			next++
		}
		unsure := map[string]bool{crashID(next): true}
		if len(order) > 0 {
			last := order[len(order)-1]
			var n int
			fmt.Sscanf(last, "item-%d", &n)
			unsure[last], unsure[crashID(n-2)], unsure[crashID(n+1)] = true, true, true
		}
		for id, what := range want {
			rec, err := d.Get(ctx, id)
			if gone := what == "deleted"; (err != nil) != gone && !unsure[id] {
				t.Errorf("round %d: %s was %s: %v", round, id, what, err)
			}
			if err == nil {
				whole(t, d, rec)
				var n int64
				fmt.Sscanf(id, "item-%d", &n)
				if got, _ := rec.Attrs["n"].AsInt(); what == "replaced" && got != n+1 {
					t.Errorf("round %d: %s was replaced and holds %d", round, id, got)
				}
			}
		}
		highest := first - 1
		for rec, err := range d.All(ctx) {
			if err != nil {
				t.Fatal(err)
			}
			var n int
			fmt.Sscanf(rec.ID, "item-%d", &n)
			highest = max(highest, n)
			if n >= first && want[rec.ID] == "" && !unsure[rec.ID] {
				t.Errorf("round %d: %s appeared from nowhere", round, rec.ID)
			}
		}
		first = highest + 1
		verified(t, d)
		if err := d.Close(); err != nil {
			t.Fatal(err)
		}
	}
	if first < 20 {
		t.Errorf("only %d items in all", first)
	}
	left, err := fs.Glob(os.DirFS(path[:len(path)-len("/test.clipdb")]), "*")
	if err != nil || !slices.Equal(left, []string{"test.clipdb"}) {
		t.Errorf("files left: %v, %v", left, err)
	}
}
