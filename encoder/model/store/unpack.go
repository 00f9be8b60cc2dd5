package store

import (
	"archive/tar"
	"archive/zip"
	"bufio"
	"compress/gzip"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
)

// Limits on archives.
const (
	maxArchiveFiles = 4096
	maxArchiveBytes = 64 << 30
)

// unpack writes the files of an archive below a folder. Links, devices and
// names that leave the folder are refused.
func unpack(ctx context.Context, archive, dir string) error {
	f, err := os.Open(archive)
	if err != nil {
		return err
	}
	defer f.Close()
	u := &unpacker{ctx: ctx, dir: dir}
	buffered := bufio.NewReader(f)
	magic, _ := buffered.Peek(4)
	switch {
	case strings.HasPrefix(string(magic), "PK"):
		info, err := f.Stat()
		if err != nil {
			return err
		}
		z, err := zip.NewReader(f, info.Size())
		if err != nil {
			return fmt.Errorf("%w: %w", ErrArchive, err)
		}
		return u.zip(z)
	case strings.HasPrefix(string(magic), "\x1f\x8b"):
		g, err := gzip.NewReader(buffered)
		if err != nil {
			return fmt.Errorf("%w: %w", ErrArchive, err)
		}
		return u.tar(tar.NewReader(g))
	}
	return u.tar(tar.NewReader(buffered))
}

type unpacker struct {
	ctx   context.Context
	dir   string
	files int
	bytes int64
}

func (u *unpacker) tar(r *tar.Reader) error {
	for {
		h, err := r.Next()
		if errors.Is(err, io.EOF) {
			if u.files == 0 {
				return fmt.Errorf("%w: it holds no files", ErrArchive)
			}
			return nil
		}
		if err != nil {
			return fmt.Errorf("%w: %w (want .tar, .tar.gz or .zip)", ErrArchive, err)
		}
		switch h.Typeflag {
		case tar.TypeReg:
			err = u.file(h.Name, h.Size, r)
		case tar.TypeDir, tar.TypeXGlobalHeader:
		default:
			err = fmt.Errorf("%w: %q is a link or a device", ErrArchive, h.Name)
		}
		if err != nil {
			return err
		}
	}
}

func (u *unpacker) zip(z *zip.Reader) error {
	for _, f := range z.File {
		switch mode := f.Mode(); {
		case mode.IsDir():
			continue
		case !mode.IsRegular():
			return fmt.Errorf("%w: %q is a link or a device", ErrArchive, f.Name)
		}
		r, err := f.Open()
		if err != nil {
			return fmt.Errorf("%w: %s: %w", ErrArchive, f.Name, err)
		}
		err = u.file(f.Name, int64(f.UncompressedSize64), r)
		r.Close()
		if err != nil {
			return err
		}
	}
	if u.files == 0 {
		return fmt.Errorf("%w: it holds no files", ErrArchive)
	}
	return nil
}

func (u *unpacker) file(name string, size int64, r io.Reader) (err error) {
	name = strings.TrimPrefix(name, "./")
	u.files++
	u.bytes += size
	switch {
	case !fs.ValidPath(name) || !filepath.IsLocal(filepath.FromSlash(name)) || strings.ContainsAny(name, `\:`):
		return fmt.Errorf("%w: %q leaves the folder", ErrArchive, name)
	case u.files > maxArchiveFiles:
		return fmt.Errorf("%w: more than %d files", ErrArchive, maxArchiveFiles)
	case size < 0 || u.bytes > maxArchiveBytes:
		return fmt.Errorf("%w: more than %d bytes", ErrArchive, int64(maxArchiveBytes))
	}
	to := filepath.Join(u.dir, filepath.FromSlash(name))
	if err := os.MkdirAll(filepath.Dir(to), 0o755); err != nil {
		return err
	}
	w, err := os.OpenFile(to, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o644)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, w.Close()) }()
	// What the archive says of its sizes is not to be trusted.
	n, err := io.Copy(w, io.LimitReader(&contextReader{u.ctx, r}, size+1))
	switch {
	case u.ctx.Err() != nil:
		return u.ctx.Err()
	case err != nil:
		return fmt.Errorf("%w: %s: %w", ErrArchive, name, err)
	case n != size:
		return fmt.Errorf("%w: %s has another size than the archive says", ErrArchive, name)
	}
	return nil
}

// contextReader ends when its context does.
type contextReader struct {
	ctx context.Context
	r   io.Reader
}

func (c *contextReader) Read(p []byte) (int, error) {
	if err := c.ctx.Err(); err != nil {
		return 0, err
	}
	return c.r.Read(p)
}

// inner returns the one folder that dir holds alone, or dir.
func inner(dir string) string {
	entries, err := os.ReadDir(dir)
	if err != nil || len(entries) != 1 || !entries[0].IsDir() || entries[0].Name() == "onnx" {
		return dir
	}
	return filepath.Join(dir, entries[0].Name())
}

// archiveName is the name of an archive without its endings.
func archiveName(name string) string {
	for _, ending := range []string{".gz", ".tgz", ".tar", ".zip"} {
		name = strings.TrimSuffix(name, ending)
	}
	return name
}
