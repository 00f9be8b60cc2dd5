package storage_test

import (
	"errors"
	"fmt"
	"maps"
	"math/rand/v2"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/clipdb/clipdb/storage"
	"github.com/clipdb/clipdb/storage/storagetest"
)

// oracle is what a database should hold, kept in maps.
type oracle struct {
	items    map[string]*item
	retired  map[uint32]bool
	free     map[uint32]bool
	limit    uint32
	log      []storage.LogEntry
	lastLog  uint64
	pages    map[string]map[uint32]string
	meta     map[string]string
	failures map[string]storage.Failure
}

func newOracle() *oracle {
	return &oracle{
		items: map[string]*item{}, retired: map[uint32]bool{}, free: map[uint32]bool{},
		pages: map[string]map[uint32]string{}, meta: map[string]string{}, failures: map[string]storage.Failure{},
	}
}

// clone copies what a transaction may change; items are never changed.
func (o *oracle) clone() *oracle {
	c := *o
	c.items, c.retired, c.free = maps.Clone(o.items), maps.Clone(o.retired), maps.Clone(o.free)
	c.log, c.meta, c.failures = slices.Clone(o.log), maps.Clone(o.meta), maps.Clone(o.failures)
	c.pages = map[string]map[uint32]string{}
	for space, pages := range o.pages {
		c.pages[space] = maps.Clone(pages)
	}
	return &c
}

func (o *oracle) takeSlot() uint32 {
	if len(o.free) > 0 {
		slot := slices.Min(slices.Collect(maps.Keys(o.free)))
		delete(o.free, slot)
		return slot
	}
	o.limit++
	return o.limit - 1
}

func (o *oracle) appendLog(op storage.LogOp, slot uint32) {
	o.lastLog++
	o.log = append(o.log, storage.LogEntry{Seq: o.lastLog, Op: op, Slot: slot})
}

// step does one random operation on both sides.
func (o *oracle) step(tx *storage.Tx, rng *rand.Rand, dim int) error {
	id := fmt.Sprintf("folder/%d.jpg", rng.IntN(60))
	old := o.items[id]
	switch op := rng.IntN(20); {
	case op < 9: // insert or replace, in a new slot
		it := makeItem(id, rng.Uint64N(1000), dim)
		if err := insert(tx, &it); err != nil {
			return err
		}
		if slot := o.takeSlot(); slot != it.Slot {
			return fmt.Errorf("NextSlot gave %d, not %d", it.Slot, slot)
		}
		o.appendLog(storage.LogAdd, it.Slot)
		if old != nil {
			o.retired[old.Slot] = true
		}
		o.items[id] = &it
	case op < 11: // new caption in the same slot
		if old == nil {
			return nil
		}
		it := *old
		it.Caption = caption(rng)
		it.Updated = time.Unix(rng.Int64N(1e9), 0).UTC()
		o.items[id] = &it
		return tx.PutRecord(&it.Record)
	case op < 14: // delete
		r, err := tx.DeleteRecord(id)
		if old == nil {
			if !errors.Is(err, storage.ErrNotFound) {
				return fmt.Errorf("deleting nothing: %w", err)
			}
			return nil
		}
		if err != nil {
			return err
		}
		delete(o.items, id)
		o.retired[old.Slot] = true
		o.appendLog(storage.LogDelete, old.Slot)
		if err := sameRecord(r, &old.Record); err != nil {
			return err
		}
		_, err = tx.AppendLog(storage.LogDelete, old.Slot)
		return err
	case op < 15: // release half of what is retired
		for slot := range o.retired {
			if rng.IntN(2) == 0 {
				continue
			}
			if err := tx.ReleaseSlot(slot); err != nil {
				return err
			}
			delete(o.retired, slot)
			o.free[slot] = true
		}
	case op < 16: // trim the log
		if len(o.log) == 0 {
			return nil
		}
		n := rng.IntN(len(o.log))
		if err := tx.TrimLog(o.log[n].Seq); err != nil {
			return err
		}
		o.log = slices.Clone(o.log[n+1:])
	case op < 18: // pages
		space, key := fmt.Sprintf("index%d", rng.IntN(2)), rng.Uint32N(20)
		if rng.IntN(10) == 0 {
			delete(o.pages, space)
			return tx.DropPages(space)
		}
		page := string(random(rng, rng.IntN(9000)))
		if o.pages[space] == nil {
			o.pages[space] = map[uint32]string{}
		}
		o.pages[space][key] = page
		return tx.PutPage(space, key, []byte(page))
	case op < 19: // named values
		key := fmt.Sprintf("key%d", rng.IntN(5))
		if rng.IntN(3) == 0 {
			delete(o.meta, key)
			return tx.PutMeta(key, nil)
		}
		o.meta[key] = string(random(rng, rng.IntN(100)))
		return tx.PutMeta(key, []byte(o.meta[key]))
	default: // failures
		if rng.IntN(3) == 0 {
			delete(o.failures, id)
			return tx.DeleteFailure(id)
		}
		f := storage.Failure{ID: id, Reason: caption(rng), Time: time.Unix(rng.Int64N(1e9), 5).UTC()}
		o.failures[id] = f
		return tx.PutFailure(f)
	}
	return nil
}

