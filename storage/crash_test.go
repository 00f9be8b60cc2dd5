package storage_test

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io/fs"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strconv"
	"testing"
	"time"

	"github.com/clipdb/clipdb/storage"
	"github.com/clipdb/clipdb/storage/storagetest"
)

// The tests of this file write transactions numbered from 1, whose effects
// follow from their number: transaction n puts a few items in, and every third
// one removes those of the transaction five before it.

const crashDim = 64

func itemsOf(n uint64) int { return 1 + int(n%4) }

func removes(n uint64) bool { return n%3 == 0 && n > 5 }

// write does transaction n.
func write(s *storage.Store, n uint64) error {
	return s.Update(func(tx *storage.Tx) error {
		for i := range itemsOf(n) {
			it := makeItem(crashID(n, i), n*8+uint64(i), crashDim)
			if err := insert(tx, &it); err != nil {
				return err
			}
		}
		if removes(n) {
			for i := range itemsOf(n - 5) {
				r, err := tx.DeleteRecord(crashID(n-5, i))
				if err != nil {
					return err
				}
				if err := tx.ReleaseSlot(r.Slot); err != nil {
					return err
				}
			}
		}
		return tx.PutMeta("last", binary.BigEndian.AppendUint64(nil, n))
	})
}

func crashID(n uint64, i int) string { return fmt.Sprintf("%06d/%d", n, i) }

// last is the number of the last transaction in the file.
func last(t testing.TB, s *storage.Store) (n uint64) {
	t.Helper()
	view(t, s, func(tx *storage.Tx) error {
		if v := tx.Meta("last"); v != nil {
			n = binary.BigEndian.Uint64(v)
		}
		return nil
	})
	return n
}

// verifyUpTo compares the file with what transactions 1 to n leave.
func verifyUpTo(tx *storage.Tx, n uint64) error {
	want := 0
	for k := uint64(1); k <= n; k++ {
		gone := k+5 <= n && removes(k+5)
		for i := range itemsOf(k) {
			r, err := tx.Record(crashID(k, i))
			if gone {
				if !errors.Is(err, storage.ErrNotFound) {
					return fmt.Errorf("%s should be gone: %w", crashID(k, i), err)
				}
				continue
			}
			if err != nil {
				return err
			}
			it := makeItem(crashID(k, i), k*8+uint64(i), crashDim)
			it.Slot = r.Slot
			if it.Image != nil {
				it.Image.Blob, it.Image.Thumbnail = r.Image.Blob, r.Image.Thumbnail
				if it.image != nil != !r.Image.Blob.IsZero() || it.thumbnail != nil != !r.Image.Thumbnail.IsZero() {
					return fmt.Errorf("%s lacks bytes", it.ID)
				}
			}
			if err := verify(tx, &it); err != nil {
				return err
			}
			want++
		}
	}
	if got := tx.RecordCount(); got != want {
		return fmt.Errorf("%d records, want %d", got, want)
	}
	return tx.Err()
}

// writeUntilKilled is a child process: it writes and says so. Every so often
// it compacts as well, when asked to.
func writeUntilKilled(args []string) {
	s, err := storage.Open(args[0], &storage.Options{LockTimeout: 10 * time.Second})
	if err != nil {
		panic(err)
	}
	var n uint64
	err = s.View(func(tx *storage.Tx) error {
		if v := tx.Meta("last"); v != nil {
			n = binary.BigEndian.Uint64(v)
		}
		return nil
	})
	if err != nil {
		panic(err)
	}
	fmt.Println(n)
	for {
		n++
		if err := write(s, n); err != nil {
			panic(err)
		}
		fmt.Println(n)
	}
}

func compactUntilKilled(args []string) {
	s, err := storage.Open(args[0], &storage.Options{LockTimeout: 10 * time.Second})
	if err != nil {
		panic(err)
	}
	fmt.Println("compacting")
	for {
		if err := s.Compact(background); err != nil {
			panic(err)
		}
		fmt.Println("compacted")
	}
}

