package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/clipdb/clipdb"
	"github.com/clipdb/clipdb/db"
)

// Provenance goes in with add, is found by filters, and ends with expire.
func TestProvenanceAndExpire(t *testing.T) {
	h := newHomeWithRuntime(t)
	path := filepath.Join(h.dir, "p.clipdb")
	kept, old, gone := folder(t, "cat.jpg"), folder(t, "dogs.jpg"), folder(t, "rocket.jpg")
	h.run(t, "add", path, kept, "--source", "https://example.org", "--licence", "CC-BY-4.0", "--author", "Ada", "--consent", "given", "--consent-until", "2999-01-01", "--json").ok()
	h.run(t, "add", path, old, "--retention-until", "2020-02-03", "--author", "Retained Person", "--json").ok()
	h.run(t, "add", path, gone, "--consent", "withdrawn", "--author", "Withdrawn Person", "--json").ok()

	m := lines[matchLine](h.run(t, "search", path, "a cat", "--filter", "licence = 'CC-BY-4.0' and author = Ada", "--json").ok())
	if len(m) != 1 || m[0].ID != "cat.jpg" {
		t.Fatalf("got %+v", m)
	}
	if p, err := db.ProvenanceOf(m[0].Attrs); err != nil || p.Source != "https://example.org" || p.ConsentUntil.Year() != 2999 {
		t.Errorf("got %+v, %v", p, err)
	}
	for _, words := range [][]string{
		{"--consent-until", "soon"}, {"--retention-until", "x"}, {"--licence", "MIT", "--attr", "licence=MIT"}, {"--attr", "retention_until=later"},
	} {
		h.run(t, append([]string{"add", path, kept}, words...)...).fails(exitUsage)
	}

	for range 2 {
		l := lines[expiredLine](h.run(t, "expire", path, "--dry-run", "--json", "-q").ok())
		if len(l) != 2 || l[0].ID != "dogs.jpg" || l[0].Reason != db.AttrRetentionUntil || l[0].Since == nil || l[0].Status != "expired" ||
			l[1].ID != "rocket.jpg" || l[1].Reason != db.AttrConsent || l[1].Since != nil {
			t.Fatalf("got %+v", l)
		}
	}
	r := h.run(t, "expire", path, "--compact")
	if r.code != exitOK || !strings.Contains(r.out, "erased dogs.jpg  to be kept until 2020-02-03") || !strings.Contains(r.out, "erased rocket.jpg  consent withdrawn") {
		t.Errorf("got\n%s", r)
	}
	if l := line[infoLine](h.run(t, "info", path, "--json").ok()); l.Items != 1 {
		t.Errorf("%d items left", l.Items)
	}
	raw := must(os.ReadFile(path))
	for _, word := range []string{"Retained Person", "Withdrawn Person"} {
		if strings.Contains(string(raw), word) {
			t.Errorf("the file still holds %q", word)
		}
	}
	if l := lines[expiredLine](h.run(t, "expire", path, "--at", "3000-01-01", "-n", "-q", "--json").ok()); len(l) != 1 || l[0].Reason != db.AttrConsentUntil {
		t.Errorf("got %+v", l)
	}
	h.run(t, "expire", path, "--at", "never").fails(exitUsage, "--at")
}

// The rating is printed and stored only when asked for.
func TestSensitive(t *testing.T) {
	h := newHomeWithRuntime(t)
	path := filepath.Join(h.dir, "s.clipdb")
	h.adds(t, 3, 0, 0, path, folder(t, "cat.jpg", "rocket.jpg", "coffee.jpg"))
	h.run(t, "sensitive", path).fails(exitUsage, "--threshold")
	h.run(t, "sensitive", path, "--threshold", "2").fails(exitUsage, "--threshold")
	ask := []string{"sensitive", path, "--threshold", "0.6", "--labels", "a rocket", "--neutral", "a cat,a cup of coffee", "--json", "-q"}
	l := lines[sensitiveLine](h.run(t, ask...).ok())
	if len(l) != 1 || l[0].ID != "rocket.jpg" || !l[0].Sensitive || l[0].Score < 0.6 {
		t.Fatalf("got %+v", l)
	}
	count := func() int {
		return len(lines[matchLine](h.run(t, "search", path, "a thing", "--filter", "not sensitive = true", "--json").ok()))
	}
	if n := count(); n != 3 {
		t.Errorf("%d answers before anything was stored", n)
	}
	if l := lines[sensitiveLine](h.run(t, append(ask, "--store", "--all")...).ok()); len(l) != 3 {
		t.Errorf("got %+v", l)
	}
	if n := count(); n != 2 {
		t.Errorf("%d answers without the sensitive one", n)
	}
	h.run(t, "verify", path).ok()
}

