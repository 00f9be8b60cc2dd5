package main

import (
	"encoding/json"
	"strings"
	"testing"
)

// Keywords need no model: neither ONNX Runtime nor vectors of its own.
func TestSearchKeywords(t *testing.T) {
	h := newHome(t)
	db := ownVectors(t, 12)
	r := h.run(t, "search", db, "Numbers 7", "--keywords", "-k", "3", "--json").ok()
	lines := strings.Split(strings.TrimSpace(r.out), "\n")
	if len(lines) != 3 {
		t.Fatalf("%d answers:\n%s", len(lines), r)
	}
	var first struct {
		ID      string
		Score   *float32
		Caption string
		Attrs   map[string]any
		Keyword *float32
		Fused   *float32
	}
	if err := json.Unmarshal([]byte(lines[0]), &first); err != nil {
		t.Fatal(err)
	}
	if first.ID != "v007" || first.Score == nil || *first.Score != 0 || first.Keyword == nil || *first.Keyword <= 0 || first.Fused == nil || *first.Fused <= 0 {
		t.Errorf("the first answer is %s", lines[0])
	}
	r = h.run(t, "search", db, "numbers", "--keywords", "--filter", "n>=10").ok()
	if !strings.Contains(r.out, "v010") || !strings.Contains(r.out, "v011") || strings.Contains(r.out, "v009") {
		t.Errorf("with a filter:\n%s", r)
	}
	r = h.run(t, "search", db, "nothing", "--keywords")
	if r.code != exitOK || r.out != "" || !strings.Contains(r.err, "no caption has these words") {
		t.Errorf("words that no caption has:\n%s", r)
	}
}
