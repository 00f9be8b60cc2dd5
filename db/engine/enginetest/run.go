package enginetest

import (
	"context"
	"errors"
	"path/filepath"
	"testing"

	"github.com/clipdb/clipdb/db/engine"
)

// Harness tells the suite about an engine.
type Harness struct {
	// Open opens the database that lives in dir, which the engine may fill as
	// it likes. Opening the same folder again finds what was stored.
	Open func(t *testing.T, dir string, readOnly bool) engine.Engine

	// OpenBackup opens what WriteTo wrote, found at path.
	OpenBackup func(t *testing.T, path string) engine.Engine

	// Recall is the least recall at 10 of searches that are not exact.
	Recall float64

	// Quick makes do with fewer rounds, for the second and third
	// configuration of an engine.
	Quick bool

	// AnyRecall leaves out what Verify says about recall.
	AnyRecall bool
}

// Run runs the suite.
func Run(t *testing.T, h Harness) {
	for _, c := range []struct {
		name string
		test func(*testing.T, Harness)
	}{
		{"Empty", testEmpty},
		{"CreateReadReplaceDelete", testCRUD},
		{"ValuesComeBack", testValues},
		{"Images", testImages},
		{"BatchesAndRefusals", testBatches},
		{"Bind", testBind},
		{"Versions", testVersions},
		{"Failures", testFailures},
		{"SearchAgainstOracle", testSearch},
		{"SearchOptions", testSearchOptions},
		{"Sample", testSample},
		{"FiltersAgainstOracle", testFilters},
		{"FilterFollowsChanges", testFilterChanges},
		{"Keywords", testKeywords},
		{"KeywordsWhileChanging", testKeywordsWhileChanging},
		{"DeletedIsGone", testDeleted},
		{"ScanWhileChanging", testScan},
		{"History", testHistory},
		{"Backup", testBackup},
		{"Compact", testCompact},
		{"Reembed", testReembed},
		{"Concurrency", testConcurrency},
		{"ReadOnly", testReadOnly},
		{"Closed", testClosed},
		{"Cancelled", testCancelled},
	} {
		t.Run(c.name, func(t *testing.T) { c.test(t, h) })
	}
}

// rounds is n, or fewer if that must do.
func (h Harness) rounds(n int) int {
	if h.Quick {
		return max(1, n/4)
	}
	return n
}

// open opens an engine that is verified and closed when the test ends.
func open(t *testing.T, h Harness, dir string) engine.Engine {
	t.Helper()
	e := h.Open(t, dir, false)
	t.Cleanup(func() { finish(t, h, e) })
	return e
}

// finish verifies and closes an engine, if the test has not done so.
func finish(t *testing.T, h Harness, e engine.Engine) {
	t.Helper()
	if _, err := e.Stats(context.Background()); errors.Is(err, engine.ErrClosed) {
		return
	}
	verify(t, h, e)
	if err := e.Close(); err != nil {
		t.Errorf("Close: %v", err)
	}
}

func verify(t *testing.T, h Harness, e engine.Engine) {
	t.Helper()
	if !e.Caps().Verify {
		return
	}
	rep, err := e.Verify(context.Background())
	if err != nil {
		t.Errorf("Verify: %v", err)
	}
	for _, p := range rep.Problems {
		if h.AnyRecall && p.Where == "index" {
			continue
		}
		t.Errorf("Verify: %v", p)
	}
}

// reopen closes e and opens its database again.
func reopen(t *testing.T, h Harness, e engine.Engine, dir string) engine.Engine {
	t.Helper()
	finish(t, h, e)
	return open(t, h, dir)
}

func folder(t *testing.T) string { return filepath.Join(t.TempDir(), "db") }
