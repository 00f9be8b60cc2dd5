package storage

import (
	"cmp"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"math"
	"os"
	"path/filepath"
	"runtime"
	"runtime/debug"
	"sync"
	"time"

	"go.etcd.io/bbolt"
	bolterrors "go.etcd.io/bbolt/errors"
)

// pageSize of new files, whatever the system's own: a file then looks the same
// everywhere.
const pageSize = 4096

// fileMode of new files: pictures and captions are their owner's own.
const fileMode = 0o600

// Open opens the database file at path, and creates it when there is none,
// unless Options.ReadOnly. Before anything is written to an existing file it
// is read and checked: the head, the list of free pages and the upper pages of
// the trees (Check looks at everything). What is no clipdb file, or damaged,
// or too new, is left as it was.
func Open(path string, o *Options) (*Store, error) {
	if o == nil {
		o = &Options{}
	}
	s := &Store{
		path:     path,
		readOnly: o.ReadOnly || o.Salvage,
		salvage:  o.Salvage,
		wait:     cmp.Or(o.LockTimeout, defaultLockTimeout),
		maxBlob:  min(cmp.Or(max(o.MaxBlob, 0), defaultMaxBlob), maxPlain),
		log:      cmp.Or(o.Logger, slog.New(slog.DiscardHandler)),
	}
	s.turn = sync.NewCond(&s.mu)
	if err := s.openFile(); err != nil {
		return nil, fmt.Errorf("open %s: %w", path, err)
	}
	return s, nil
}

func (s *Store) openFile() error {
	defer debug.SetPanicOnFault(debug.SetPanicOnFault(true))
	deadline := time.Now().Add(s.wait)
	for {
		again, err := s.tryOpen(deadline)
		if !again || err != nil {
			return err
		}
	}
}

// tryOpen asks for another try when the file was replaced, by the Compact of
// another process, between its opening and its locking.
func (s *Store) tryOpen(deadline time.Time) (again bool, err error) {
	size, err := s.look()
	if err != nil {
		return false, err
	}
	created := size <= 0
	if created && s.readOnly {
		return false, fmt.Errorf("%w: the file is empty", ErrNotDatabase)
	}
	var g *generation
	if !created {
		// A reader changes nothing, so it goes first.
		g, err = openBolt(s.file, true, size, deadline)
		if err != nil {
			return false, err
		}
		format, err := s.inspect(g)
		if err == nil {
			err = s.accept(format)
		}
		if err != nil || !s.readOnly {
			err = errors.Join(err, g.close())
		}
		if err != nil {
			return false, err
		}
	}
	if !s.readOnly {
		if g, err = openBolt(s.file, false, size, deadline); err != nil {
			return false, err
		}
	}
	if !sameFile(s.file, g.file) {
		return time.Now().Before(deadline), errors.Join(g.close(), ifLate(deadline))
	}
	if err := s.begun(g, created); err != nil {
		return false, errors.Join(err, g.close())
	}
	s.now = g
	s.open.Add(1)
	return false, nil
}

func ifLate(deadline time.Time) error {
	if time.Now().After(deadline) {
		return fmt.Errorf("%w: it keeps being replaced", ErrLocked)
	}
	return nil
}

// look finds out what lies at the path, without opening it for writing. The
// size is -1 when nothing does.
func (s *Store) look() (size int64, err error) {
	s.file, err = filepath.Abs(s.path)
	if err != nil {
		return 0, err
	}
	if real, err := filepath.EvalSymlinks(s.file); err == nil {
		s.file = real
	}
	info, err := os.Stat(s.file)
	switch {
	case errors.Is(err, fs.ErrNotExist) && !s.readOnly:
		return -1, nil
	case err != nil:
		return 0, err
	case info.IsDir():
		return 0, fmt.Errorf("%w: it is a folder", ErrNotDatabase)
	case !info.Mode().IsRegular():
		return 0, fmt.Errorf("%w: it is no regular file", ErrNotDatabase)
	case info.Size() == 0:
		return 0, nil
	}
	f, err := os.Open(s.file)
	if err != nil {
		return 0, err
	}
	defer f.Close()
	// Whoever writes at the same time keeps one of the two heads valid, and
	// makes the file longer before the head says so.
	l, err := readLayout(f, info.Size())
	switch {
	case errors.Is(err, errNoMeta) && onlyZeros(f):
		return 0, fmt.Errorf("%w: it holds nothing but zeros, as after a power cut while it was made; remove it", ErrNotDatabase)
	case errors.Is(err, errNoMeta):
		return 0, fmt.Errorf("%w: its %d bytes do not begin like one", ErrNotDatabase, info.Size())
	case errors.Is(err, errBadMeta):
		return 0, fmt.Errorf("%w: both of its heads; restore a backup", ErrCorrupt)
	case err != nil:
		return 0, err
	case !l.whole() && !s.salvage:
		return 0, fmt.Errorf("%w: the file is cut short, %d bytes of %d; restore a backup", ErrCorrupt, info.Size(), int64(l.limit)*l.pageSize)
	}
	return info.Size(), nil
}

