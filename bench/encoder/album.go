package main

import (
	"context"
	"os"
	"sync"
	"sync/atomic"

	"github.com/clipdb/clipdb/encoder"
	"github.com/clipdb/clipdb/encoder/pixel"
)

// album is the content of JPEG files, handed out in turn.
type album struct {
	files [][]byte
	next  int
}

func openAlbum(paths []string) (*album, error) {
	a := &album{}
	for _, p := range paths {
		b, err := os.ReadFile(p)
		if err != nil {
			return nil, err
		}
		a.files = append(a.files, b)
	}
	return a, nil
}

// tensors decodes and resizes the next n pictures on some goroutines.
func (a *album) tensors(ctx context.Context, enc encoder.Preparer, n, threads int) ([][]float32, error) {
	out, errs := make([][]float32, n), make([]error, n)
	var next atomic.Int64
	var wg sync.WaitGroup
	for range min(n, threads) {
		wg.Go(func() {
			for i := int(next.Add(1)) - 1; i < n; i = int(next.Add(1)) - 1 {
				var img *pixel.RGB
				if img, _, errs[i] = pixel.DecodeBytes(ctx, a.files[(a.next+i)%len(a.files)], pixel.Limits{}); errs[i] == nil {
					out[i], errs[i] = enc.PrepareImage(img)
				}
			}
		})
	}
	wg.Wait()
	a.next += n
	for _, err := range errs {
		if err != nil {
			return nil, err
		}
	}
	return out, nil
}
