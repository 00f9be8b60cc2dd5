package library

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/gofrs/flock"
)

// tempPrefix starts the names of everything unfinished in the cache.
const tempPrefix = ".installing-"

// Stage names what Install is doing.
type Stage string

// The stages in the order in which they come; a failed source starts again.
const (
	StageWait     Stage = "wait for another installation"
	StageDownload Stage = "download"
	StageNPM      Stage = "npm pack"
	StageVerify   Stage = "verify"
	StageUnpack   Stage = "unpack"
)

// Progress is one report of Install.
type Progress struct {
	Stage Stage
	What  string // URL, package or file
	Done  int64  // bytes
	Total int64  // bytes, 0 when unknown
}

// InstallOptions say what to install and from where. The zero value fetches
// the pinned library of this platform.
type InstallOptions struct {
	// From is a file or folder to install from without any network: the
	// library itself, the npm tarball, an archive of the official release, or
	// a folder with one of these (an unpacked archive will do).
	From string

	// Cache is the folder to install into; "" means DefaultCache.
	Cache string

	// AllowUnpinned accepts files whose hash is not pinned in this package.
	// What was accepted is recorded and checked ever after.
	AllowUnpinned bool

	// Force fetches and writes the library even when a good one is there.
	Force bool

	// Download fetches the release archive at address into file, of at most
	// limit bytes, and tells moved how many bytes came of how many (0 when
	// unknown). When it is nil the official release is not tried. Package
	// ortlib sets it; this package stays free of any network code.
	Download func(ctx context.Context, address, file string, limit int64, moved func(done, total int64)) error

	// ReleaseURL replaces the address of the official release, for mirrors;
	// the archive's name is appended after a slash and the tag.
	ReleaseURL string

	// NPM is the npm client to call; "" looks for it in PATH.
	NPM string

	// Progress is told what goes on, from the calling goroutine.
	Progress func(Progress)

	platform Platform // zero means the host
}

// Installed is what Install left in the cache.
type Installed struct {
	Library
	Already bool  // a good library was there and nothing was written
	Bytes   int64 // size of the library
}

// Install puts the library of this platform into the cache: from
// InstallOptions.From when set, else from the archive of the official release
// when that can be had, else from the npm package through the npm client,
// without running any script of it. It writes atomically and may run in
// several processes at once; the later ones find the work done.
//
// Errors wrap ErrUnsupported, ErrUnpinned, ErrAltered, ErrArchive or ctx.Err();
// when every source failed, the message tells about each.
func Install(ctx context.Context, opts InstallOptions) (Installed, error) {
	in := installer{opts: opts, platform: opts.platform}
	if in.platform == (Platform{}) {
		in.platform = Host()
	}
	if opts.From == "" {
		if err := in.platform.supported(); err != nil {
			return Installed{}, err
		}
	}
	dir, err := cacheFolder(opts.Cache, in.platform)
	if err != nil {
		return Installed{}, err
	}
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return Installed{}, fmt.Errorf("cache of ONNX Runtime: %w", err)
	}
	in.path = filepath.Join(dir, in.platform.libraryName())

	lock := flock.New(filepath.Join(dir, ".lock"))
	in.progress(StageWait, lock.Path(), 0, 0)
	if _, err := lock.TryLockContext(ctx, 50*time.Millisecond); err != nil {
		return Installed{}, fmt.Errorf("lock of the cache %s: %w", lock.Path(), err)
	}
	defer lock.Unlock()
	clearUnfinished(dir)

	current, ok := in.current(ctx)
	if ok && opts.From == "" && !opts.Force {
		return current, nil
	}
	if in.work, err = os.MkdirTemp(dir, tempPrefix+"*"); err != nil {
		return Installed{}, fmt.Errorf("cache of ONNX Runtime: %w", err)
	}
	defer os.RemoveAll(in.work)

	st, err := in.fetch(ctx)
	if err != nil {
		return Installed{}, err
	}
	if ok && !opts.Force && current.SHA256 == st.rec.SHA256 {
		return current, nil
	}
	if err := in.commit(st); err != nil {
		return Installed{}, fmt.Errorf("write %s: %w", in.path, err)
	}
	return in.installed(st.rec, false), nil
}

// installer is one call of Install, with the lock held.
type installer struct {
	opts     InstallOptions
	platform Platform
	path     string // of the library in the cache
	work     string // scratch folder on the same file system
}

// staged is a checked library in the scratch folder.
type staged struct {
	path string
	rec  record
}

func (in *installer) progress(stage Stage, what string, done, total int64) {
	if in.opts.Progress != nil {
		in.opts.Progress(Progress{Stage: stage, What: what, Done: done, Total: total})
	}
}

// clearUnfinished removes what a killed installation left. The lock is held,
// so nobody is at work on it.
func clearUnfinished(dir string) {
	entries, _ := os.ReadDir(dir)
	for _, e := range entries {
		if strings.HasPrefix(e.Name(), tempPrefix) {
			os.RemoveAll(filepath.Join(dir, e.Name()))
		}
	}
}

// current returns the library in the cache if it is whole and fits.
func (in *installer) current(ctx context.Context) (Installed, bool) {
	rec, err := readRecord(in.path)
	if err != nil {
		return Installed{}, false
	}
	in.progress(StageVerify, in.path, 0, 0)
	hash, size, err := hashFile(ctx, in.path)
	if err != nil || hash != rec.SHA256 || size != rec.Size {
		return Installed{}, false
	}
	if in.check(in.path) != nil {
		return Installed{}, false
	}
	return in.installed(rec, true), true
}

