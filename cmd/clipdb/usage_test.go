package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestHelp(t *testing.T) {
	h := newHome(t)
	r := h.run(t).ok()
	for _, command := range []string{"add", "search", "similar", "classify", "duplicates", "get", "delete", "info", "verify", "compact", "backup", "bench", "embed", "model", "runtime", "version"} {
		if !strings.Contains(r.out, "\n  "+command) {
			t.Errorf("the help lacks %s:\n%s", command, r.out)
		}
		sub := h.run(t, command, "--help").ok()
		if !strings.Contains(sub.out, "Usage: clipdb "+command) || !strings.Contains(sub.out, "--json") {
			t.Errorf("%s --help:\n%s", command, sub.out)
		}
		for _, l := range strings.Split(sub.out, "\n") {
			if displayWidth(l) > 100 {
				t.Errorf("%s --help has a line of %d columns: %s", command, displayWidth(l), l)
			}
		}
	}
}

func TestWrongUsage(t *testing.T) {
	h := newHome(t)
	db := ownVectors(t, 3)
	for _, c := range []struct {
		says string
		args []string
	}{
		{"bogus", []string{"bogus"}},
		{"clipdb search --help", []string{"search"}},
		{"clipdb search --help", []string{"search", db}},
		{"--nonsense", []string{"info", db, "--nonsense"}},
		{"clipdb add --help", []string{"add", db}},
		{"-k is 0", []string{"search", db, "x", "-k", "0"}},
		{"-k is 100001", []string{"search", db, "x", "-k", "100001"}},
		{"ten", []string{"search", db, "x", "-k", "ten"}},
		{"--ef", []string{"search", db, "x", "--ef", "-1"}},
		{"--min-score", []string{"search", db, "x", "--min-score", "7"}},
		{"--min-score", []string{"search", db, "x", "--min-score", "NaN"}},
		{"empty", []string{"search", db, " "}},
		{"--weight", []string{"search", db, "x", "--hybrid", "--weight", "1.5"}},
		{"--weight", []string{"search", db, "x", "--hybrid", "--weight", "NaN"}},
		{"goes with --hybrid", []string{"search", db, "x", "--weight", "0.5"}},
		{"exclude each other", []string{"search", db, "x", "--hybrid", "--keywords"}},
		{"sv", []string{"search", db, "x", "--keywords", "--language", "xx"}},
		{"--language", []string{"search", db, "x", "--language", "de"}},
		{"--min-score", []string{"search", db, "x", "--keywords", "--min-score", "0.1"}},
		{"column 8", []string{"search", db, "x", "--filter", "year >="}},
		{"column 6", []string{"similar", db, "v000", "-f", "year 2020"}},
		{"--perceptual is 17", []string{"duplicates", db, "--perceptual", "17"}},
		{"--perceptual is -1", []string{"duplicates", db, "--perceptual=-1"}},
		{"--cosine is 0", []string{"duplicates", db, "--cosine", "0"}},
		{"--cosine is NaN", []string{"duplicates", db, "--cosine", "NaN"}},
		{"--limit", []string{"duplicates", db, "--limit", "-1"}},
		{"exclude each other", []string{"duplicates", db, "--ids", "--json"}},
		{"column 8", []string{"duplicates", db, "--filter", "year >="}},
		{"labels", []string{"classify", "x.jpg"}},
		{"label 2", []string{"classify", "x.jpg", "--labels", "a,,b"}},
		{"{}", []string{"classify", "x.jpg", "--labels", "a", "--template", "a photo"}},
		{"--text", []string{"embed"}},
		{"--image", []string{"embed", "--text", "a", "--image", "b"}},
		{"one id", []string{"get", db, "v000", "v001", "--image", "x"}},
		{"--json", []string{"get", db, "v000", "--image", "-", "--json"}},
		{"name of the database", []string{"backup", db, db}},
		{"--json", []string{"backup", db, "-", "--json"}},
		{"key=value", []string{"add", db, ".", "--attr", "year"}},
		{"whole number", []string{"add", db, ".", "--attr", "year:int=x"}},
		{"twice", []string{"add", db, ".", "--attr", "a=1", "--attr", "a=2"}},
		{"--images", []string{"add", db, ".", "--images", "some"}},
		{"--workers", []string{"add", db, ".", "--workers", "-1"}},
		{"clipdb model", []string{"model"}},
		{"clipdb runtime", []string{"runtime"}},
	} {
		r := h.run(t, c.args...).fails(exitUsage, c.says)
		if r.out != "" {
			t.Errorf("standard output is not empty:\n%s", r)
		}
		if !strings.Contains(r.err, "--help") {
			t.Errorf("no way to the help:\n%s", r)
		}
	}
	// The place in a filter is shown.
	r := h.run(t, "search", db, "x", "--filter", "year >= and x=1").fails(exitUsage, "column 9")
	if !strings.HasSuffix(r.err, "\n  year >= and x=1\n          ^\n") {
		t.Errorf("the place is not shown:\n%s", r.err)
	}
}

func TestVersion(t *testing.T) {
	h := newHome(t)
	v := line[versionLine](h.run(t, "version", "--json").ok())
	if v.Version == "" || v.Go == "" || v.OS == "" || v.Arch == "" || v.Runtime == "" {
		t.Errorf("got %+v", v)
	}
	if r := h.run(t, "version").ok(); !strings.Contains(r.out, v.Version) {
		t.Errorf("got %s", r.out)
	}
}