// TestKill kills a process that writes at random moments. Whatever it has
// acknowledged must be there; of the transaction it was at, all or nothing.
func TestKill(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "kill.clipdb")
	rng := rand.New(rand.NewPCG(1, 1))
	for round := range 20 {
		lines := storagetest.Kill(t, time.Duration(rng.IntN(60_000))*time.Microsecond, "write", path)
		if len(lines) == 0 {
			t.Fatal("the child has said nothing")
		}
		acked, err := strconv.ParseUint(lines[len(lines)-1], 10, 64)
		if err != nil {
			t.Fatal(err)
		}
		s, err := storage.Open(path, nil)
		if err != nil {
			t.Fatalf("round %d: %v", round, err)
		}
		n := last(t, s)
		if n != acked && n != acked+1 {
			t.Fatalf("round %d: transaction %d was acknowledged, %d is the last in the file", round, acked, n)
		}
		view(t, s, func(tx *storage.Tx) error { return verifyUpTo(tx, n) })
		for _, p := range storagetest.Problems(t, s) {
			t.Errorf("round %d: %s", round, p)
		}
		if err := s.Close(); err != nil {
			t.Fatal(err)
		}
	}
}

// TestKillCompact kills a process that compacts. The database must be there
// with all it held, and the leftover must be gone once it is open.
func TestKillCompact(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "kill.clipdb")
	s, err := storage.Open(path, nil)
	if err != nil {
		t.Fatal(err)
	}
	n := uint64(30)
	for k := range n {
		if err := write(s, k+1); err != nil {
			t.Fatal(err)
		}
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	rng := rand.New(rand.NewPCG(2, 2))
	leftovers := 0
	for round := range 20 {
		storagetest.Kill(t, time.Duration(rng.IntN(40_000))*time.Microsecond, "compact", path)
		if _, err := os.Stat(path + storage.LeftoverSuffix); err == nil {
			leftovers++
		}
		s, err := storage.Open(path, nil)
		if err != nil {
			t.Fatalf("round %d: %v", round, err)
		}
		if _, err := os.Stat(path + storage.LeftoverSuffix); !errors.Is(err, fs.ErrNotExist) {
			t.Errorf("round %d: the leftover is still there (%v)", round, err)
		}
		view(t, s, func(tx *storage.Tx) error { return verifyUpTo(tx, n) })
		for _, p := range storagetest.Problems(t, s) {
			t.Errorf("round %d: %s", round, p)
		}
		n++
		if err := write(s, n); err != nil {
			t.Fatal(err)
		}
		if err := s.Close(); err != nil {
			t.Fatal(err)
		}
	}
	t.Logf("%d of 20 kills left a half-written file", leftovers)
	if leftovers == 0 {
		t.Error("no kill hit a compaction half way: the test shows nothing")
	}
}

// TestCopyWhileWriting copies the file, piece by piece as any program would,
// while another process writes to it. Such a copy is no backup: it may be
// refused, or Check finds it damaged. When it is neither, it must be right.
func TestCopyWhileWriting(t *testing.T) {
	dir := t.TempDir()
	path, dst := filepath.Join(dir, "live.clipdb"), filepath.Join(dir, "copy.clipdb")
	done := make(chan bool)
	go func() {
		defer close(done)
		storagetest.Kill(t, 1500*time.Millisecond, "write", path)
	}()
	var refused, damaged, sound int
	for running := true; running; {
		select {
		case <-done:
			running = false
		case <-time.After(20 * time.Millisecond):
		}
		if err := slowCopy(dst, path); err != nil {
			continue // it is not there yet
		}
		s, err := storage.Open(dst, nil)
		if err != nil {
			if !errors.Is(err, storage.ErrCorrupt) && !errors.Is(err, storage.ErrNotDatabase) {
				t.Errorf("the copy: %v", err)
			}
			refused++
			continue
		}
		if len(storagetest.Problems(t, s)) > 0 {
			damaged++
		} else {
			sound++
			n := last(t, s)
			view(t, s, func(tx *storage.Tx) error { return verifyUpTo(tx, n) })
		}
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	}
	t.Logf("%d copies were refused, %d damaged, %d sound", refused, damaged, sound)
	if refused+damaged+sound < 5 {
		t.Error("too few copies were made")
	}
}

