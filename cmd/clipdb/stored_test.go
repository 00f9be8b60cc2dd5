package main

import (
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/clipdb/clipdb"
)

// The tests here need no model: the vectors are the caller's own.

func TestInfo(t *testing.T) {
	h := newHome(t)
	path := ownVectors(t, 25)
	r := h.run(t, "info", path, "--json").ok()
	if got, want := names(t, r.out), "bytes dim failures format index items model path"; got != want {
		t.Errorf("got the names %s, want %s", got, want)
	}
	l := line[infoLine](r)
	if l.Items != 25 || l.Dim != 8 || l.Model.Fingerprint != "" || l.Index.Kind == "" || l.Index.Live != 25 || l.Bytes.File == 0 || l.Failures != 0 {
		t.Errorf("got %+v", l)
	}
	if out := h.run(t, "info", path).ok().out; !strings.Contains(out, "25") || !strings.Contains(out, "vectors of your own") {
		t.Errorf("got\n%s", out)
	}
	if out := h.run(t, "info", path, "--failures", "--json").ok().out; out != "" {
		t.Errorf("got\n%s", out)
	}
}

func TestSimilarByID(t *testing.T) {
	h := newHome(t)
	path := ownVectors(t, 24)
	r := h.run(t, "similar", path, "v003", "-k", "2", "--json").ok()
	if got, want := names(t, strings.SplitN(r.out, "\n", 2)[0]), "attrs caption id score"; got != want {
		t.Errorf("got the names %s, want %s", got, want)
	}
	m := lines[matchLine](r)
	if len(m) != 2 || m[0].ID != "v011" || m[1].ID != "v019" || m[0].Score < m[1].Score || m[0].Caption != "number 11" || m[0].Attrs["n"] != clipdb.Int(11) {
		t.Errorf("got %+v", m)
	}
	table := h.run(t, "similar", path, "v003", "-k", "2").ok().out
	rows := strings.Split(strings.TrimSpace(table), "\n")
	if len(rows) != 2 || !strings.HasPrefix(rows[0], "1") || !strings.Contains(rows[0], "v011") || !strings.Contains(rows[0], "number 11") || strings.Contains(table, "\x1b") {
		t.Errorf("got\n%s", table)
	}
	h.run(t, "similar", path, "v999").fails(exitFailure, "v999", "neither a file nor an item")
	h.run(t, "similar", path, h.dir).fails(exitFailure, "folder")
}

// Filters say the same on the command line as in the library.
func TestFilters(t *testing.T) {
	h := newHome(t)
	path := ownVectors(t, 24)
	for filter, want := range map[string]int{
		"":                              23, // v000 itself is left out
		"n < 5":                         4,
		"n <= 5 and even = true":        2,
		"n between 10 and 12":           3,
		"n in (1, 2, 99)":               2,
		"tags = mod1":                   8,
		"tags = mod1 or tags = mod2":    16,
		"not tags = mod0":               16,
		"half = 2.5":                    1,
		"half >= 11":                    2,
		"day = 2024-01-03":              1,
		"day >= 2024-01-20":             5,
		"day < 2024-01-03T12:00:00Z":    1,
		"missing exists":                0,
		"n != 3":                        22,
		"(n = 1 or n = 2) and even=yes": 0,
		"n = '3'":                       0,
	} {
		got := lines[matchLine](h.run(t, "similar", path, "v000", "-k", "100", "--filter", filter, "--json").ok())
		if len(got) != want {
			t.Errorf("%s: %d answers, want %d", filter, len(got), want)
		}
	}
	r := h.run(t, "similar", path, "v000", "--filter", "n > 1000")
	if r.code != exitOK || r.out != "" || !strings.Contains(r.err, "nothing found") {
		t.Errorf("got\n%s", r)
	}
	if r := h.run(t, "similar", path, "v000", "--filter", "n > 1000", "--json").ok(); r.out != "" {
		t.Errorf("got\n%s", r)
	}
	best := lines[matchLine](h.run(t, "similar", path, "v003", "--min-score", "0.9", "--exact", "-k", "100", "--json").ok())
	for _, m := range best {
		if m.Score < 0.9 {
			t.Errorf("%s has the score %v", m.ID, m.Score)
		}
	}
	if len(best) != 1 || best[0].ID != "v011" { // v019 has 0.88
		t.Errorf("got %+v", best)
	}
}

