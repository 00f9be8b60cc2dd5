package storagetest

import (
	"context"
	"path/filepath"
	"testing"

	"github.com/clipdb/clipdb/storage"
)

// MustOpen opens a new Store in a folder of the test's own. When the test ends
// the Store is closed, opened again, and checked: every problem fails the
// test.
func MustOpen(t testing.TB, o *storage.Options) *storage.Store {
	t.Helper()
	path := filepath.Join(t.TempDir(), "test.clipdb")
	return MustOpenAt(t, path, o)
}

// MustOpenAt is MustOpen for a path of the caller's choice.
func MustOpenAt(t testing.TB, path string, o *storage.Options) *storage.Store {
	t.Helper()
	s, err := storage.Open(path, o)
	if err != nil {
		t.Fatalf("opening %s: %v", path, err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Errorf("closing %s: %v", path, err)
		}
		MustCheck(t, path)
	})
	return s
}

// MustCheck opens the file at path, checks it, and closes it again. Every
// problem fails the test.
func MustCheck(t testing.TB, path string) {
	t.Helper()
	s, err := storage.Open(path, nil)
	if err != nil {
		t.Errorf("opening %s for its check: %v", path, err)
		return
	}
	for _, p := range Problems(t, s) {
		t.Errorf("%s: %s", path, p)
	}
	if err := s.Close(); err != nil {
		t.Errorf("closing %s after its check: %v", path, err)
	}
}

// Problems runs Check and returns what it reports.
func Problems(t testing.TB, s *storage.Store) []storage.Problem {
	t.Helper()
	var problems []storage.Problem
	// Not t.Context(), which is over when the cleanups of a test run.
	if err := s.Check(context.Background(), func(p storage.Problem) { problems = append(problems, p) }); err != nil {
		t.Errorf("checking %s: %v", s.Path(), err)
	}
	return problems
}
