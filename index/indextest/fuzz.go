package indextest

import (
	"errors"
	"maps"
	"slices"
	"testing"

	"github.com/clipdb/clipdb/index"
	"github.com/clipdb/clipdb/index/indextest/cliplike"
	"github.com/clipdb/clipdb/index/internal/page"
)

// FuzzRestore damages the pages of a checkpoint and puts all checksums right:
// whatever the bytes, Restore refuses them or gives an index that works.
func FuzzRestore(f *testing.F, open Open) {
	const dim = 16
	data := cliplike.New(cliplike.Config{N: 400, Dim: dim, Latent: 8, Seed: 1})
	v := data.Images()
	params := index.Params{Dim: dim, M: 4}
	x, err := open(params)
	if err != nil {
		f.Fatal(err)
	}
	slots := make([]index.Slot, len(v))
	for i := range slots {
		slots[i] = index.Slot(i)
	}
	if err := x.Add(background, slots, v); err != nil {
		f.Fatal(err)
	}
	x.Delete(slots[10:30]...)
	good := disk{}
	if err := x.Checkpoint(good.put); err != nil {
		f.Fatal(err)
	}
	keys := slices.Sorted(maps.Keys(good))
	for i, key := range keys {
		for at := 8; at < len(good[key]); at = at*3/2 + 1 {
			f.Add(uint8(i), uint32(at), []byte{0xff, 0xff, 0xff, 0xff})
			f.Add(uint8(i), uint32(at), []byte{0, 0, 0, 0, 0, 0, 0, 0})
			f.Add(uint8(i), uint32(at), []byte{0x90, 0x01, 0, 0})
		}
	}
	f.Fuzz(func(t *testing.T, which uint8, at uint32, bytes []byte) {
		bad := maps.Clone(good)
		key := keys[int(which)%len(keys)]
		p := slices.Clone(good[key])
		if len(bytes) == 0 {
			p = p[:int(at)%(len(p)+1)]
		} else {
			copy(p[int(at)%len(p):], bytes)
		}
		bad[key] = p
		page.ResealAll(bad)
		y, err := open(params)
		if err != nil {
			t.Fatal(err)
		}
		defer func() { _ = y.Close() }()
		if err := y.Restore(bad.get); err != nil {
			if !errors.Is(err, index.ErrSnapshot) {
				t.Fatalf("not a word about the snapshot: %v", err)
			}
			return
		}
		use(t, y, v)
	})
}

// use does all there is to do with an index.
func use(t *testing.T, x index.Index, v [][]float32) {
	search := func() {
		for _, ef := range []int{2, 10, 400} {
			got, err := x.Search(background, index.Query{Vector: v[ef%len(v)], K: 5, Ef: ef})
			if err != nil {
				t.Fatal(err)
			}
			if want := min(5, x.Stats().Live); len(got) != want {
				t.Fatalf("%d answers, want %d", len(got), want)
			}
		}
	}
	search()
	for slot := range index.Slot(300) {
		x.Delete(slot)
	}
	search()
	for i, slot := 0, index.Slot(0); i < 100; slot++ {
		if !x.Reusable(slot) {
			continue
		}
		if err := x.Add(background, []index.Slot{slot}, v[i:i+1]); err != nil {
			t.Fatal(err)
		}
		i++
	}
	search()
	if err := x.Checkpoint(disk{}.put); err != nil {
		t.Fatal(err)
	}
}