func TestGet(t *testing.T) {
	h := newHome(t)
	path := ownVectors(t, 4)
	r := h.run(t, "get", path, "v002", "v000", "--json").ok()
	if got, want := names(t, strings.SplitN(r.out, "\n", 2)[0]), "attrs caption created id image model updated"; got != want {
		t.Errorf("got the names %s, want %s", got, want)
	}
	l := lines[recordLine](r)
	if len(l) != 2 || l[0].ID != "v002" || l[1].ID != "v000" || l[0].Attrs["half"] != clipdb.Float(1) || l[0].Image != nil || time.Since(l[0].Created) > time.Hour {
		t.Errorf("got %+v", l)
	}
	if v := line[recordLine](h.run(t, "get", path, "v002", "--vector", "--json").ok()).Vector; len(v) != 8 || v[2] == 0 {
		t.Errorf("the vector is %v", v)
	}
	if out := h.run(t, "get", path, "v002").ok().out; !strings.Contains(out, "number 2") || !strings.Contains(out, "all, mod2") {
		t.Errorf("got\n%s", out)
	}
	// What is there is shown, and what is missing is said.
	r = h.run(t, "get", path, "v001", "nope", "--json").fails(exitFailure, `"nope"`)
	if l := lines[recordLine](r); len(l) != 1 || l[0].ID != "v001" {
		t.Errorf("got %+v", l)
	}
	h.run(t, "get", path, "nope", "nada").fails(exitFailure, "2 ids")
	h.run(t, "get", path, "v001", "--image", "x.jpg").fails(exitFailure, "no picture")
}

func TestDelete(t *testing.T) {
	h := newHome(t)
	path := ownVectors(t, 10)
	r := h.run(t, "delete", path, "v001", "nope", "v002", "v001", "--json").fails(exitFailure, `"nope"`)
	l := lines[deleteLine](r)
	if len(l) != 3 || l[0] != (deleteLine{"v001", "deleted"}) || l[1] != (deleteLine{"nope", "missing"}) || l[2] != (deleteLine{"v002", "deleted"}) {
		t.Errorf("got %+v", l)
	}
	h.run(t, "get", path, "v001").fails(exitFailure, "v001")
	if l := line[infoLine](h.run(t, "info", path, "--json").ok()); l.Items != 8 {
		t.Errorf("%d items are left", l.Items)
	}
	if out := h.run(t, "delete", path, "v003").ok().out; out != "deleted v003\n" {
		t.Errorf("got %q", out)
	}
	for _, m := range lines[matchLine](h.run(t, "similar", path, "v000", "-k", "100", "--json").ok()) {
		if m.ID == "v001" || m.ID == "v002" || m.ID == "v003" {
			t.Errorf("the deleted %s came back", m.ID)
		}
	}
	if !line[verifyLine](h.run(t, "verify", path, "--json").ok()).OK {
		t.Error("verify finds problems")
	}
}

func TestVerify(t *testing.T) {
	h := newHome(t)
	path := ownVectors(t, 50)
	r := h.run(t, "verify", path, "--json").ok()
	if got, want := names(t, r.out), "ok problems recall recall_queries records"; got != want {
		t.Errorf("got the names %s, want %s", got, want)
	}
	if l := line[verifyLine](r); !l.OK || l.Records != 50 || l.Problems == nil || l.Recall < 0.9 {
		t.Errorf("got %+v", l)
	}
	if out := h.run(t, "verify", path).ok().out; !strings.HasPrefix(out, "ok: 50 items") {
		t.Errorf("got %q", out)
	}
	// Flipped bytes in the middle of the file are found, or the file is
	// refused; they are never passed over or answered with a crash.
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	caption := strings.Index(string(data), "number 17")
	if caption < 0 {
		t.Fatal("the caption is not in the file")
	}
	data[caption+3] ^= 0xff
	hurt := filepath.Join(t.TempDir(), "hurt.clipdb")
	write(t, hurt, data)
	r = h.run(t, "verify", hurt, "--json").fails(exitFailure, "hurt.clipdb")
	if r.out != "" {
		if l := line[verifyLine](r); l.OK || len(l.Problems) == 0 {
			t.Errorf("got %+v", l)
		}
	}
}

