package local_test

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/clipdb/clipdb/db/engine"
	"github.com/clipdb/clipdb/db/local"
)

// TestAudit: every change has its line, also after Compact, which leaves of an
// erased id a hash by which it can still be asked for.
func TestAudit(t *testing.T) {
	path := filepath.Join(t.TempDir(), "test.clipdb")
	e := mustOpen(t, path, &local.Options{Audit: local.AuditOn})
	r := rand.New(rand.NewPCG(4, 4))
	if err := e.Bind(ctx, engine.Spec{Dim: 16}); err != nil {
		t.Fatal(err)
	}
	put := func(mode engine.PutMode, ids ...string) {
		t.Helper()
		var records []engine.Record
		for _, id := range ids {
			records = append(records, engine.Record{ID: id, Vector: unit(r, 16)})
		}
		if _, err := e.Put(ctx, records, mode); err != nil {
			t.Fatal(err)
		}
	}
	lines := func(id string) (out []string) {
		t.Helper()
		for a, err := range e.Audit(ctx, id) {
			if err != nil || a.Time.IsZero() {
				t.Fatal(a, err)
			}
			name := a.ID
			if a.IDHash != "" {
				name = "#"
			}
			out = append(out, fmt.Sprint(a.Op, " ", name))
		}
		return out
	}
	put(engine.Create, "stays", "personal-name")
	put(engine.Create, "stays") // refused: no line
	put(engine.Replace, "stays")
	if _, err := e.Delete(ctx, []string{"personal-name", "nobody"}); err != nil {
		t.Fatal(err)
	}
	want := []string{"audit-on ", "model ", "insert stays", "insert personal-name", "replace stays", "delete personal-name"}
	if got := lines(""); !slices.Equal(got, want) {
		t.Errorf("the log is %q", got)
	}
	if err := e.Compact(ctx); err != nil {
		t.Fatal(err)
	}
	mustClose(t, e)
	e = mustOpen(t, path, nil) // the setting is the file's
	put(engine.Create, "later")
	want = []string{"audit-on ", "model ", "insert stays", "insert #", "replace stays", "delete #", "compact ", "insert later"}
	if got := lines(""); !slices.Equal(got, want) {
		t.Errorf("after Compact the log is %q", got)
	}
	if got := lines("personal-name"); !slices.Equal(got, []string{"insert #", "delete #"}) {
		t.Errorf("of the erased item: %q", got)
	}
	mustClose(t, e)
	b, err := os.ReadFile(path)
	if err != nil || bytes.Contains(b, []byte("personal-name")) || !bytes.Contains(b, []byte("stays")) {
		t.Errorf("an erased id is in the file, or one that stays is not (%v)", err)
	}
	e = mustOpen(t, path, &local.Options{Audit: local.AuditOff})
	put(engine.Create, "unseen")
	if got := lines(""); len(got) != len(want)+1 || got[len(want)] != "audit-off " {
		t.Errorf("switched off, the log is %q", got)
	}
	mustClose(t, e)
}
