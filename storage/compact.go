package storage

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"runtime"
	"time"

	"go.etcd.io/bbolt"
)

// leftoverSuffix names the file that Compact writes beside the database. One
// that a crash has left behind is removed when the database is next opened.
const leftoverSuffix = ".compacting"

// renameOpen says whether an open file can be renamed over another open one.
var renameOpen = runtime.GOOS != "windows"

// Compact rewrites the database into a new file beside it and puts that in its
// place. The new file holds what is live and nothing else: bytes of deleted
// records, images and vectors are gone, and the room they took is given back.
// It needs free space for the live data while it runs.
//
// Reads go on meanwhile (on Windows they wait while the files change places);
// writes wait. When it fails, ctx ends, or the machine stops, the old file is
// still in place, whole; the new one appears by one atomic rename, after it
// was written to the disk and its structure was checked.
func (s *Store) Compact(ctx context.Context) error {
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
	if err := s.compact(ctx, g); err != nil {
		return fmt.Errorf("compacting %s: %w", s.path, err)
	}
	return nil
}

// compact releases g, which it may have to close on the way.
func (s *Store) compact(ctx context.Context, g *generation) error {
	tmp := s.file + leftoverSuffix
	next, err := s.rewrite(ctx, g, tmp)
	if err == nil && !renameOpen {
		s.release(g)
		return s.swapClosed(ctx, next, tmp)
	}
	defer s.release(g)
	if err == nil {
		err = os.Rename(tmp, s.file)
	}
	if err != nil {
		return errors.Join(err, discard(next, tmp))
	}
	s.replace(next)
	if err := syncDir(filepath.Dir(s.file)); err != nil {
		// A power cut may bring the old file back, and with it the loss of
		// whatever is written from now on.
		s.failed = err
		return fmt.Errorf("the new file is in place, but its name may not be on the disk: %w", err)
	}
	return nil
}

// replace makes the new file, which stays open and locked all the time, the
// current one. Readers of the old file finish there.
func (s *Store) replace(next *generation) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.now.retired = true
	s.now = next
	s.open.Add(1)
}

func discard(g *generation, tmp string) error {
	var err error
	if g != nil {
		err = g.close()
	}
	if e := os.Remove(tmp); e != nil && !errors.Is(e, fs.ErrNotExist) {
		err = errors.Join(err, e)
	}
	return err
}

// rewrite copies what is live into a new file, on the disk when it returns.
// Both files are looked at page by page: the old one since bbolt must not be
// led astray, the new one since nothing unsound may take its place.
func (s *Store) rewrite(ctx context.Context, g *generation, tmp string) (next *generation, err error) {
	if err := g.verify(ctx); err != nil {
		return nil, err
	}
	info, err := g.file.Stat()
	if err != nil {
		return nil, err
	}
	if err := os.Remove(tmp); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, err
	}
	next, err = openBolt(tmp, false, info.Size(), time.Now().Add(time.Second))
	if err != nil {
		return nil, err
	}
	// The new file is nobody's yet: one sync at the end makes it durable, and
	// only then does it get its name.
	next.db.NoSync, next.db.NoGrowSync = true, true
	if err := takeOver(next.file, info); err != nil {
		return next, err
	}
	t, err := s.begin(g, false)
	if err != nil {
		return next, err
	}
	err = t.run(func(t *Tx) error {
		c := copier{ctx: ctx, dst: next}
		return c.copyAll(t.b)
	})
	if err != nil {
		return next, err
	}
	if err := next.file.Sync(); err != nil {
		return next, err
	}
	next.db.NoSync, next.db.NoGrowSync = false, false
	return next, next.verify(ctx)
}

// verify looks at the structure of the whole file.
func (g *generation) verify(ctx context.Context) error {
	info, err := g.file.Stat()
	if err != nil {
		return err
	}
	l, err := readLayout(g.file, info.Size())
	if err != nil {
		return err
	}
	var first error
	err = l.checkAll(ctx, func(err error) {
		if first == nil {
			first = fmt.Errorf("%w: %w", ErrCorrupt, err)
		}
	})
	return errors.Join(err, first)
}

// swapClosed puts the new file in place where open files cannot be renamed: it
// waits for all readers, closes both files, and opens whichever is in place
// afterwards.
func (s *Store) swapClosed(ctx context.Context, next *generation, tmp string) error {
	old, err := s.drain(ctx)
	if err != nil {
		return errors.Join(err, discard(next, tmp))
	}
	defer s.undrain()
	err = errors.Join(next.close(), s.shut(old))
	if err == nil {
		err = os.Rename(tmp, s.file)
	}
	if err != nil {
		err = errors.Join(err, os.Remove(tmp))
	}
	g, e := openBolt(s.file, false, 0, time.Now().Add(max(s.wait, defaultLockTimeout)))
	s.mu.Lock()
	defer s.mu.Unlock()
	if e != nil {
		s.closed = true
		return errors.Join(err, fmt.Errorf("it could not be opened again and is closed now: %w", e))
	}
	s.now = g
	s.open.Add(1)
	return err
}