// compare finds every difference between the two sides.
func (o *oracle) compare(tx *storage.Tx) error {
	if tx.RecordCount() != len(o.items) || tx.VectorCount() != len(o.items) {
		return fmt.Errorf("%d records, %d vectors, want %d", tx.RecordCount(), tx.VectorCount(), len(o.items))
	}
	if tx.SlotLimit() != o.limit || tx.LastLog() != o.lastLog {
		return fmt.Errorf("slot limit %d, last log %d, want %d, %d", tx.SlotLimit(), tx.LastLog(), o.limit, o.lastLog)
	}
	ids := slices.Sorted(maps.Keys(o.items))
	for r, err := range tx.Records("") {
		if err != nil {
			return err
		}
		if len(ids) == 0 || r.ID != ids[0] {
			return fmt.Errorf("walk gives %q", r.ID)
		}
		ids = ids[1:]
	}
	if len(ids) > 0 {
		return fmt.Errorf("walk misses %q", ids)
	}
	bySlot := map[uint32]*item{}
	for _, it := range o.items {
		bySlot[it.Slot] = it
		if err := verify(tx, it); err != nil {
			return err
		}
	}
	last := -1
	for slot, v := range tx.Vectors() {
		if it := bySlot[slot]; it == nil || int(slot) <= last || !sameVector(v, it.vector) {
			return fmt.Errorf("walk of vectors: slot %d", slot)
		}
		delete(bySlot, slot)
		last = int(slot)
	}
	if len(bySlot) > 0 {
		return fmt.Errorf("walk of vectors misses %d", len(bySlot))
	}
	if got, want := slices.Collect(tx.RetiredSlots()), slices.Sorted(maps.Keys(o.retired)); !slices.Equal(got, want) {
		return fmt.Errorf("retired slots %v, want %v", got, want)
	}
	if err := o.compareRest(tx); err != nil {
		return err
	}
	return tx.Err()
}

func (o *oracle) compareRest(tx *storage.Tx) error {
	var log []storage.LogEntry
	for e, err := range tx.Log(0) {
		if err != nil {
			return err
		}
		log = append(log, e)
	}
	if !slices.Equal(log, o.log) {
		return fmt.Errorf("log %v, want %v", log, o.log)
	}
	for space := range 2 {
		name := fmt.Sprintf("index%d", space)
		for key := range uint32(20) {
			got := tx.Page(name, key)
			want, ok := o.pages[name][key]
			if (got != nil) != ok || string(got) != want {
				return fmt.Errorf("page %s/%d differs", name, key)
			}
		}
	}
	for key := range 5 {
		name := fmt.Sprintf("key%d", key)
		got := tx.Meta(name)
		want, ok := o.meta[name]
		if (got != nil) != ok || string(got) != want {
			return fmt.Errorf("meta %s differs", name)
		}
	}
	failures := maps.Clone(o.failures)
	for f, err := range tx.Failures() {
		if want := failures[f.ID]; err != nil || f.ID != want.ID || f.Reason != want.Reason || !f.Time.Equal(want.Time) {
			return fmt.Errorf("failure %+v, want %+v: %w", f, want, err)
		}
		delete(failures, f.ID)
	}
	if len(failures) > 0 {
		return fmt.Errorf("failures miss %v", failures)
	}
	return nil
}

// TestModel does random operations and compares the database with maps after
// every transaction: committed, rolled back, reopened or compacted.
func TestModel(t *testing.T) {
	t.Parallel()
	for _, dim := range []int{3, 512} {
		for seed := range uint64(2) {
			t.Run(fmt.Sprintf("dim=%d/seed=%d", dim, seed), func(t *testing.T) {
				t.Parallel()
				testModel(t, rand.New(rand.NewPCG(seed, uint64(dim))), dim)
			})
		}
	}
}

func testModel(t *testing.T, rng *rand.Rand, dim int) {
	path := filepath.Join(t.TempDir(), "model.clipdb")
	s, err := storage.Open(path, nil)
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		_ = s.Close()
		storagetest.MustCheck(t, path)
	}()
	o := newOracle()
	var history strings.Builder
	undo := errors.New("undo")
	for round := range 50 {
		next := o.clone()
		keep := rng.IntN(5) > 0
		err := s.Update(func(tx *storage.Tx) error {
			for range 1 + rng.IntN(20) {
				if err := next.step(tx, rng, dim); err != nil {
					return err
				}
			}
			// What a transaction has written it sees.
			if err := next.compare(tx); err != nil {
				return err
			}
			if !keep {
				return undo
			}
			return nil
		})
		switch {
		case keep && err == nil:
			o = next
		case !keep && errors.Is(err, undo):
		default:
			t.Fatalf("round %d: %v\n%s", round, err, history.String())
		}
		what := rng.IntN(12)
		fmt.Fprintf(&history, "%d: keep %v, then %d\n", round, keep, what)
		switch what {
		case 0:
			if err := s.Close(); err != nil {
				t.Fatal(err)
			}
			if s, err = storage.Open(path, nil); err != nil {
				t.Fatal(err)
			}
		case 1:
			if err := s.Compact(background); err != nil {
				t.Fatal(err)
			}
		case 2, 3:
			for _, p := range storagetest.Problems(t, s) {
				t.Errorf("round %d: %s", round, p)
			}
		}
		if err := s.View(o.compare); err != nil {
			t.Fatalf("round %d: %v\n%s", round, err, history.String())
		}
	}
}