// onlyZeros looks at the beginning of a file.
func onlyZeros(f *os.File) bool {
	buf := make([]byte, 16<<10)
	n, err := f.ReadAt(buf, 0)
	return (err == nil || errors.Is(err, io.EOF)) && allZero(buf[:n])
}

// accept says whether a file of this format can be opened.
func (s *Store) accept(format int) error {
	switch {
	case format > Format:
		return fmt.Errorf("%w: its format is %d, this version knows up to %d", ErrNewerFormat, format, Format)
	case format == 0 && s.readOnly:
		return fmt.Errorf("%w: nothing was written to it yet", ErrNotDatabase)
	case format < Format && s.readOnly:
		return fmt.Errorf("%w: its format is %d; open it for writing once to bring it to %d", ErrOlderFormat, format, Format)
	}
	return nil
}

// begun readies a file that is locked now.
func (s *Store) begun(g *generation, created bool) error {
	format, err := s.inspect(g)
	if err == nil {
		err = s.accept(format)
	}
	if err != nil {
		return err
	}
	if !s.readOnly {
		if err := s.ready(g, format); err != nil {
			return err
		}
		removeLeftover(s.file, s.log)
	}
	if created {
		if real, err := filepath.EvalSymlinks(s.file); err == nil {
			s.file = real // there was a link to nothing
		}
		if err := syncDir(filepath.Dir(s.file)); err != nil {
			return err
		}
	}
	s.format = Format
	return nil
}

// ready fills a new file or migrates an old one.
func (s *Store) ready(g *generation, format int) (err error) {
	defer recovered(&err)
	switch {
	case format == 0:
		return g.db.Update(initialise)
	case format < Format:
		s.log.Info("bringing the database to a newer format", "path", s.path, "from", format, "to", Format)
		return g.db.Update(func(tx *bbolt.Tx) error { return migrate(tx, format, Format, migrations) })
	}
	return s.mendHead(g)
}

// mendHead writes the meta pages anew when a power cut has spoilt one of them,
// so that there are two to choose from again. bbolt takes turns between them.
func (s *Store) mendHead(g *generation) error {
	for range 2 {
		info, err := g.file.Stat()
		if err != nil {
			return err
		}
		if l, err := readLayout(g.file, info.Size()); err != nil || !l.spoilt {
			return err
		}
		s.log.Warn("one of the two heads of the file was damaged; it is written anew", "path", s.path)
		if err := g.db.Update(func(*bbolt.Tx) error { return nil }); err != nil {
			return err
		}
	}
	return nil
}

// inspect looks at the structure of an open file, at its format number and at
// the few values that everything else hangs on.
func (s *Store) inspect(g *generation) (format int, err error) {
	if err := s.inspectPages(g); err != nil {
		return 0, fmt.Errorf("%w: %w; restore a backup", ErrCorrupt, err)
	}
	defer recovered(&err)
	err = g.db.View(func(tx *bbolt.Tx) error {
		if format, err = readFormat(tx); err != nil || format != Format {
			return err
		}
		err := checkHeads(tx)
		if err != nil && s.salvage {
			s.log.Warn("the database is damaged", "path", s.path, "error", err)
			return nil
		}
		return err
	})
	return format, err
}