func TestBackupAndCompact(t *testing.T) {
	h := newHome(t)
	path := ownVectors(t, 30)
	copied := filepath.Join(h.dir, "copy.clipdb")
	r := h.run(t, "backup", path, copied, "--json").ok()
	l := line[backupLine](r)
	if st, err := os.Stat(copied); err != nil || st.Size() != l.Bytes || l.File != copied {
		t.Errorf("got %+v, %v", l, err)
	} else if mode := st.Mode().Perm(); runtime.GOOS != "windows" && mode != 0o600 {
		t.Errorf("the copy of a private database has mode %v", mode)
	}
	if l := line[infoLine](h.run(t, "info", copied, "--json").ok()); l.Items != 30 {
		t.Errorf("the copy has %d items", l.Items)
	}
	before := line[matchLine](h.run(t, "similar", path, "v005", "-k", "1", "--json").ok())
	after := line[matchLine](h.run(t, "similar", copied, "v005", "-k", "1", "--json").ok())
	if before.ID != after.ID || before.Score != after.Score {
		t.Errorf("the copy answers %+v, the original %+v", after, before)
	}
	h.run(t, "backup", path, copied).fails(exitFailure, "exists", "--force")
	h.run(t, "backup", path, copied, "--force").ok()
	h.run(t, "backup", path, filepath.Join(h.dir, "no", "folder")).fails(exitFailure, "folder")
	if r := h.run(t, "backup", path, "-").ok(); int64(len(r.out)) != l.Bytes {
		t.Errorf("standard output has %d bytes, the file %d", len(r.out), l.Bytes)
	}

	ids := []string{"delete", path}
	for i := range 29 {
		ids = append(ids, fmt.Sprintf("v%03d", i))
	}
	h.run(t, ids...).ok()
	c := line[compactLine](h.run(t, "compact", path, "--json").ok())
	if c.After == 0 || c.Before < c.After {
		t.Errorf("got %+v", c)
	}
	data, err := os.ReadFile(path)
	if err != nil || int64(len(data)) != c.After {
		t.Errorf("the file has %d bytes, said were %d (%v)", len(data), c.After, err)
	}
	if strings.Contains(string(data), "number 17") || !strings.Contains(string(data), "number 29") {
		t.Error("compact kept a deleted caption, or lost one that stays")
	}
	if !line[verifyLine](h.run(t, "verify", path, "--json").ok()).OK {
		t.Error("verify finds problems")
	}
}

// A database in use is said to be in use, after a second, naming the file.
func TestLocked(t *testing.T) {
	h := newHome(t)
	path := ownVectors(t, 5)
	d, err := clipdb.Open(path, &clipdb.Options{NoModel: true})
	if err != nil {
		t.Fatal(err)
	}
	defer d.Close()
	for _, args := range [][]string{{"info", path}, {"delete", path, "v000"}, {"compact", path}} {
		start := time.Now()
		h.run(t, args...).fails(exitFailure, "own.clipdb", "wait for the other program")
		if took := time.Since(start); took > 10*time.Second {
			t.Errorf("%v took %v", args, took)
		}
	}
}

func TestAtomicOutputs(t *testing.T) {
	h := newHome(t)
	path := ownVectors(t, 5)
	page := filepath.Join(h.dir, "page.html")
	h.run(t, "similar", path, "v001", "-k", "3", "--html", page, "--save", filepath.Join(h.dir, "found")).ok()
	for _, name := range []string{page, filepath.Join(h.dir, "found", "index.html")} {
		data, err := os.ReadFile(name)
		if err != nil || strings.Count(string(data), "<li>") != 3 {
			t.Errorf("%s: %v", name, err)
		}
	}
	h.run(t, "similar", path, "v001", "--html", filepath.Join(h.dir, "no", "page.html")).fails(exitFailure, "page.html", "folder")
}