// slowCopy lets the writer go on between one piece and the next.
func slowCopy(dst, src string) error {
	in, err := os.Open(src)
	if err != nil {
		return err
	}
	defer in.Close()
	out, err := os.Create(dst)
	if err != nil {
		return err
	}
	defer out.Close()
	buf := make([]byte, 64<<10)
	for {
		n, err := in.Read(buf)
		if _, err := out.Write(buf[:n]); err != nil {
			return err
		}
		if err != nil {
			return nil
		}
		time.Sleep(time.Millisecond)
	}
}

// TestPowerCut simulates what a power cut can leave of a commit. Before the
// first sync of a commit any part of its pages may be on the disk, but not its
// head; after it all pages are, and the head may be. Pages may be torn between
// sectors.
func TestPowerCut(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	path := filepath.Join(dir, "power.clipdb")
	s, err := storage.Open(path, nil)
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	rng := rand.New(rand.NewPCG(3, 3))
	before, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	rounds := 18
	if testing.Short() {
		rounds = 8
	}
	for n := uint64(1); n <= uint64(rounds); n++ {
		if err := write(s, n); err != nil {
			t.Fatal(err)
		}
		after, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		for kind := range 4 {
			cut := filepath.Join(dir, "cut.clipdb")
			if err := os.WriteFile(cut, powerCut(rng, kind, before, after), 0o600); err != nil {
				t.Fatal(err)
			}
			c, err := storage.Open(cut, nil)
			if err != nil {
				t.Fatalf("commit %d, kind %d: %v", n, kind, err)
			}
			got := last(t, c)
			if got != n-1 && (got != n || kind < 2) {
				t.Errorf("commit %d, kind %d: transaction %d is the last", n, kind, got)
			}
			view(t, c, func(tx *storage.Tx) error { return verifyUpTo(tx, got) })
			for _, p := range storagetest.Problems(t, c) {
				t.Errorf("commit %d, kind %d: %s", n, kind, p)
			}
			// The database goes on from there.
			if err := write(c, got+1); err != nil {
				t.Errorf("commit %d, kind %d: %v", n, kind, err)
			}
			if err := c.Close(); err != nil {
				t.Error(err)
			}
			if kind%2 == 0 {
				storagetest.MustCheck(t, cut)
			}
		}
		before = after
	}
}

// powerCut mixes the bytes before and after a commit.
func powerCut(rng *rand.Rand, kind int, before, after []byte) []byte {
	const page, sector, heads = 4096, 512, 2 * 4096
	// The file was made longer, or not yet.
	cut := append([]byte(nil), before...)
	if len(after) > len(before) && (kind >= 2 || rng.IntN(2) == 0) {
		cut = append(cut, make([]byte, len(after)-len(before))...)
	}
	for at := heads; at < len(after) && at < len(cut); at += page {
		end := min(at+page, len(after), len(cut))
		switch {
		case kind >= 2: // synced
			copy(cut[at:end], after[at:end])
		case kind == 0 && rng.IntN(2) == 0: // some pages
			copy(cut[at:end], after[at:end])
		case kind == 1: // some sectors
			for s := at; s < end; s += sector {
				if rng.IntN(2) == 0 {
					copy(cut[s:min(s+sector, end)], after[s:])
				}
			}
		}
	}
	switch kind {
	case 2: // the head in whole
		copy(cut[:heads], after[:heads])
	case 3: // some sectors of the head, or damage in the one that was being written
		for at := 0; at < heads; at += page {
			if string(before[at:at+page]) == string(after[at:at+page]) {
				continue
			}
			if rng.IntN(2) == 0 {
				copy(cut[at:at+page], random(rng, page))
			} else if rng.IntN(2) == 0 {
				copy(cut[at:at+page], after[at:at+page])
			}
		}
	}
	return cut
}
