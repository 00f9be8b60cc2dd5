package storage

import (
	"fmt"
	"log/slog"
	"os"
	"runtime/debug"
	"sync"
	"time"

	"go.etcd.io/bbolt"
)

// Options of Open. A nil *Options and the zero value are good defaults.
type Options struct {
	// ReadOnly opens an existing file for reading, together with other
	// readers; nothing is written to it, not even to mend it.
	ReadOnly bool

	// Salvage opens a damaged file, for reading, to save what can be read:
	// faults in its structure are logged instead of refused, and each read
	// answers for itself. Only a file that would lead in circles, or that
	// does not tell its format, is still refused.
	Salvage bool

	// LockTimeout is how long to wait for another process to let go of the
	// file; 0 is one second, a negative value does not wait at all.
	LockTimeout time.Duration

	// MaxBlob is the largest blob that PutBlob takes, in bytes; 0 is 256 MiB,
	// and 1 GiB the most. Blobs that are stored stay readable.
	MaxBlob int64

	// Logger is told of migrations, leftovers and damaged index pages; nil is
	// silent.
	Logger *slog.Logger
}

const (
	defaultLockTimeout = time.Second
	defaultMaxBlob     = 256 << 20
)

// Store is an open file. Its methods are safe for several goroutines.
type Store struct {
	path     string // as given to Open
	file     string // the same, absolute and without symbolic links
	readOnly bool
	salvage  bool
	wait     time.Duration
	maxBlob  int64
	format   int
	log      *slog.Logger
	zstd     compressor

	write  sync.Mutex // held by whatever changes the file: Update, Compact
	failed error      // the first commit that failed; guarded by write

	mu       sync.Mutex // guards what follows
	turn     *sync.Cond // told when transactions end and when draining does
	now      *generation
	draining bool // Compact waits for readers to leave; new ones wait for it
	closed   bool
	open     sync.WaitGroup // generations that are not closed yet
}

// generation is one open bbolt file. Compact begins a new one; readers of the
// old one finish there, and the last of them closes it.
type generation struct {
	db      *bbolt.DB
	file    *os.File // bbolt's own, for reading pages around it
	users   int
	retired bool
}

// Path is the path that was given to Open.
func (s *Store) Path() string { return s.path }

// Format is the format number of the open file.
func (s *Store) Format() int { return s.format }

// ReadOnly reports whether the Store was opened for reading only.
func (s *Store) ReadOnly() bool { return s.readOnly }

// View runs fn in a read transaction, which sees the state of this moment. It
// returns the error of fn, or else the first damage met (see Tx.Err).
func (s *Store) View(fn func(*Tx) error) (err error) {
	g, err := s.acquire()
	if err != nil {
		return err
	}
	defer s.release(g)
	t, err := s.begin(g, false)
	if err != nil {
		return err
	}
	return t.run(fn)
}

// Update runs fn in a write transaction; there is one at a time, others wait.
// When it returns nil, what fn has written is on the disk. When fn returns an
// error or panics, or the commit fails, nothing of it is kept.
func (s *Store) Update(fn func(*Tx) error) (err error) {
	if s.readOnly {
		return fmt.Errorf("%s: %w", s.path, ErrReadOnly)
	}
	s.write.Lock()
	defer s.write.Unlock()
	if s.failed != nil {
		return fmt.Errorf("%w (%w)", ErrFailed, s.failed)
	}
	g, err := s.acquire()
	if err != nil {
		return err
	}
	defer s.release(g)
	t, err := s.begin(g, true)
	if err != nil {
		return err
	}
	return t.run(func(t *Tx) error {
		if err := fn(t); err != nil {
			return err
		}
		if t.err != nil {
			return t.err
		}
		if err := t.flush(); err != nil {
			return err
		}
		return t.commit()
	})
}

// begin starts a bbolt transaction.
func (s *Store) begin(g *generation, writable bool) (_ *Tx, err error) {
	t := &Tx{s: s, writable: writable}
	defer t.guard(&err, bucketClipdb)
	if writable {
		g.db.AllocSize = allocSize(g.file)
	}
	t.b, err = g.db.Begin(writable)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", s.path, err)
	}
	return t, nil
}

// run calls fn and ends the transaction, whatever fn does. Faults of the
// memory map (the disk cannot give a page, or the file was cut short by
// somebody else) are panics while it runs, and become ErrCorrupt.
func (t *Tx) run(fn func(*Tx) error) (err error) {
	defer debug.SetPanicOnFault(debug.SetPanicOnFault(true))
	defer t.end(&err)
	defer t.fault(&err)
	if err = fn(t); err == nil {
		err = t.err
	}
	return err
}

// fault turns a fault in fn itself, which reads pages too, into an error;
// other panics of fn go on up.
func (t *Tx) fault(err *error) {
	p := recover()
	if p == nil {
		return
	}
	fault, ok := p.(interface{ Addr() uintptr })
	if !ok {
		panic(p)
	}
	*err = fmt.Errorf("%w: a page of %s cannot be read (%v)", ErrCorrupt, t.s.path, fault)
}

// end rolls back what was not committed.
func (t *Tx) end(err *error) {
	b := t.b
	t.b = nil
	if b == nil {
		return
	}
	var rolled error
	func() {
		defer t.guard(&rolled, bucketClipdb)
		rolled = b.Rollback()
	}()
	if rolled != nil && *err == nil {
		*err = rolled
	}
}

// commit writes the transaction to the disk.
func (t *Tx) commit() (err error) {
	if !t.dirty {
		return nil
	}
	b := t.b
	func() {
		defer t.guard(&err, bucketClipdb)
		err = b.Commit()
	}()
	if err == nil {
		t.b = nil
		return nil
	}
	// What of the commit has reached the disk nobody knows: bbolt may see the
	// new head and hold the old list of free pages. More writes could destroy
	// what is there.
	t.s.failed = err
	return fmt.Errorf("%s: committing: %w", t.s.path, err)
}

// acquire enters the current generation.
func (s *Store) acquire() (*generation, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for s.draining && !s.closed {
		s.turn.Wait()
	}
	if s.closed {
		return nil, fmt.Errorf("%s: %w", s.path, ErrClosed)
	}
	s.now.users++
	return s.now, nil
}

// release leaves a generation, and closes one that is retired when the last
// user leaves it.
func (s *Store) release(g *generation) {
	s.mu.Lock()
	g.users--
	last := g.users == 0
	if last {
		s.turn.Broadcast()
	}
	last = last && g.retired
	s.mu.Unlock()
	if last {
		s.shut(g)
	}
}

// shut closes the bbolt file of a generation.
func (s *Store) shut(g *generation) error {
	defer s.open.Done()
	return g.close()
}

// Close waits for running transactions, closes the file and frees it for other
// processes. Later calls return ErrClosed, a second Close nil.
func (s *Store) Close() error {
	s.write.Lock()
	defer s.write.Unlock()
	s.mu.Lock()
	if s.closed {
		s.mu.Unlock()
		return nil
	}
	s.closed = true
	s.turn.Broadcast()
	g := s.now
	for g.users > 0 {
		s.turn.Wait()
	}
	s.mu.Unlock()
	err := s.shut(g)
	s.open.Wait()
	s.zstd.close()
	if err != nil {
		return fmt.Errorf("closing %s: %w", s.path, err)
	}
	return nil
}
