package library

import (
	"archive/tar"
	"archive/zip"
	"compress/gzip"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path"
	"path/filepath"
	"strings"
)

// limits bound what an archive may cost.
type limits struct {
	archive  int64 // bytes of the archive itself
	unpacked int64 // bytes unpacked until the library is found
	member   int64 // bytes of the library inside
	entries  int
}

// archiveLimits are far above the real sizes (101 MB packed, 271 MB unpacked,
// 43 entries), so that a crafted archive can waste little.
var archiveLimits = limits{archive: 512 << 20, unpacked: 1 << 30, member: 256 << 20, entries: 10_000}

// extract writes the library of platform p inside the archive at src to w,
// and returns the name of the member. The member's own name is never used as
// a path; an archive with names that point outside of itself is refused.
func extract(ctx context.Context, src string, p Platform, w io.Writer) (member string, err error) {
	f, err := os.Open(src)
	if err != nil {
		return "", err
	}
	defer f.Close()
	st, err := f.Stat()
	if err != nil {
		return "", err
	}
	name := filepath.Base(src)
	member, err = archiveLimits.extract(ctx, f, st.Size(), p, w)
	if err != nil {
		return "", fmt.Errorf("%s: %w", name, err)
	}
	return member, nil
}

// extract is the function extract on an open archive, gzipped tar or zip.
func (l limits) extract(ctx context.Context, r io.ReaderAt, size int64, p Platform, w io.Writer) (member string, err error) {
	defer func() {
		if e := recover(); e != nil {
			member, err = "", fmt.Errorf("%w: %v", ErrArchive, e)
		}
	}()
	if size > l.archive {
		return "", fmt.Errorf("%w: %d bytes, the limit is %d", ErrArchive, size, l.archive)
	}
	switch sniff(r) {
	case kindGzip:
		return l.extractTar(ctx, io.NewSectionReader(r, 0, size), p, w)
	case kindZip:
		return l.extractZip(ctx, r, size, p, w)
	}
	return "", fmt.Errorf("%w: neither a gzipped tar nor a zip file", ErrArchive)
}

// kind is what the first bytes of a file say it is.
type kind int

const (
	kindOther kind = iota
	kindGzip
	kindZip
	kindLibrary
)

func sniff(r io.ReaderAt) kind {
	var m [4]byte
	if _, err := r.ReadAt(m[:], 0); err != nil {
		return kindOther
	}
	switch s := string(m[:]); {
	case s[:2] == "\x1f\x8b":
		return kindGzip
	case s == "PK\x03\x04":
		return kindZip
	case s == "\x7fELF", s == "\xcf\xfa\xed\xfe", s[:2] == "MZ":
		return kindLibrary
	}
	return kindOther
}

func (l limits) extractTar(ctx context.Context, r io.Reader, p Platform, w io.Writer) (string, error) {
	gz, err := gzip.NewReader(ctxReader{ctx, r})
	if err != nil {
		return "", fmt.Errorf("%w: %w", ErrArchive, err)
	}
	defer gz.Close()
	unpacked := &io.LimitedReader{R: gz, N: l.unpacked}
	tr := tar.NewReader(unpacked)
	for n := 0; ; n++ {
		h, err := tr.Next()
		switch {
		case unpacked.N <= 0:
			return "", fmt.Errorf("%w: unpacks to more than %d bytes", ErrArchive, l.unpacked)
		case errors.Is(err, io.EOF):
			return "", noMember(p)
		case err != nil:
			return "", broken(ctx, err)
		case n >= l.entries:
			return "", fmt.Errorf("%w: more than %d entries", ErrArchive, l.entries)
		}
		if err := checkMember(h.Name); err != nil {
			return "", err
		}
		if h.Typeflag != tar.TypeReg || !wantedMember(h.Name, p) {
			continue
		}
		return h.Name, l.copyMember(ctx, w, tr, h.Name, h.Size)
	}
}

func (l limits) extractZip(ctx context.Context, r io.ReaderAt, size int64, p Platform, w io.Writer) (string, error) {
	zr, err := zip.NewReader(r, size)
	if err != nil && !errors.Is(err, zip.ErrInsecurePath) {
		return "", fmt.Errorf("%w: %w", ErrArchive, err)
	}
	if len(zr.File) > l.entries {
		return "", fmt.Errorf("%w: more than %d entries", ErrArchive, l.entries)
	}
	var wanted *zip.File
	for _, f := range zr.File {
		if err := checkMember(f.Name); err != nil {
			return "", err
		}
		if wanted == nil && f.Mode().IsRegular() && wantedMember(f.Name, p) {
			wanted = f
		}
	}
	if wanted == nil {
		return "", noMember(p)
	}
	if wanted.UncompressedSize64 > uint64(l.member) {
		return "", l.tooLarge(wanted.Name)
	}
	rc, err := wanted.Open()
	if err != nil {
		return "", fmt.Errorf("%w: %w", ErrArchive, err)
	}
	defer rc.Close()
	return wanted.Name, l.copyMember(ctx, w, ctxReader{ctx, rc}, wanted.Name, int64(wanted.UncompressedSize64))
}

// checkMember refuses names that point outside of the archive.
func checkMember(name string) error {
	clean := strings.TrimPrefix(strings.ReplaceAll(name, `\`, "/"), "./")
	if clean == "" || name == "./" || name == "." {
		return nil
	}
	if path.IsAbs(clean) || !filepath.IsLocal(filepath.FromSlash(clean)) || strings.Contains("/"+clean+"/", "/../") || strings.Contains(clean, ":") {
		return fmt.Errorf("%w: member %q points outside of the archive", ErrArchive, name)
	}
	return nil
}

// wantedMember reports whether a member is the library for p. Packages for
// several platforms keep them apart by folder; release archives hold one.
func wantedMember(name string, p Platform) bool {
	name = path.Clean(strings.ReplaceAll(name, `\`, "/"))
	if !p.isLibraryName(path.Base(name)) {
		return false
	}
	dir := "/" + path.Dir(name) + "/"
	if i := strings.Index(dir, "/bin/napi-v"); i >= 0 {
		return strings.HasSuffix(dir, "/"+p.npmDir()+"/")
	}
	return true
}

func (l limits) copyMember(ctx context.Context, w io.Writer, r io.Reader, name string, size int64) error {
	if size > l.member {
		return l.tooLarge(name)
	}
	out := &writer{w: w}
	n, err := io.Copy(out, io.LimitReader(r, l.member+1))
	switch {
	case out.err != nil:
		return out.err
	case err != nil:
		return broken(ctx, err)
	case n > l.member:
		return l.tooLarge(name)
	case n != size:
		return fmt.Errorf("%w: member %s has %d bytes, its header says %d", ErrArchive, name, n, size)
	}
	return nil
}

// writer remembers its own error, so that a full disk is not taken for a
// broken archive.
type writer struct {
	w   io.Writer
	err error
}

func (o *writer) Write(p []byte) (int, error) {
	n, err := o.w.Write(p)
	o.err = err
	return n, err
}

func (l limits) tooLarge(name string) error {
	return fmt.Errorf("%w: member %s has more than %d bytes", ErrArchive, name, l.member)
}

func noMember(p Platform) error {
	return fmt.Errorf("%w: holds no %s for %s", ErrArchive, p.libraryPattern(), p)
}

// broken tells a broken archive from a context that ended.
func broken(ctx context.Context, err error) error {
	if ctx.Err() != nil {
		return ctx.Err()
	}
	return fmt.Errorf("%w: %w", ErrArchive, err)
}
