package storage_test

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/clipdb/clipdb/storage"
	"github.com/clipdb/clipdb/storage/storagetest"
)

// holdOpen is a child process that keeps a database open until its standard
// input ends.
func holdOpen(args []string) {
	s, err := storage.Open(args[0], nil)
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println("open")
	_, _ = io.Copy(io.Discard, os.Stdin)
	_ = s.Close()
}

// hold starts a process that has the database open, and returns what lets go.
func hold(t *testing.T, path string) (release func()) {
	t.Helper()
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), "CLIPDB_TEST_CHILD=hold", "CLIPDB_TEST_CHILD_ARGS="+path)
	in, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	if line, err := bufio.NewReader(out).ReadString('\n'); line != "open\n" {
		t.Fatalf("the other process says %q (%v)", line, err)
	}
	return sync.OnceFunc(func() {
		_ = in.Close()
		_ = cmd.Wait()
	})
}

func TestLockedByAnotherProcess(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "locked.clipdb")
	release := hold(t, path)
	defer release()
	for _, o := range []*storage.Options{nil, {ReadOnly: true}, {LockTimeout: 200 * time.Millisecond}, {LockTimeout: -1}} {
		begin := time.Now()
		s, err := storage.Open(path, o)
		if err == nil {
			_ = s.Close()
		}
		if !errors.Is(err, storage.ErrLocked) || !strings.Contains(err.Error(), path) {
			t.Errorf("%+v: %v", o, err)
		}
		want := time.Second
		if o != nil && o.LockTimeout != 0 {
			want = max(o.LockTimeout, 0)
		}
		if took := time.Since(begin); took < want-100*time.Millisecond || took > want+800*time.Millisecond {
			t.Errorf("%+v: waited %s, not %s", o, took, want)
		}
	}
	// Whoever waits gets it when the other one lets go.
	time.AfterFunc(100*time.Millisecond, release)
	s, err := storage.Open(path, &storage.Options{LockTimeout: 10 * time.Second})
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
}

func TestReadersShare(t *testing.T) {
	path := filepath.Join(t.TempDir(), "shared.clipdb")
	s, err := storage.Open(path, nil)
	if err != nil {
		t.Fatal(err)
	}
	if err := write(s, 1); err != nil {
		t.Fatal(err)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	before := fileSum(t, path)
	var readers []*storage.Store
	for range 3 {
		r, err := storage.Open(path, &storage.Options{ReadOnly: true})
		if err != nil {
			t.Fatal(err)
		}
		readers = append(readers, r)
	}
	if _, err := storage.Open(path, &storage.Options{LockTimeout: -1}); !errors.Is(err, storage.ErrLocked) {
		t.Errorf("opening for writing beside readers: %v", err)
	}
	for _, r := range readers {
		view(t, r, func(tx *storage.Tx) error { return verifyUpTo(tx, 1) })
		if !r.ReadOnly() || r.Format() != storage.Format || r.Path() != path {
			t.Error("the store does not know itself")
		}
		if err := r.Update(func(*storage.Tx) error { return nil }); !errors.Is(err, storage.ErrReadOnly) {
			t.Errorf("Update: %v", err)
		}
		if err := r.Compact(background); !errors.Is(err, storage.ErrReadOnly) {
			t.Errorf("Compact: %v", err)
		}
		if st, err := r.Stats(); err != nil || st.Records != 2 || st.FileBytes == 0 {
			t.Errorf("Stats: %+v, %v", st, err)
		}
		for _, p := range storagetest.Problems(t, r) {
			t.Error(p)
		}
		if err := r.Close(); err != nil {
			t.Fatal(err)
		}
	}
	if fileSum(t, path) != before {
		t.Error("reading has changed the file")
	}
}

// TestReplacedWhileWaiting opens a database that another Store compacts
// meanwhile: the file that was waited for is not the database any more.
func TestReplacedWhileWaiting(t *testing.T) {
	path := filepath.Join(t.TempDir(), "replaced.clipdb")
	s, err := storage.Open(path, nil)
	if err != nil {
		t.Fatal(err)
	}
	opened := make(chan error)
	go func() {
		w, err := storage.Open(path, &storage.Options{LockTimeout: 20 * time.Second})
		if err == nil {
			err = write(w, 3)
			if e := w.View(func(tx *storage.Tx) error { return verifyUpTo(tx, 3) }); err == nil {
				err = e
			}
			if e := w.Close(); err == nil {
				err = e
			}
		}
		opened <- err
	}()
	time.Sleep(100 * time.Millisecond)
	if err := write(s, 1); err != nil {
		t.Fatal(err)
	}
	if err := s.Compact(background); err != nil {
		t.Fatal(err)
	}
	time.Sleep(200 * time.Millisecond) // the one that waits must not have got the old file
	if err := write(s, 2); err != nil {
		t.Fatal(err)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	if err := <-opened; err != nil {
		t.Fatal(err)
	}
	storagetest.MustCheck(t, path)
}