// Cards are shown before and after a model is here, in words.
func TestCards(t *testing.T) {
	h := newHome(t)
	shown := line[knownShown](h.run(t, "model", "show", "openclip-vit-b-32-laion2b", "--json").ok())
	if shown.Licence != "MIT" || !strings.Contains(shown.Card.Training, "Re-LAION") || len(shown.Card.Biases) == 0 || shown.Pull == "" || shown.Where != "" {
		t.Errorf("got %+v", shown)
	}
	for name, words := range map[string][]string{
		"siglip2-base-patch16-224":       {"WebLI", "(pinned)", "a1959f7bd3993a607e48839f6d01e25b876fe76afda301b028b78eef68aabd95", "model pull"},
		"clip-vit-base-patch32-uint8":    {"rocca/openai-clip-js", "a5a97f5877ab503a6a0878e048de2d23ec7f0b881b70ee8f99b11f431f76da6d", "model.json"},
		"openclip-vit-b-32-256-datacomp": {"yurijmikhalevich/rclip-models", "DataComp-1B", "compared ever after"},
		"":                               {"clipdb-mini-1", "OpenStax", "Not for identifying people"},
	} {
		args := []string{"model", "show"}
		if name != "" {
			args = append(args, name)
		}
		out := h.run(t, args...).ok().out
		for _, w := range append(words, "biases", "limits", "read more") {
			if !strings.Contains(out, w) {
				t.Errorf("%s: %q is missing in\n%s", name, w, out)
			}
		}
	}
	out := h.run(t, "model", "list").ok().out
	for _, w := range []string{"clipdb-mini-1  built in", "not installed", "English", "Chinese", "licence MIT", "run: clipdb model pull fashion-clip"} {
		if !strings.Contains(out, w) {
			t.Errorf("%q is missing in\n%s", w, out)
		}
	}
	h.run(t, "model", "pull", "clip-vit-base-patch32-uint8").fails(exitFailure, "model.json", "model import")
	if _, err := clipdb.Open(filepath.Join(h.dir, "x.clipdb"), &clipdb.Options{AllowedLicences: []string{"MIT"}}); err == nil || !strings.Contains(err.Error(), "clipdb-mini-1 is under Apache-2.0, allowed are MIT") {
		t.Errorf("the built-in model under another licence: %v", err)
	}
}

// reembed changes the model there and back, and the audit log tells.
func TestReembedAndAudit(t *testing.T) {
	h := newHomeWithRuntime(t)
	path := filepath.Join(h.dir, "p.clipdb")
	h.run(t, "add", path, folder(t, "cat.jpg"), folder(t, "rocket.jpg"), "--json").ok()
	h.run(t, "audit", path, "--on", "-q").ok()
	model := must(filepath.Abs(filepath.Join("..", "..", "encoder", "modeltest", "testdata", "openai-clip")))
	r := line[reembedLine](h.run(t, "reembed", path, "--model", model, "--json", "-q").ok())
	if !r.Switched || r.Embedded != 2 || r.Total != 2 || r.Model != "openai-clip" {
		t.Fatalf("got %+v", r)
	}
	h.run(t, "search", path, "a cat").fails(exitFailure, "openai-clip")
	if m := lines[matchLine](h.run(t, "search", path, "a cat", "--model", model, "--json").ok()); len(m) != 2 {
		t.Errorf("got %+v", m)
	}
	if r := line[reembedLine](h.run(t, "reembed", path, "--json", "-q").ok()); !r.Switched || r.Embedded != 2 {
		t.Fatalf("got %+v", r)
	}
	if m := lines[matchLine](h.run(t, "search", path, "a cat", "--json").ok()); len(m) != 2 || m[0].ID != "cat.jpg" {
		t.Errorf("got %+v", m)
	}
	h.run(t, "delete", path, "cat.jpg", "-q").ok()
	h.run(t, "compact", path, "-q").ok()
	ops := []string{}
	for _, e := range lines[db.AuditEntry](h.run(t, "audit", path, "--json").ok()) {
		ops = append(ops, string(e.Op))
		if e.ID == "cat.jpg" {
			t.Errorf("the id of an erased item is still there: %+v", e)
		}
	}
	if got := strings.Join(ops, " "); got != "audit-on reembed reembed delete compact" {
		t.Errorf("the log tells of %s", got)
	}
	if e := lines[db.AuditEntry](h.run(t, "audit", path, "--id", "cat.jpg", "--json").ok()); len(e) != 1 || e[0].Op != "delete" {
		t.Errorf("of the erased item: %+v", e)
	}
	h.run(t, "audit", path, "--on", "--off").fails(exitUsage)
	h.run(t, "reembed", path, "--batch", "-1").fails(exitUsage)
	h.run(t, "audit", filepath.Join(h.dir, "none.clipdb")).fails(exitFailure, "no database")
}