func (in *installer) installed(rec record, already bool) Installed {
	return Installed{
		Library: Library{Path: in.path, Version: rec.Version, Origin: FromCache, SHA256: rec.SHA256,
			Pinned: rec.Pinned, Source: rec.Source, platform: in.platform},
		Already: already,
		Bytes:   rec.Size,
	}
}

// check tells why the library at path does not fit.
func (in *installer) check(path string) error {
	info, err := Inspect(path)
	if err != nil {
		return err
	}
	if info.Platform != in.platform {
		return fmt.Errorf("the library is for %s, this is %s", info.Platform, in.platform)
	}
	return CheckVersion(info.Version)
}

// fetch goes through the sources until one gives a library.
func (in *installer) fetch(ctx context.Context) (staged, error) {
	if in.opts.From != "" {
		file, err := in.local(in.opts.From)
		if err != nil {
			return staged{}, fmt.Errorf("install from %s: %w", in.opts.From, err)
		}
		return in.stage(ctx, file, file, nil)
	}
	var errs []error
	for _, source := range []func(context.Context) (staged, error){in.fromRelease, in.fromNPM} {
		st, err := source(ctx)
		if err == nil {
			return st, nil
		}
		if ctx.Err() != nil {
			return staged{}, ctx.Err()
		}
		errs = append(errs, err)
	}
	return staged{}, fmt.Errorf("ONNX Runtime %s could not be fetched; on a machine without network, "+
		"copy one of the archives over and run: %s --from FILE\n%w", Version, mend, errors.Join(errs...))
}

// stage brings the library out of file, which is a library or an archive, and
// checks it. source is what the record shall say; known is the pin that an
// archive must meet, nil where none is known.
func (in *installer) stage(ctx context.Context, file, source string, known *pin) (staged, error) {
	f, err := os.Open(file)
	if err != nil {
		return staged{}, err
	}
	defer f.Close()
	out := filepath.Join(in.work, "library")
	pinned := false
	switch sniff(f) {
	case kindLibrary:
		in.progress(StageUnpack, file, 0, 0)
		err = writeFile(out, func(w io.Writer) error {
			n, err := io.Copy(w, ctxReader{ctx, io.LimitReader(f, archiveLimits.member+1)})
			if err == nil && n > archiveLimits.member {
				err = fmt.Errorf("more than %d bytes", archiveLimits.member)
			}
			return err
		})
	case kindGzip, kindZip:
		in.progress(StageVerify, file, 0, 0)
		var hash string
		if hash, _, err = hashFile(ctx, file); err != nil {
			return staged{}, err
		}
		if known != nil && hash != known.sha256 {
			return staged{}, fmt.Errorf("%w: %s has sha256 %s, pinned is %s", ErrAltered, source, hash, known.sha256)
		}
		pinned = pinnedArchive(hash)
		in.progress(StageUnpack, file, 0, 0)
		err = writeFile(out, func(w io.Writer) error {
			_, err := extract(ctx, file, in.platform, w)
			return err
		})
	default:
		err = fmt.Errorf("%w: %s is neither a library, nor a gzipped tar, nor a zip file", ErrArchive, file)
	}
	if err != nil {
		return staged{}, fmt.Errorf("unpack %s: %w", file, err)
	}
	in.progress(StageVerify, source, 0, 0)
	hash, size, err := hashFile(ctx, out)
	if err != nil {
		return staged{}, err
	}
	pinned = pinned || pinnedLibrary(in.platform, hash)
	if !pinned && !in.opts.AllowUnpinned {
		return staged{}, fmt.Errorf("%w: the library from %s has sha256 %s; compare it with what its maker publishes, "+
			"and allow files without a pin if you trust it", ErrUnpinned, source, hash)
	}
	if err := in.check(out); err != nil {
		return staged{}, fmt.Errorf("library from %s: %w", source, err)
	}
	info, err := Inspect(out)
	if err != nil {
		return staged{}, err
	}
	if pinned {
		info.Version = Version // known better than the headers tell
	}
	return staged{out, record{Version: info.Version, Platform: in.platform.String(), SHA256: hash, Size: size,
		Pinned: pinned, Source: source, Installed: time.Now().UTC().Truncate(time.Second)}}, nil
}

// commit puts a staged library in place. The record goes first: a library
// without its record is never used, a record without its library is only a
// note. When the library cannot be replaced (Windows holds loaded ones), the
// old record comes back.
func (in *installer) commit(st staged) error {
	old, oldErr := os.ReadFile(recordPath(in.path))
	data, err := json.MarshalIndent(st.rec, "", "  ")
	if err != nil {
		return err
	}
	if err := writeBytes(recordPath(in.path), append(data, '\n')); err != nil {
		return err
	}
	if err := os.Rename(st.path, in.path); err != nil {
		if oldErr == nil {
			err = errors.Join(err, writeBytes(recordPath(in.path), old))
		}
		return err
	}
	syncDir(filepath.Dir(in.path))
	return nil
}

func writeBytes(path string, data []byte) error {
	return writeFile(path, func(w io.Writer) error {
		_, err := w.Write(data)
		return err
	})
}
