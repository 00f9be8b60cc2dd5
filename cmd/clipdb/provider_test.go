package main

import (
	"path/filepath"
	"strings"
	"testing"
)

// A provider that this machine lacks is told of once, and the CPU answers.
func TestProvider(t *testing.T) {
	h := newHomeWithRuntime(t)
	path := filepath.Join(h.dir, "p.clipdb")
	h.run(t, "add", path, folder(t, "cat.jpg"), folder(t, "rocket.jpg"), "--json").ok()
	r := h.run(t, "search", path, "a cat", "--provider", "directml")
	if r.code != exitOK || strings.Count(r.err, "directml cannot run here") != 1 || !strings.Contains(r.out, "cat.jpg") {
		t.Errorf("got\n%s", r)
	}
	if m := lines[matchLine](h.run(t, "search", path, "a cat", "--provider", "cpu", "--json").ok()); len(m) != 2 || m[0].ID != "cat.jpg" {
		t.Errorf("got %+v", m)
	}
	h.run(t, "search", path, "a cat", "--provider", "rocket").fails(exitFailure, "unknown execution provider")
}
