package storage_test

import (
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"testing"

	"github.com/clipdb/clipdb/storage"
	"github.com/clipdb/clipdb/storage/storagetest"
)

func TestVectors(t *testing.T) {
	t.Parallel()
	for _, dim := range []int{1, 7, 100, 256, 512, 768, 5000} {
		t.Run(fmt.Sprint(dim), func(t *testing.T) {
			s := storagetest.MustOpen(t, nil)
			rows := storage.RowsFor(dim)
			n := 2*rows + 1
			rng := rand.New(rand.NewPCG(1, uint64(dim)))
			want := make([][]float32, n)
			update(t, s, func(tx *storage.Tx) error {
				for i := range want {
					want[i] = make([]float32, dim)
					for j := range want[i] {
						want[i][j] = math.Float32frombits(rng.Uint32()) // NaN and all
					}
					it := item{Record: storage.Record{ID: fmt.Sprint(i)}, vector: want[i]}
					if err := insert(tx, &it); err != nil {
						return err
					}
				}
				for _, wrong := range [][]float32{nil, make([]float32, dim+1), make([]float32, storage.MaxDim+1)} {
					if err := tx.PutVector(0, wrong); !errors.Is(err, storage.ErrDimension) {
						t.Errorf("%d components: %v", len(wrong), err)
					}
				}
				return nil
			})
			for round := range 2 {
				view(t, s, func(tx *storage.Tx) error {
					for i := range want {
						v, ok, err := tx.Vector(uint32(i), nil)
						if err != nil || ok != (want[i] != nil) || ok && !sameVector(v, want[i]) {
							t.Errorf("round %d: vector %d: %v %v", round, i, ok, err)
						}
					}
					for _, slot := range []uint32{uint32(n), 1 << 31, 1<<32 - 1} {
						if v, ok, err := tx.Vector(slot, nil); len(v) != 0 || ok || err != nil {
							t.Errorf("slot %d: %v %v", slot, ok, err)
						}
					}
					return nil
				})
				if round == 0 {
					update(t, s, func(tx *storage.Tx) error {
						for i := 0; i < n; i += 2 {
							if _, err := tx.DeleteRecord(fmt.Sprint(i)); err != nil {
								return err
							}
							want[i] = nil
						}
						return tx.DeleteVector(0) // gone already
					})
				}
			}
		})
	}
}

func TestVectorAllocatesNothing(t *testing.T) {
	s := storagetest.MustOpen(t, nil)
	update(t, s, func(tx *storage.Tx) error {
		for i := range 200 {
			it := item{Record: storage.Record{ID: fmt.Sprint(i)}, vector: make([]float32, 512)}
			if err := insert(tx, &it); err != nil {
				return err
			}
		}
		return nil
	})
	view(t, s, func(tx *storage.Tx) error {
		dst := make([]float32, 512)
		slot := uint32(0)
		allocs := testing.AllocsPerRun(1000, func() {
			var ok bool
			var err error
			if dst, ok, err = tx.Vector(slot%200, dst); !ok || err != nil {
				t.Fatal(ok, err)
			}
			slot += 37
		})
		if allocs != 0 {
			t.Errorf("%v allocations for each vector", allocs)
		}
		return nil
	})
}
