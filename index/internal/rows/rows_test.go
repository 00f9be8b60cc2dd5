package rows

import (
	"slices"
	"sync"
	"testing"
)

func TestRows(t *testing.T) {
	f := NewFloat32(3)
	if f.Row(0) != nil || f.Row(1<<20) != nil || f.Bytes() != 0 {
		t.Fatal("an empty store holds something")
	}
	for _, slot := range []uint32{0, 255, 256, 5000, 7} {
		f.Set(slot, []float32{float32(slot), 1, 2})
	}
	for _, slot := range []uint32{0, 7, 255, 256, 5000} {
		if got := f.Row(slot); !slices.Equal(got, []float32{float32(slot), 1, 2}) {
			t.Errorf("row %d is %v", slot, got)
		}
	}
	if f.Row(1000) != nil {
		t.Error("a block that was never written is there")
	}
	// A row stays where it is while the store grows.
	row := f.Row(7)
	f.Set(1<<16, []float32{1, 1, 1})
	if &row[0] != &f.Row(7)[0] {
		t.Error("a row has moved")
	}
}

// Readers of what is set go on while the store grows.
func TestGrowthBesideReaders(t *testing.T) {
	f := NewFloat32(2)
	f.Set(0, []float32{4, 5})
	stop := make(chan struct{})
	var wg sync.WaitGroup
	for range 3 {
		wg.Go(func() {
			for {
				select {
				case <-stop:
					return
				default:
					if f.Row(0)[1] != 5 {
						t.Error("row 0 has changed")
						return
					}
				}
			}
		})
	}
	for slot := range uint32(20000) {
		if slot > 0 {
			f.Set(slot, []float32{1, 2})
		}
	}
	close(stop)
	wg.Wait()
}