// drain keeps new readers waiting until those that run have left.
func (s *Store) drain(ctx context.Context) (*generation, error) {
	stop := context.AfterFunc(ctx, func() {
		s.mu.Lock()
		defer s.mu.Unlock()
		s.turn.Broadcast()
	})
	defer stop()
	s.mu.Lock()
	defer s.mu.Unlock()
	s.draining = true
	for s.now.users > 0 && ctx.Err() == nil {
		s.turn.Wait()
	}
	if s.now.users > 0 {
		s.draining = false
		s.turn.Broadcast()
		return nil, ctx.Err()
	}
	return s.now, nil
}

func (s *Store) undrain() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.draining = false
	s.turn.Broadcast()
}

// removeLeftover deletes what a Compact that was killed has left. The caller
// holds the lock of the database, so no other Compact is running.
func removeLeftover(file string, log *slog.Logger) {
	tmp := file + leftoverSuffix
	info, err := os.Lstat(tmp)
	if err != nil || !info.Mode().IsRegular() {
		return
	}
	if err := os.Remove(tmp); err != nil {
		log.Warn("cannot remove what an interrupted compaction has left", "path", tmp, "error", err)
		return
	}
	log.Info("removed what an interrupted compaction has left", "path", tmp, "bytes", info.Size())
}

// copier copies buckets into an empty file, in several transactions so that
// memory stays bounded.
type copier struct {
	ctx  context.Context
	dst  *generation
	tx   *bbolt.Tx
	size int // bytes in tx
	keys int
}

// copyBatch is how many bytes one transaction of a compaction writes.
const copyBatch = 16 << 20

func (c *copier) copyAll(src *bbolt.Tx) (err error) {
	defer recovered(&err)
	if c.tx, err = c.dst.db.Begin(true); err != nil {
		return err
	}
	defer func() {
		if c.tx != nil {
			err = errors.Join(err, c.tx.Rollback())
		}
	}()
	cur := src.Cursor()
	for name, _ := cur.First(); name != nil; name, _ = cur.Next() {
		if err := c.copy(src.Bucket(name), [][]byte{name}); err != nil {
			return err
		}
	}
	tx := c.tx
	c.tx = nil
	return tx.Commit()
}

// copy copies the bucket that lies at path.
func (c *copier) copy(src *bbolt.Bucket, path [][]byte) error {
	dst, err := c.bucket(path)
	if err != nil {
		return err
	}
	if err := dst.SetSequence(src.Sequence()); err != nil {
		return err
	}
	cur := src.Cursor()
	for k, v := cur.First(); k != nil; k, v = cur.Next() {
		if c.keys++; c.keys&255 == 0 && c.ctx.Err() != nil {
			return c.ctx.Err()
		}
		if v == nil {
			if err := c.copy(src.Bucket(k), append(path[:len(path):len(path)], k)); err != nil {
				return err
			}
			dst = nil // may be of a transaction that is over
			continue
		}
		if c.size > copyBatch {
			if err := c.turn(); err != nil {
				return err
			}
			dst = nil
		}
		if dst == nil {
			if dst, err = c.bucket(path); err != nil {
				return err
			}
		}
		c.size += len(k) + len(v)
		if err := dst.Put(k, v); err != nil {
			return err
		}
	}
	return nil
}

// turn commits and begins the next transaction.
func (c *copier) turn() error {
	if err := c.ctx.Err(); err != nil {
		return err
	}
	tx := c.tx
	c.tx = nil
	if err := tx.Commit(); err != nil {
		return err
	}
	var err error
	c.size = 0
	c.dst.db.AllocSize = allocSize(c.dst.file)
	c.tx, err = c.dst.db.Begin(true)
	return err
}

// bucket opens or makes the bucket at path in the running transaction.
func (c *copier) bucket(path [][]byte) (*bbolt.Bucket, error) {
	b, err := c.tx.CreateBucketIfNotExists(path[0])
	for _, name := range path[1:] {
		if err != nil {
			break
		}
		b.FillPercent = packed90
		b, err = b.CreateBucketIfNotExists(name)
	}
	if err != nil {
		return nil, err
	}
	b.FillPercent = 1
	for id := range bucketCount {
		if len(path) == 1 && bucketNames[id] == string(path[0]) {
			b.FillPercent = id.fill()
		}
	}
	return b, nil
}

const packed90 = 0.9
