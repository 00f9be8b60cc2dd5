package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func captionsFile(t *testing.T, name, content string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), name)
	if err := os.WriteFile(path, []byte(content), 0o644); err != nil {
		t.Fatal(err)
	}
	return path
}

func TestReadCaptions(t *testing.T) {
	for name, c := range map[string]struct{ file, content string }{
		"json lines":         {"c.jsonl", `{"file": "a.jpg", "captions": ["first", "second"]}` + "\n\n" + `{"file":"sub/b.jpg","caption":"of b"}`},
		"json, odd name":     {"c.txt", ` {"file":"a.jpg","captions":["first","second"]}` + "\n" + `{"file":"sub/b.jpg","captions":["of b"],"more":1}`},
		"csv with heading":   {"c.csv", "Caption,Image\nfirst,a.jpg\nsecond,a.jpg\nof b,sub/b.jpg\n"},
		"csv without":        {"c.csv", "a.jpg,first\r\na.jpg,second\r\nsub/b.jpg,of b\r\n"},
		"csv with mark":      {"c.csv", "\xEF\xBB\xBFfile,caption\na.jpg,first\na.jpg,\"second\"\nsub\\b.jpg,of b\n"},
		"tsv":                {"c.tsv", "a.jpg\tfirst\na.jpg\tsecond\nsub/b.jpg\tof b\n"},
		"tsv by its content": {"c.list", "a.jpg\tfirst\n./a.jpg\tsecond\nsub//b.jpg\tof b\n"},
	} {
		got, err := readCaptions(captionsFile(t, c.file, c.content))
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		for _, want := range []struct {
			rel     string
			keep    int
			caption string
			ok      bool
		}{
			{"a.jpg", 1, "first", true}, {"a.jpg", 0, "first\nsecond", true}, {"a.jpg", 5, "first\nsecond", true},
			{"sub/b.jpg", 1, "of b", true}, {"c.jpg", 1, "", false},
		} {
			text, ok := got.of(found{rel: want.rel}, "/elsewhere/"+want.rel, want.keep)
			if text != want.caption || ok != want.ok {
				t.Errorf("%s: %s has %q, %v; want %q", name, want.rel, text, ok, want.caption)
			}
		}
		if got.unused() != 0 {
			t.Errorf("%s: %d unused", name, got.unused())
		}
	}
}

func TestReadCaptionsErrors(t *testing.T) {
	for _, c := range []struct{ file, content, says string }{
		{"c.jsonl", "{\"file\":\"a.jpg\"}\nnot json\n", "line 2"},
		{"c.jsonl", `{"captions":["x"]}`, "names no"},
		{"c.jsonl", `{"file":"a","captions":"x"}`, "line 1"},
		{"c.csv", "a.jpg,x\nb.jpg\n", "line 2"},
		{"c.csv", ",x\n", "line 1 names no file"},
		{"c.csv", "a.jpg,\"x\n", "quote"},
		{"c.jsonl", `{"file":"` + strings.Repeat("a", captionLine+10) + `"}`, "longer than"},
	} {
		path := captionsFile(t, c.file, c.content)
		_, err := readCaptions(path)
		if err == nil || !strings.Contains(err.Error(), c.says) || !strings.Contains(err.Error(), path) {
			t.Errorf("%.40q: %.200v, want %q and the file's name", c.content, err, c.says)
		}
	}
	if _, err := readCaptions(filepath.Join(t.TempDir(), "none")); err == nil {
		t.Error("a missing file is taken")
	}
}

// A file is found by its path below the folder, by its place relative to the
// captions file, or by its name alone when only one entry has it.
func TestCaptionLookup(t *testing.T) {
	path := captionsFile(t, "c.csv", "images/a.jpg,by place\nx/same.jpg,one\ny/same.jpg,two\nalone.jpg,by name\nempty.jpg,\ncafe\u0301.jpg,accent\n")
	dir := filepath.Dir(path)
	c, err := readCaptions(path)
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []struct {
		rel, abs, caption string
		ok                bool
	}{
		{"a.jpg", filepath.Join(dir, "images", "a.jpg"), "by place", true},
		{"same.jpg", "/other/same.jpg", "", false},
		{"x/same.jpg", "/other/x/same.jpg", "one", true},
		{"same.jpg", filepath.Join(dir, "y", "same.jpg"), "two", true},
		{"deep/er/alone.jpg", "/o/deep/er/alone.jpg", "by name", true},
		{"empty.jpg", "/o/empty.jpg", "", true},
		{"café.jpg", "/o/café.jpg", "accent", true},
	} {
		got, ok := c.of(found{rel: want.rel}, want.abs, 1)
		if got != want.caption || ok != want.ok {
			t.Errorf("%s at %s: %q, %v; want %q, %v", want.rel, want.abs, got, ok, want.caption, want.ok)
		}
	}
	var none *captions
	if _, ok := none.of(found{rel: "a"}, "/a", 1); ok || none.unused() != 0 {
		t.Error("no captions file knows a file")
	}
}

func FuzzReadCaptions(f *testing.F) {
	f.Add(".jsonl", `{"file":"a","captions":["b"]}`)
	f.Add(".csv", "file,caption\na,b\n\"c\",\"d\ne\"\n")
	f.Add(".tsv", "a\tb\"c\n")
	f.Add("", "\xEF\xBB\xBFa,b")
	f.Fuzz(func(t *testing.T, ext, content string) {
		c := &captions{dir: "/d", byFile: map[string][]string{}, byBase: map[string]string{}, used: map[string]bool{}}
		if err := c.read(strings.NewReader(content), ext); err != nil {
			return
		}
		for key := range c.byFile {
			if text, ok := c.of(found{rel: key}, "/elsewhere/"+key, 0); !ok || strings.ContainsRune(text, '\uFFFD') && !strings.ContainsRune(content, '\uFFFD') {
				t.Errorf("%q: %q, %v", key, text, ok)
			}
		}
		if c.unused() != 0 {
			t.Errorf("%d entries cannot be found by their own name", c.unused())
		}
	})
}
