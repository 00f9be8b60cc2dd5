package main

import (
	"context"
	"fmt"
	"image"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/clipdb/clipdb"
	"github.com/clipdb/clipdb/encoder/builtin"
	"github.com/clipdb/clipdb/encoder/pixel"
)

// looks is what a picture is compared by.
type looks struct {
	file   string
	hash   uint64
	hashed bool
	vector []float32 // nil when vectors are left out
}

// pictures returns the files below dir that are named as pictures, or limit of
// them at even distances.
func pictures(dir string, limit int) (files []string, err error) {
	err = filepath.WalkDir(dir, func(path string, e fs.DirEntry, err error) error {
		if err != nil || e.IsDir() {
			return err
		}
		switch strings.ToLower(filepath.Ext(path)) {
		case ".jpg", ".jpeg", ".png", ".webp", ".gif", ".tif", ".tiff", ".bmp":
			files = append(files, path)
		}
		return nil
	})
	slices.Sort(files)
	if n := len(files); limit > 0 && n > limit {
		for i := range limit {
			files[i] = files[i*n/limit]
		}
		files = files[:limit]
	}
	if err == nil && len(files) == 0 {
		err = fmt.Errorf("%s: no pictures", dir)
	}
	return files, err
}

// reader looks at pictures as a database does.
type reader struct {
	enc clipdb.Encoder // nil when vectors are left out
}

func newReader(hashesAlone bool) (*reader, error) {
	if hashesAlone {
		return &reader{}, nil
	}
	enc, err := builtin.New(nil)
	return &reader{enc}, err
}

func (r *reader) Close() {
	if r.enc != nil {
		r.enc.Close()
	}
}

// picture looks at a file and at its altered copies.
func (r *reader) picture(ctx context.Context, file string) (own looks, copies []looks, err error) {
	data, err := os.ReadFile(file)
	if err != nil {
		return own, nil, err
	}
	m, _, err := pixel.DecodeBytes(ctx, data, pixel.Limits{})
	if err != nil {
		return own, nil, fmt.Errorf("%s: %w", file, err)
	}
	all := []image.Image{m}
	for _, a := range alterations {
		data, err := a.file(m)
		if err != nil {
			return own, nil, fmt.Errorf("%s, %s: %w", file, a.name, err)
		}
		altered, _, err := pixel.DecodeBytes(ctx, data, pixel.Limits{})
		if err != nil {
			return own, nil, fmt.Errorf("%s, %s: %w", file, a.name, err)
		}
		all = append(all, altered)
	}
	seen := make([]looks, len(all))
	for i, m := range all {
		if seen[i], err = hashOf(ctx, m); err != nil {
			return own, nil, fmt.Errorf("%s: %w", file, err)
		}
		seen[i].file = file
	}
	if r.enc != nil {
		vectors, err := r.enc.EncodeImages(ctx, all)
		if err != nil {
			return own, nil, err
		}
		for i := range seen {
			seen[i].vector = vectors[i]
		}
	}
	return seen[0], seen[1:], nil
}

// hashOf hashes the thumbnail that a database would keep.
func hashOf(ctx context.Context, m image.Image) (l looks, err error) {
	const side = 256
	thumb, err := pixel.Thumbnail(m, side)
	if err != nil {
		return l, err
	}
	small, _, err := pixel.DecodeBytes(ctx, thumb, pixel.Limits{})
	if err != nil {
		return l, err
	}
	l.hash, l.hashed = small.PerceptualHash()
	return l, nil
}
