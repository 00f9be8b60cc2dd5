package model

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"strconv"
	"strings"
)

// ErrFile is returned by Verify for a file that is missing or not the one
// that the manifest describes. The message names the file.
var ErrFile = errors.New("model file is not the one in the manifest")

// File is one file of a model.
type File struct {
	Name   string // slash-separated, below the folder of the manifest
	SHA256 string // hex
	Size   int64  // bytes, 0 where the manifest does not tell
}

// Files returns every file of the model, without the manifest itself.
func (m *Manifest) Files() []File {
	files := []File{{m.Image.File, m.Image.SHA256, m.Image.Size}}
	if m.Text.File != m.Image.File {
		files = append(files, File{m.Text.File, m.Text.SHA256, m.Text.Size})
	}
	files = append(files, File{m.Text.Vocab, m.Text.VocabSHA256, 0})
	for _, x := range m.Extra {
		files = append(files, File{x.File, x.SHA256, x.Size})
	}
	return files
}

// ExtraFor returns the extra files of "image", "text" or "tokenizer".
func (m *Manifest) ExtraFor(part string) []File {
	var files []File
	for _, x := range m.Extra {
		if x.For == part || part == "text" && x.For == "image" && m.Text.File == m.Image.File {
			files = append(files, File{x.File, x.SHA256, x.Size})
		}
	}
	return files
}

// Verify reads every file and compares it with size and hash in the manifest.
// It returns ErrFile naming the first file that differs, or ctx.Err().
func (m *Manifest) Verify(ctx context.Context, files fs.FS) error {
	for _, f := range m.Files() {
		if err := f.Verify(ctx, files); err != nil {
			return err
		}
	}
	return nil
}

// Verify compares the file below files with size and hash in the manifest.
func (f File) Verify(ctx context.Context, files fs.FS) error {
	r, err := files.Open(f.Name)
	if err != nil {
		return fmt.Errorf("%w: %s: %w", ErrFile, f.Name, err)
	}
	defer r.Close()
	st, err := r.Stat()
	switch {
	case err != nil:
		return fmt.Errorf("%w: %s: %w", ErrFile, f.Name, err)
	case !st.Mode().IsRegular():
		return fmt.Errorf("%w: %s: not a file", ErrFile, f.Name)
	case f.Size > 0 && st.Size() != f.Size:
		return fmt.Errorf("%w: %s: %d bytes, the manifest says %d", ErrFile, f.Name, st.Size(), f.Size)
	}
	h := sha256.New()
	buf := make([]byte, 1<<20)
	for {
		if err := ctx.Err(); err != nil {
			return err
		}
		n, err := r.Read(buf)
		h.Write(buf[:n])
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return fmt.Errorf("%w: %s: %w", ErrFile, f.Name, err)
		}
	}
	return f.compare(hex.EncodeToString(h.Sum(nil)))
}

// Check compares the whole content of the file with size and hash in the
// manifest. It returns ErrFile when they differ.
func (f File) Check(content []byte) error {
	if f.Size > 0 && int64(len(content)) != f.Size {
		return fmt.Errorf("%w: %s: %d bytes, the manifest says %d", ErrFile, f.Name, len(content), f.Size)
	}
	sum := sha256.Sum256(content)
	return f.compare(hex.EncodeToString(sum[:]))
}

func (f File) compare(hash string) error {
	if hash != f.SHA256 {
		return fmt.Errorf("%w: %s: sha256 %s, the manifest says %s", ErrFile, f.Name, hash, f.SHA256)
	}
	return nil
}

// Fingerprint returns the hex sha256 over everything that decides the vectors:
// the content of the files, the tokenizer, the preprocessing, the names of the
// outputs and the dimension. Names of files and of the model do not count.
func (m *Manifest) Fingerprint() string {
	var b strings.Builder
	line := func(key string, values ...string) {
		b.WriteString(key)
		for _, v := range values {
			b.WriteByte(' ')
			b.WriteString(strconv.Quote(v))
		}
		b.WriteByte('\n')
	}
	// These lines are part of the file format of databases: a change makes
	// every database of the model refuse it.
	line("clipdb model fingerprint 1")
	line("dim", strconv.Itoa(m.Dim))
	line("image", m.Image.SHA256, m.Image.Output)
	line("pixels", strconv.Itoa(m.Image.ImageSize), m.Image.Resize, m.Image.Crop, m.Image.Interpolation)
	line("mean", floats(m.Image.Mean)...)
	line("std", floats(m.Image.Std)...)
	line("text", m.Text.SHA256, m.Text.Output)
	line("tokens", m.Text.Tokenizer, m.Text.VocabSHA256, strconv.FormatBool(m.Text.Lowercase),
		strconv.Itoa(m.Text.ContextLength), strconv.Itoa(int(m.Text.PadID)), strconv.Itoa(len(m.Text.Inputs)))
	// What came later has lines of its own, so that older models keep theirs.
	if m.Text.Clean != "" {
		line("clean", m.Text.Clean)
	}
	if m.Text.PadFull {
		line("pad full")
	}
	for _, x := range m.Extra {
		line("extra", x.For, x.SHA256)
	}
	sum := sha256.Sum256([]byte(b.String()))
	return hex.EncodeToString(sum[:])
}

func floats(v [3]float32) []string {
	s := make([]string, len(v))
	for i, f := range v {
		s[i] = strconv.FormatFloat(float64(f), 'g', -1, 32)
	}
	return s
}