func (s *Store) inspectPages(g *generation) error {
	info, err := g.file.Stat()
	if err != nil {
		return err
	}
	l, err := readLayout(g.file, info.Size())
	switch {
	case err != nil:
		return err
	case !s.salvage:
		return l.checkQuick()
	}
	return l.checkPassable(func(err error) {
		s.log.Warn("the structure of the database is damaged", "path", s.path, "error", err)
	})
}

// checkHeads verifies the counters and the named values: a missing or wrong
// one of them would be taken for a new database.
func checkHeads(tx *bbolt.Tx) error {
	for b := range bucketCount {
		if tx.Bucket(b.name()) == nil {
			return fmt.Errorf("%w: bucket %s is missing", ErrCorrupt, bucketNames[b])
		}
	}
	if _, err := decodeState(tx.Bucket(bucketClipdb.name()).Get(stateKey)); err != nil {
		return located(err, bucketClipdb, "state")
	}
	return tx.Bucket(bucketMeta.name()).ForEach(func(k, v []byte) error {
		if _, err := unseal(k, v); err != nil {
			return located(err, bucketMeta, string(k))
		}
		return nil
	})
}

// openBolt opens and locks a file of about that size with bbolt.
func openBolt(path string, readOnly bool, size int64, deadline time.Time) (_ *generation, err error) {
	g := &generation{}
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("%w: %v", ErrCorrupt, p)
		}
		if err != nil && g.file != nil {
			// bbolt has closed it, unless it panicked.
			_ = g.file.Close()
		}
	}()
	o := &bbolt.Options{
		Timeout:         max(time.Until(deadline), 1),
		ReadOnly:        readOnly,
		FreelistType:    bbolt.FreelistMapType,
		PageSize:        pageSize,
		InitialMmapSize: mapSize(size, readOnly),
		OpenFile: func(name string, flag int, mode os.FileMode) (f *os.File, err error) {
			f, err = os.OpenFile(name, flag, mode)
			g.file = f
			return f, err
		},
	}
	g.db, err = bbolt.Open(path, fileMode, o)
	if err != nil && o.InitialMmapSize > 0 && !errors.Is(err, bolterrors.ErrTimeout) {
		// The address space may be rationed (ulimit -v): take what is needed.
		o.InitialMmapSize = 0
		g.db, err = bbolt.Open(path, fileMode, o)
	}
	switch {
	case errors.Is(err, bolterrors.ErrTimeout):
		return nil, fmt.Errorf("%w; close it there, or wait longer with Options.LockTimeout", ErrLocked)
	case errors.Is(err, bolterrors.ErrInvalid), errors.Is(err, bolterrors.ErrChecksum), errors.Is(err, bolterrors.ErrVersionMismatch):
		return nil, fmt.Errorf("%w: %w", ErrCorrupt, err)
	case err != nil:
		return nil, err
	}
	g.db.AllocSize = allocSize(g.file)
	return g, nil
}

func (g *generation) close() (err error) {
	defer recovered(&err)
	return g.db.Close()
}

// mapSize is how much address space to reserve for the memory map. bbolt must
// wait for every reader when it outgrows its map, and new readers then wait
// for it; a long backup would stop everybody. Address space costs nothing on
// 64 bits, but Windows would make the file that large.
func mapSize(size int64, readOnly bool) int {
	if readOnly || runtime.GOOS == "windows" || math.MaxInt == math.MaxInt32 {
		return 0
	}
	return int(16<<30 + 4*max(size, 0))
}

// allocSize is by how much the file grows at a time: an eighth, so that small
// files stay small and large ones do not grow at every commit.
func allocSize(f *os.File) int {
	const least, most = 64 << 10, 64 << 20
	info, err := f.Stat()
	if err != nil {
		return least
	}
	size := int(min(max(info.Size()/8, least), most))
	return size &^ (pageSize - 1)
}

func sameFile(path string, f *os.File) bool {
	a, err := os.Stat(path)
	if err != nil {
		return false
	}
	b, err := f.Stat()
	return err == nil && os.SameFile(a, b)
}

// recovered turns a panic of bbolt into an error.
func recovered(err *error) {
	if p := recover(); p != nil {
		*err = fmt.Errorf("%w: %v", ErrCorrupt, p)
	}
}