// Whatever is wrong with the database file is said in one sentence that names
// it, and the file is left alone.
func TestBadDatabases(t *testing.T) {
	h := newHome(t)
	dir := t.TempDir()
	text := filepath.Join(dir, "text.clipdb")
	write(t, text, []byte(strings.Repeat("this is no database\n", 1000)))
	empty := filepath.Join(dir, "empty.clipdb")
	write(t, empty, nil)
	missing := filepath.Join(dir, "missing.clipdb")
	for _, command := range [][]string{{"info"}, {"verify"}, {"compact"}, {"get", "x"}, {"delete", "x"}, {"duplicates"}, {"similar", "x"}, {"backup", "copy"}} {
		on := func(db string) []string { return append([]string{command[0], db}, command[1:]...) }
		h.run(t, on(missing)...).fails(exitFailure, "there is no database", missing, "clipdb add")
		h.run(t, on(dir)...).fails(exitFailure, dir, "folder")
		h.run(t, on(text)...).fails(exitFailure, "text.clipdb")
	}
	h.run(t, "search", missing, "x").fails(exitFailure, "there is no database")
	if exists(missing) || exists(filepath.Join(h.dir, "copy")) {
		t.Error("a file was made")
	}
	if data, err := os.ReadFile(text); err != nil || len(data) != 20000 {
		t.Errorf("the file was changed: %d bytes, %v", len(data), err)
	}
}

func TestModels(t *testing.T) {
	h := newHome(t)
	if all := lines[modelLine](h.run(t, "model", "list", "--json").ok()); len(all) < 10 || all[1].Where != "" {
		t.Errorf("got %+v", all)
	}
	list := lines[modelLine](h.run(t, "model", "list", "--installed", "--json").ok())
	if len(list) != 1 || list[0].Where != builtIn || list[0].Dim < 64 || len(list[0].Fingerprint) != 64 || list[0].Licence == "" || list[0].Bytes == 0 {
		t.Errorf("got %+v", list)
	}
	if r := h.run(t, "model", "list").ok(); !strings.Contains(r.out, list[0].Name) {
		t.Errorf("got %s", r.out)
	}
	shown := line[modelShown](h.run(t, "model", "show", "--json").ok())
	if shown.Name != list[0].Name || shown.Fingerprint != list[0].Fingerprint || len(shown.TrainingData) == 0 {
		t.Errorf("got %+v", shown)
	}
	if r := h.run(t, "model", "show", list[0].Name).ok(); !strings.Contains(r.out, shown.Fingerprint) {
		t.Errorf("got %s", r.out)
	}
	h.run(t, "model", "show", "no-such").fails(exitFailure, "no-such", "clipdb model list")
	h.run(t, "model", "show", t.TempDir()).fails(exitFailure, "model.json")
	bad := t.TempDir()
	write(t, filepath.Join(bad, "model.json"), []byte(`{"name":"../x"}`))
	h.run(t, "model", "show", bad).fails(exitFailure, bad, "name")
	file := filepath.Join(bad, "model.json")
	h.run(t, "model", "show", file).fails(exitFailure, "not a folder")
	h.run(t, "embed", "--text", "x", "--model", "no-such").fails(exitFailure, "no-such")
}

func TestRuntimeMissing(t *testing.T) {
	h := newHome(t)
	r := h.run(t, "runtime", "status", "--json").fails(exitFailure, "clipdb runtime install")
	status := line[struct {
		Found    bool
		Wanted   string
		Minimum  string
		Platform string
		Cache    string
		Problem  string
		Tried    []struct{ Path, Origin, Version, Reason string }
	}](r)
	if status.Found || status.Wanted == "" || len(status.Tried) == 0 || !strings.Contains(status.Tried[0].Path, "no-such-runtime") {
		t.Errorf("got %+v", status)
	}
	// What needs the model says what was tried and how to mend it; nothing is
	// made.
	new := filepath.Join(h.dir, "new.clipdb")
	for _, args := range [][]string{{"embed", "--text", "a cat"}, {"add", new, photos(t)}} {
		r := h.run(t, args...)
		if r.code != exitFailure || !strings.Contains(r.err, "no-such-runtime") || !strings.Contains(r.err, "clipdb runtime install") {
			t.Errorf("got\n%s", r)
		}
		if r.out != "" {
			t.Errorf("standard output is not empty:\n%s", r)
		}
	}
	if exists(new) {
		t.Error("a database was made that nothing can be added to")
	}
	h.run(t, "runtime", "install", "--from", filepath.Join(h.dir, "nothing.tgz")).fails(exitFailure, "nothing.tgz")
}

func TestRuntimeFound(t *testing.T) {
	h := newHomeWithRuntime(t)
	r := h.run(t, "runtime", "status").ok()
	if !strings.Contains(r.out, h.runtime) {
		t.Errorf("got\n%s", r)
	}
	// From a file, without any network, into the empty cache of this home;
	// a second time there is nothing to do.
	first := line[installLine](h.run(t, "runtime", "install", "--from", h.runtime, "--allow-unpinned", "--json").ok())
	if first.Already || !strings.HasPrefix(first.Path, h.dir) || len(first.SHA256) != 64 {
		t.Errorf("got %+v", first)
	}
	second := line[installLine](h.run(t, "runtime", "install", "--json").ok())
	if !second.Already || second.Path != first.Path {
		t.Errorf("got %+v", second)
	}
}
