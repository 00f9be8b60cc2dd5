package main

import (
	"encoding/json"
	"path/filepath"
	"strings"
	"testing"
)

func TestSearchParts(t *testing.T) {
	h := newHomeWithRuntime(t)
	db := filepath.Join(h.dir, "p.clipdb")
	h.run(t, "add", db, photos(t)).ok()
	first := func(args ...string) string {
		t.Helper()
		return lines[matchLine](h.run(t, append([]string{"search", db, "--json", "-k", "3"}, args...)...).ok())[0].ID
	}
	if got := first("coffee", "--plus", "a cat^3"); got != "cat.jpg" {
		t.Errorf("mostly a cat: %s", got)
	}
	if got := first("coffee", "--plus", "a cat^0.2"); got != "coffee.jpg" {
		t.Errorf("mostly coffee: %s", got)
	}
	if got := first("a cat", "--minus", "a cat^0.9", "--plus", "a rocket"); got != "rocket.jpg" {
		t.Errorf("a cat less itself, and a rocket: %s", got)
	}
	if got := first("--image", filepath.Join(photos(t), "cat.jpg")); got != "cat.jpg" {
		t.Errorf("its picture: %s", got)
	}
	// An item that is asked for is no answer.
	if got := first("--like", "cat.jpg", "--plus", "coffee"); got != "coffee.jpg" {
		t.Errorf("like an item: %s", got)
	}
	for _, c := range []struct {
		says string
		args []string
	}{
		{"empty", []string{"--minus", "a cat"}},
		{"weight", []string{"a", "--plus", "b^0"}},
		{"--minus", []string{"a", "--minus", " ^2"}},
		{"--keywords", []string{"a", "--keywords", "--plus", "b"}},
		{"--cut", []string{"a", "--cut=-1"}},
		{"--cut", []string{"a", "--keywords", "--cut", "0.1"}},
	} {
		h.run(t, append([]string{"search", db}, c.args...)...).fails(exitUsage, c.says)
	}
	// With a cut a cat is found, and little else; without one all are answers.
	cut := lines[matchLine](h.run(t, "search", db, "a cat", "-k", "17", "--cut", "0.1", "--json").ok())
	if len(cut) == 0 || len(cut) > 5 || cut[0].ID != "cat.jpg" {
		t.Errorf("cut: %+v", cut)
	}
	h.run(t, "search", db, "--like", "nobody.jpg").fails(exitFailure, "nobody.jpg")
}

func TestWeighted(t *testing.T) {
	for in, want := range map[string]struct {
		part   string
		weight float64
	}{
		"fence": {"fence", 1}, "fence^0.5": {"fence", 0.5}, "x^y": {"x^y", 1}, "2^3^4": {"2^3", 4}, "a b^1e1": {"a b", 10},
	} {
		part, weight, err := weighted(in)
		if err != nil || part != want.part || weight != want.weight {
			t.Errorf("%q: %q, %v, %v", in, part, weight, err)
		}
	}
	for _, bad := range []string{"a^0", "a^-1", "a^NaN", "a^Inf"} {
		if _, _, err := weighted(bad); err == nil {
			t.Errorf("%q was taken", bad)
		}
	}
}

// What the model cannot read is told, for people and for programs.
func TestSearchWarns(t *testing.T) {
	h := newHomeWithRuntime(t)
	db := filepath.Join(h.dir, "p.clipdb")
	h.run(t, "add", db, filepath.Join(photos(t), "cat.jpg")).ok()
	r := h.run(t, "search", db, "кошка", "--json")
	if r.code != 0 || len(lines[matchLine](r)) != 1 {
		t.Errorf("the answer is %q", r.out)
	}
	var said struct {
		Warning struct{ Kind, Script, Part, Message string }
	}
	if err := json.Unmarshal([]byte(r.err), &said); err != nil || said.Warning.Kind != "script" || said.Warning.Script != "Cyrillic" || said.Warning.Part != "кошка" {
		t.Errorf("%v: %s", err, r.err)
	}
	if r := h.run(t, "search", db, "кошка"); r.code != 0 || !strings.Contains(r.err, "warning: ") || !strings.Contains(r.err, "Cyrillic") {
		t.Errorf("said %q", r.err)
	}
	for _, silent := range [][]string{{"a cat 🐈 24/7, naïve"}, {"кошка", "--keywords"}} {
		if r := h.run(t, append([]string{"search", db}, silent...)...); r.code != 0 || strings.Contains(r.err, "warning") {
			t.Errorf("%q: said %q", silent, r.err)
		}
	}
}
