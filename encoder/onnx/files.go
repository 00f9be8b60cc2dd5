package onnx

import (
	"context"
	"fmt"
	"os"
	"path/filepath"

	"github.com/clipdb/clipdb/encoder/model"
)

// Files gives the files of a model: Dir or Embedded.
type Files interface {
	// open returns the content of a file, or the path of a file that was
	// compared with the manifest.
	open(ctx context.Context, f model.File) (content []byte, path string, err error)
}

// Dir is a folder of model files. Each file is compared with its size and
// hash in the manifest before it is used for the first time.
type Dir string

func (d Dir) open(ctx context.Context, f model.File) ([]byte, string, error) {
	if err := f.Verify(ctx, os.DirFS(string(d))); err != nil {
		return nil, "", err
	}
	path, err := filepath.Abs(filepath.Join(string(d), filepath.FromSlash(f.Name)))
	return nil, path, err
}

// Embedded holds model files that are part of the program, by name. They are
// not hashed again, and not copied.
type Embedded map[string][]byte

func (e Embedded) open(_ context.Context, f model.File) ([]byte, string, error) {
	content, ok := e[f.Name]
	if !ok {
		return nil, "", fmt.Errorf("%w: %s: not embedded", model.ErrFile, f.Name)
	}
	return content, "", nil
}

// read returns the content of a small file.
func read(ctx context.Context, files Files, f model.File) ([]byte, error) {
	content, path, err := files.open(ctx, f)
	if err != nil || content != nil {
		return content, err
	}
	return os.ReadFile(path)
}
